"""Every command and every piece of code in the documentation runs as it stands."""

import re
from collections import Counter
from pathlib import Path

import pytest
from snippets import PAGES, REASONS, Reader, blocks, check_printed

ALL = {page: blocks(page) for page in PAGES}
# What README shows stands in another page too, where it is run.
ELSEWHERE = {b.text for p, found in ALL.items() if p.stem != "README" for b in found}
RUN = {
    page: [
        b
        for b in found
        if b.kind in ("sh", "python")
        and not b.reason
        and not (page.stem == "README" and b.text in ELSEWHERE)
    ]
    for page, found in ALL.items()
}
# More than these were never needed. Each names what it needs, see `snippets`.
MOST_NOT_RUN = 12


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if RUN[p]], ids=lambda p: p.stem)
def test_page_runs(workdir: Path, page: Path) -> None:
    """Its blocks, in order; a text block shows lines of what has been printed."""
    reader, printed = Reader(workdir), ""
    for block in ALL[page]:
        if block.kind == "text" and page.stem == "tutorial":
            check_printed(block.text, printed)
        else:
            printed += reader.follow(block)


def test_blocks_that_are_not_run_say_why() -> None:
    reasons = Counter(b.reason for found in ALL.values() for b in found if b.reason)
    assert set(reasons) <= set(REASONS), reasons
    assert sum(reasons.values()) <= MOST_NOT_RUN, reasons
    assert sum(map(len, RUN.values())) > 2 * MOST_NOT_RUN


def test_blocks_are_fenced_and_of_a_known_kind() -> None:
    """Or their commands would not be found."""
    for page, found in ALL.items():
        kinds = {b.kind for b in found if not b.kind.startswith("{")}
        assert kinds <= {"sh", "python", "text", "yaml", "csv"}, page
        text = page.read_text()
        assert len(re.findall(r"^```", text, re.M)) == 2 * len(found), page
        assert not re.search(r"^    (cfexp|python|pip) ", text, re.M), page
