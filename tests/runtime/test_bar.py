"""Progress bars: one line at any width, figures whole or not at all."""

import io

import pytest
from rich.console import Console

from cfexp.runtime.bar import Bar, clock

FIGURES = ["val RMSE 0.9126", "1:05, 0:10 left", "loss 0.8123", "1,234,567 ratings/s"]


@pytest.mark.parametrize(
    ("width", "shown"), [(20, 0), (40, 1), (60, 2), (80, 3), (120, 4), (200, 4)]
)
def test_figures_are_whole(width: int, shown: int) -> None:
    file = io.StringIO()
    Console(file=file, width=width).print(Bar("training", 13, 15, FIGURES))
    (line,) = file.getvalue().splitlines()
    assert len(line) <= width
    assert [figure for figure in FIGURES if figure in line] == FIGURES[:shown]
    assert line.startswith("training 13/15 ")
    assert "…" not in line


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-1, "0:00"), (7.4, "0:07"), (75, "1:15"), (3723, "1:02:03")]
)
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
