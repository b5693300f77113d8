"""Tables hold every number whole, at any width, and take texts as they are."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from rich.cells import cell_len

from cfexp.evaluation.comparison import Comparison
from cfexp.evaluation.groups import Evaluation, Group
from cfexp.reports.leaderboard import METRICS as COLUMNS
from cfexp.reports.leaderboard import SPARE
from cfexp.reports.run_tables import _margin, print_evaluation
from cfexp.runs.leaderboard import without_shared
from cfexp.runtime.console import WIDTH, print_frame, print_lines
from cfexp.runtime.output import near

WIDTHS = (60, 80, 120, 200)
Said = Callable[[], str]


@pytest.fixture(params=[*WIDTHS, None])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The width of the console; None: of a pipe, where nobody says it."""
    monkeypatch.delenv("COLUMNS", raising=False)
    if request.param is None:
        return WIDTH
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], width: int) -> Said:
    """Returns what was printed, after a look at the lines' lengths."""

    def printed() -> str:
        text = capsys.readouterr().out
        assert max(map(cell_len, text.splitlines())) <= width
        assert "…" not in text
        return text

    return printed


def numbers(text: str) -> list[str]:
    return re.findall(r"[+-]?\d[\d,.]*\d%?", text)


def evaluation(rmse: float) -> Evaluation:
    """Returns an evaluation of many long lines."""
    labels = [f"movies with {i} to {i + 100:,} training ratings" for i in range(12)]
    groups = [Group("user_0", label, 12_345_678, rmse, 0.7512) for label in labels]
    names = {"overall": groups[0], "user_mean": groups[1], "groups": tuple(groups[2:])}
    return Evaluation(**names)  # type: ignore[arg-type]


def test_evaluation_is_whole(said: Said, width: int) -> None:
    baselines = {"mean": evaluation(1.1281), "bias": evaluation(0.9444)}
    compared = Comparison(evaluation(0.9126), baselines, "Fitted to [/x] rows.")
    print_evaluation("dot on x", compared)
    text = said()
    found = numbers(text)
    for number in ("12,345,678", "0.9126", "0.9444", "+3.4%"):
        assert found.count(number) == 12
    for number in ("0.7512", "1.1281"):  # the spare ones
        assert found.count(number) == (12 if width > 60 else 0)
    assert ("not shown, for lack of room: mean RMSE, MAE" in text) == (width == 60)


def test_leaderboard_is_whole(said: Said, width: int) -> None:
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
    text = said()
    found = numbers(text)
    for dim in (16, 32, 64):
        assert found.count(f"{-0.9126 - dim / 1000:.4f}") % 3 == 0
        assert found.count(f"{-0.9126 - dim / 1000:.4f}") >= 6
    assert "model=dot" in text
    assert "dataset=ml-100k" not in text
    assert ("not shown, for lack of room" in text) == (width < 120)
    assert found.count("12,110,382") == (9 if width > 100 else 0)


def test_wide_tables_say_what_they_leave_out(said: Said, width: int) -> None:
    """Many columns of a user's own."""
    columns = {f"column_{i}": [i + 0.12345678] for i in range(40)}
    frame = pd.DataFrame({"title": ["A very long title " * 20], **columns})
    print_frame("wide", frame, digits=8)
    text = said()
    found = numbers(text)
    shown = [i for i in range(40) if f"{i + 0.12345678:.8f}" in found]
    assert shown == list(range(len(shown)))
    assert len(shown) >= 3
    assert "column_39" in text.replace("\n", "")


def test_texts_do_not_act(said: Said) -> None:
    """Neither Rich's markup and emoji nor the terminal's control characters."""
    titles = ["Foo [/b]", "[rec] (2007)", ":smile:", "\x1b[31mred", "[link=x]y[/link]"]
    frame = pd.DataFrame({"title[/]": titles, "rating": 4.5})
    print_frame("a[/b]", frame)
    print_lines([("folder", "outputs/[/x]\x1b[2J")])
    text = said()
    for part in ("a[/b]", "title[/]", *titles[:3], "[link=x]y[/link]", "[/x]"):
        assert part in text
    assert "\x1b" not in text


def test_titles_take_the_whole_width(said: Said, width: int) -> None:
    """They are not broken to the width of a narrow table."""
    title = "5 predictions of a model with a rather long name, the first ones"
    print_frame(title, pd.DataFrame({"a": [1]}))
    lines = said().splitlines()
    assert (title == lines[0].rstrip()) == (width > 60)
    assert lines.index("┏━━━┓") <= 2


@pytest.mark.parametrize(
    ("model", "shown", "style"),
    [
        (0.9, "+10.0%", "green"),
        (1.1, "-10.0%", "red"),
        (1.0, "+0.0%", ""),
        (1.0001, "+0.0%", ""),
        (0.9999, "+0.0%", ""),
    ],
)
def test_margin(model: float, shown: str, style: str) -> None:
    found = _margin(model, 1.0)
    assert (found.plain, found.style) == (shown, style)


def test_paths_below_the_working_directory_are_short(workdir: Path) -> None:
    assert near(workdir / "outputs/x") == "outputs/x"
    assert near(Path("outputs/x")) == "outputs/x"
    assert near(Path("/elsewhere")) == "/elsewhere"
