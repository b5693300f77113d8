"""The screen of a sweep, fed with how far its jobs are."""

import io
import re
from collections.abc import Callable, Iterator

import pytest
from rich.console import Console

from cfexp.evaluation.objective import Objective
from cfexp.reports.sweep_screen import SweepScreen
from cfexp.reports.sweep_tally import Plan
from cfexp.runtime.job_status import (
    BEFORE,
    FAILED,
    FINISHED,
    PRUNED,
    RUNNING,
    STOPPED,
    JobStatus,
)
from cfexp.runtime.output import Output, Verbosity, output, set_output

CONSTANT = "dataset=ml-100k"
PLAN = Plan(6, (CONSTANT,))
REASON = (
    "the training loss is nan in epoch 2: the model has diverged. Lower optimizer.x"
)


def status(number: int, state: str = RUNNING, **others: object) -> JobStatus:
    overrides = (CONSTANT, "model=dot", f"embed_dim={2 ** (number + 3)}")
    ended = None if state == RUNNING else 4.2
    about = {"started": 0.0, "ended": ended, "state": state, "folder": f"f/{number}"}
    return JobStatus("s", number, overrides, **{**about, **others})  # type: ignore[arg-type]


def finished(number: int, rmse: float, state: str = FINISHED) -> JobStatus:
    return status(number, state, metrics={"val_rmse": rmse, "test_rmse": rmse + 0.01})


@pytest.fixture
def clock() -> list[float]:
    """What the screen's clock shows."""
    return [0.0]


@pytest.fixture(params=[60, 80, 120, 200])
def screen(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    clock: list[float],
) -> SweepScreen:
    """A screen of some width, without a terminal."""
    monkeypatch.setenv("COLUMNS", str(request.param))
    return SweepScreen(PLAN, lambda: clock[0])


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """Returns the lines printed so far, after a look at their lengths."""

    def printed() -> list[str]:
        text = capsys.readouterr().out
        found = text.splitlines()
        assert max(map(len, found)) <= Console().width
        assert "…" not in text
        assert not re.search("[\x00-\x09\x0b-\x1f]", text)
        return found

    return printed


def below(screen: SweepScreen) -> str:
    """Returns what stands below the lines."""
    file = io.StringIO()
    found = Console(file=file, width=Console().width)
    for bar in screen.bars():
        found.print(bar)
    assert max(map(len, file.getvalue().splitlines())) <= found.width
    assert "…" not in file.getvalue()
    return file.getvalue()


def test_each_job_gets_its_line_once(
    screen: SweepScreen, lines: Callable[[], list[str]]
) -> None:
    screen.start()
    screen.feed(status(0))
    screen.feed(status(0, epoch=3, epochs=15))
    for _ in range(3):  # a watcher may see it again
        screen.feed(finished(0, 0.9126))
    screen.feed(finished(1, 0.95, BEFORE))
    screen.feed(finished(2, 0.96, PRUNED))
    screen.feed(status(3, FAILED, error=REASON))
    screen.stop()
    text = "\n".join(lines())
    assert text.count("0.9126") == text.count("0.9226") == 1
    for state in (FINISHED, BEFORE, PRUNED, FAILED):
        assert state in text
    for place in ("1/6", "2/6", "3/6", "4/6"):
        assert text.count(place) == 1
    words = " ".join(text.split())
    assert REASON in words
    assert "its log: f/3/cfexp.log" in words
    assert "embed_dim=8" in text
    assert CONSTANT not in text
    assert "jobs 3/6" not in text  # no bar without a terminal


def test_bar_says_how_many_how_long_and_the_best(
    screen: SweepScreen, clock: list[float]
) -> None:
    screen.feed(finished(0, 0.95, BEFORE))  # takes no time, so tells nothing of it
    assert "left" not in below(screen)
    clock[0] = 10.0
    screen.feed(finished(1, 0.9126))  # took 4.2 seconds
    assert "0:10, 0:17 left" in below(screen)
    clock[0] = 12.0
    figures = ("val RMSE 0.9311", "loss 0.8211")
    now = {"stage": "training", "epoch": 7, "epochs": 15, "figures": figures}
    screen.feed(status(2, started=10.0, **now))
    text = below(screen)
    assert "jobs 2/6" in text
    assert "0:12, 0:15 left" in text
    assert "best val_rmse 0.9126: model=dot embed_dim=16" in text
    assert "job 3/6: model=dot embed_dim=32" in text
    assert "training 7/15" in text
    assert "val RMSE 0.9311" in text
    screen.feed(status(3, started=10.0))  # two at once
    assert "0:12, 0:06 left" in below(screen)
    screen.feed(status(3, FAILED, error=REASON))
    assert "1 failed" in below(screen)


def test_jobs_in_other_processes_have_a_bar_each(screen: SweepScreen) -> None:
    for number in range(6):
        screen.feed(status(number, epoch=number + 1, epochs=15))
    text = below(screen)
    assert "job 6/6, epoch 6/15" in text
    assert "job 3/6, epoch 3/15" in text
    assert "and 2 more" in text


def test_search_of_unknown_length(
    monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[str]]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    screen = SweepScreen(Plan(None, (CONSTANT,), Objective("val_mae")))
    screen.start()
    metrics = {"val_mae": 0.7123, "test_mae": 0.7211, "val_rmse": 0.9}
    screen.feed(status(0, FINISHED, metrics=metrics))
    head, line = lines()
    assert head.split() == ["jobs", "val_mae", "test_mae", "seconds", "status"]
    assert line.split()[-4:] == ["0.7123", "0.7211", "4.2", "finished"]


def test_standing(screen: SweepScreen) -> None:
    screen.feed(finished(0, 0.9))
    screen.feed(finished(1, 0.9, BEFORE))
    screen.feed(status(2, FAILED, error=REASON))
    screen.feed(status(3, STOPPED, epoch=7, epochs=15))
    assert screen.standing() == (
        "2 of 6 jobs are finished, 1 failed, job 4/6 (model=dot embed_dim=64) was after"
        " epoch 7 of 15"
    )


@pytest.fixture
def as_before() -> Iterator[None]:
    """Takes back what a test makes the process print."""
    before = Output(**vars(output))
    yield
    set_output(before)


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize(
    "wanted", [Output(verbosity=Verbosity.QUIET), Output(is_worker=True)]
)
def test_quiet_screen(wanted: Output, capsys: pytest.CaptureFixture[str]) -> None:
    set_output(wanted)
    screen = SweepScreen(PLAN)
    screen.start()
    screen.feed(finished(0, 0.9))
    screen.stop()
    assert capsys.readouterr().out == ""


def test_terminal_shows_bars_and_keeps_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    to = Console(file=terminal, force_terminal=True, width=80)
    monkeypatch.setattr("cfexp.runtime.live.console", lambda: to)
    monkeypatch.setattr("cfexp.reports.sweep_screen.console", lambda: to)
    monkeypatch.setenv("TERM", "xterm")
    screen = SweepScreen(PLAN)
    screen.start()
    screen.feed(status(0))
    screen.feed(finished(0, 0.9126))
    screen.stop()
    said = terminal.getvalue()
    assert "jobs" in said
    assert "\x1b[2K" in said  # erases the bars
    assert "0.9126" in said
