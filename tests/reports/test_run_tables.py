"""Tables hold every number whole, at any width, and take texts as they are."""

import io
import re

import pandas as pd
import pytest
from rich.console import Console

from cfexp.evaluation.comparison import Comparison
from cfexp.evaluation.groups import Evaluation, Group
from cfexp.reports.leaderboard import METRICS as COLUMNS
from cfexp.reports.leaderboard import SPARE
from cfexp.reports.run_tables import print_evaluation
from cfexp.runs.leaderboard import without_shared
from cfexp.runtime.console import print_frame, print_lines

WIDTHS = (80, 110, 200)


@pytest.fixture(params=WIDTHS)
def printed(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> io.StringIO:
    """What is printed to a terminal of some width."""
    file = io.StringIO()
    terminal = Console(
        file=file, width=request.param, highlight=False, markup=False, emoji=False
    )
    monkeypatch.setattr("cfexp.runtime.console.console", lambda: terminal)
    monkeypatch.setattr("cfexp.reports.run_tables.console", lambda: terminal)
    return file


def numbers(printed: io.StringIO, width: int) -> list[str]:
    """Returns the numbers that were printed, after a look at the lines' lengths."""
    lines = printed.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in printed.getvalue()
    return re.findall(r"[+-]?\d[\d,.]*\d%?", printed.getvalue())


def evaluation(rmse: float) -> Evaluation:
    """Returns an evaluation of many long lines."""
    labels = [f"movies with {i} to {i + 100:,} training ratings" for i in range(12)]
    groups = [Group("user_0", label, 12_345_678, rmse, 0.7512) for label in labels]
    names = {"overall": groups[0], "user_mean": groups[1], "groups": tuple(groups[2:])}
    return Evaluation(**names)  # type: ignore[arg-type]


def test_evaluation_is_whole(
    printed: io.StringIO, request: pytest.FixtureRequest
) -> None:
    width = request.node.callspec.params["printed"]
    baselines = {"mean": evaluation(1.1281), "bias": evaluation(0.9444)}
    compared = Comparison(evaluation(0.9126), baselines, "Fitted to [/x] rows.")
    print_evaluation("dot on x", compared)
    found = numbers(printed, width)
    for number in ("12,345,678", "0.9126", "0.7512", "1.1281", "0.9444", "+3.4%"):
        assert found.count(number) == 12


def test_leaderboard_is_whole(
    printed: io.StringIO, request: pytest.FixtureRequest
) -> None:
    width = request.node.callspec.params["printed"]
    rows = [
        {
            "job": f"dataset=ml-100k model={model} embed_dim={dim} split=official",
            "status": "finished before",
            **dict.fromkeys(COLUMNS, -0.9126 - dim / 1000),
            "best_epoch": 15.0,
            "n_parameters": 12_110_382.0,
            "folder": str(dim),
        }
        for model in ("dot", "ncf", "deep")
        for dim in (16, 32, 64)
    ]
    short, shared = without_shared(pd.DataFrame(rows))
    assert shared == "dataset=ml-100k split=official"
    print_frame("leaderboard", short, spare=SPARE)
    found = numbers(printed, width)
    for dim in (16, 32, 64):
        assert found.count(f"{-0.9126 - dim / 1000:.4f}") % 3 == 0
        assert found.count(f"{-0.9126 - dim / 1000:.4f}") >= 9
    said = printed.getvalue()
    assert "model=dot" in said
    assert "dataset=ml-100k" not in said
    assert ("not shown, for lack of room" in said) == (width < 200)
    assert found.count("12,110,382") == (9 if width > 80 else 0)


def test_wide_tables_say_what_they_leave_out(
    printed: io.StringIO, request: pytest.FixtureRequest
) -> None:
    """Many columns of a user's own."""
    width = request.node.callspec.params["printed"]
    columns = {f"column_{i}": [i + 0.12345678] for i in range(40)}
    frame = pd.DataFrame({"title": ["A very long title " * 20], **columns})
    print_frame("wide", frame, digits=8)
    found = numbers(printed, width)
    shown = [i for i in range(40) if f"{i + 0.12345678:.8f}" in found]
    assert shown == list(range(len(shown)))
    assert len(shown) >= 3
    assert "column_39" in printed.getvalue().replace("\n", "")


def test_texts_do_not_act(printed: io.StringIO) -> None:
    """Neither Rich's markup and emoji nor the terminal's control characters."""
    titles = ["Foo [/b]", "[rec] (2007)", ":smile:", "\x1b[31mred", "[link=x]y[/link]"]
    frame = pd.DataFrame({"title[/]": titles, "rating": 4.5})
    print_frame("a[/b]", frame)
    print_lines([("folder", "outputs/[/x]\x1b[2J")])
    said = printed.getvalue()
    for text in ("a[/b]", "title[/]", *titles[:3], "[link=x]y[/link]", "[/x]"):
        assert text in said
    assert "\x1b" not in said
