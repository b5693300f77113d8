"""HTML pages, as a browser reads them."""

from html.parser import HTMLParser

import pandas as pd

LOADING = ("src", "href", "data", "poster", "action", "srcset")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.policy = ""
        self._in_cell = False

    def handle_starttag(
        self, tag: str, attributes: list[tuple[str, str | None]]
    ) -> None:
        found = {k: v or "" for k, v in attributes}
        self.loaded += [found[name] for name in LOADING if name in found]
        if tag == "meta" and "http-equiv" in found:
            self.policy = found["content"]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self._in_cell = "data-value" not in found
            self.tables[-1][-1].append(found.get("data-value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.tables[-1][-1][-1] += data


def _read(page: str) -> _Page:
    parser = _Page()
    parser.feed(page)
    return parser


def tables_of(page: str) -> list[pd.DataFrame]:
    """Returns the tables of a page, with whole numbers as they are, not as shown."""
    found = []
    for head, *rows in _read(page).tables:
        table = pd.DataFrame(rows, columns=head)
        for name in table:
            numbers = pd.to_numeric(table[name], errors="coerce")
            if (numbers.notna() | (table[name] == "")).all():
                table[name] = numbers
        found.append(table)
    return found


def check_self_contained(page: str) -> None:
    """Checks that a page loads nothing, is not allowed to, and is below 5 MB."""
    read = _read(page)
    assert [one for one in read.loaded if not one.startswith("data:")] == []
    assert read.policy.startswith("default-src 'none';")
    assert "http" not in read.policy
    assert "@import" not in page.partition("</style>")[0]
    assert len(page.encode()) < 5_000_000
