"""Model cards: what they say is what was measured."""

import html
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from helpers import SMALL, TINY, cfexp
from matplotlib.figure import Figure
from omegaconf import DictConfig

from cfexp.config.build import build
from cfexp.evaluation.breakdown import HALF_WIDTH
from cfexp.models.bias import Bias
from cfexp.reports.card import calibration, worst_cases
from cfexp.reports.plots import INTERVAL, NAME, PNG, overview, residuals, save_plots
from cfexp.runs.modes import run
from cfexp.runs.task import Task
from cfexp.training.history import Epoch, History


def test_calibration_is_by_predicted_star() -> None:
    test = pd.DataFrame(
        {"rating": [1.0, 2.0, 5.0, 4.0], "predicted": [1.4, 0.8, 4.6, 4.9]}
    )
    found = calibration(test).set_index("star predicted")
    assert found["rows"].to_dict() == {1: 2, 5: 2}
    assert found.loc[1, "mean predicted"] == pytest.approx(1.1)
    assert found.loc[1, "mean given"] == pytest.approx(1.5)
    assert found.loc[5, "mean given"] == pytest.approx(4.5)


def test_worst_cases_are_the_largest_errors() -> None:
    rows = 30
    test = pd.DataFrame(
        {
            "userId": range(rows),
            "movieId": range(rows),
            "rating": 3.0,
            "predicted": [3.0 + (-1) ** i * i / 10 for i in range(rows)],
            "user_count": 1,
            "item_count": 2,
        }
    )
    movies = pd.DataFrame({"movieId": range(rows), "title": "a | b"})
    found = worst_cases(test, movies)
    assert found["userId"].tolist() == [str(i) for i in range(29, 19, -1)]
    assert found["error"].abs().is_monotonic_decreasing


@pytest.mark.slow
def test_card_of_a_run(workdir: Path) -> None:
    """Complete, and the HTML needs nothing from elsewhere."""
    options = ["model=dot", "embed_dim=4", "training=quick", "hydra.run.dir=run"]
    done = cfexp(*options, *TINY, "run_name='<b>|x'", "tracking=none", cwd=workdir)
    assert done.returncode == 0, done.stderr
    results = workdir / "run/results"
    card = (results / "model_card.md").read_text()
    parts = ("Data", "Protocol", "Errors and margin", "Calibration", "Residuals")
    for part in (*parts, "Worst cases", "Parameters", "Time"):
        assert f"\n## {part}" in card
    for part in ("By genre", "By popularity", "By activity"):
        assert f"\n### {part}" in card
    metrics = pd.read_json(results / "metrics.json", typ="series")
    assert f"Test RMSE {metrics['test_rmse']:.4f}" in card
    assert f"| all | {int(metrics['rows/test'])} | {metrics['test_rmse']:.4f} |" in card
    assert f"{metrics['baselines/bias_rmse']:.4f}" in card
    assert "no better than the bias baseline" in card  # two epochs are too few
    assert "| model.embed\\_dim | 4 |" in card
    page = (results / "model_card.html").read_text()
    assert page.count("<table>") == 9
    assert page.count("data:image/png;base64,") == 1
    assert "&lt;b&gt;|x" in page
    assert "<b>" not in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)


IMAGE = "<img src=x onerror=alert(9)>"


class Hostile(Bias):
    name: ClassVar[str] = f"{IMAGE} ![x](plots/x.png)"


@pytest.mark.slow
def test_names_do_not_act(workdir: Path, composed: Callable[..., DictConfig]) -> None:
    """Neither HTML nor Markdown nor Rich's markup, in the card or the console."""
    cfg = composed("model=bias", *SMALL)
    request = build(cfg)
    experiment = request.experiment.replace(model=Hostile())
    name = f"see (plots/x.png) [/b] ![y](plots/overview.png) {IMAGE}"
    run(Task(replace(request, experiment=experiment), workdir / "run", name))
    page = (workdir / "run/results/model_card.html").read_text()
    assert re.findall("<img[^>]*?src=.{11}", page) == ['<img src="data:image']
    assert f"This {html.escape(IMAGE)} ![x](plots/x.png) model" in page
    assert f"<h1>{html.escape(name)} on synthetic</h1>" in page


def test_card_and_plots_never_fail_a_run(
    workdir: Path,
    composed: Callable[..., DictConfig],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise FileNotFoundError("no such file")

    monkeypatch.setattr("cfexp.runs.results.Card.write", fail)
    monkeypatch.setattr("cfexp.runs.results.save_plots", fail)
    cfg = composed("model=bias", *SMALL)
    run(Task(build(cfg), workdir / "run", "run"))
    assert "the plots cannot be written: no such file" in caplog.text
    assert "the model card cannot be written: no such file" in caplog.text
    assert (workdir / "run/results/metrics.json").exists()


def test_plots_take_texts_as_they_are() -> None:
    stats = pd.DataFrame({"n": 1, "mean": 0.1, HALF_WIDTH: 0.1}, index=[r"$\\no$", "$"])
    figure = Figure()
    residuals(figure.subplots(), stats, r"$\\such$")
    figure.savefig(io.BytesIO())


@pytest.mark.parametrize("history", [True, False])
def test_a_figure_that_is_drawn_again_looks_like_a_new_one(
    workdir: Path, history: bool
) -> None:
    rng = np.random.default_rng(0)
    for n, genres in ((200, "Drama|War"), (3000, "Comedy|(none)|Western"), (50, "")):
        epochs = [Epoch(i, 2.0, 1 + n / i, 0.8, 0.1, 0.0, 0.9) for i in (1, 2, n)]
        rows = pd.DataFrame({"rating": rng.integers(1, 6, n)})
        rows["predicted"] = rng.uniform(1, 5, n)
        rows = rows.assign(item_count=rng.integers(0, n, n), genres=genres)
        given = History(tuple(epochs), "compiled", 1.0) if history else None
        save_plots(workdir, history=given, predictions=rows)
        fresh = io.BytesIO()
        overview(given, rows).savefig(fresh, pil_kwargs=PNG)
        drawn = (workdir / f"{NAME}.png").read_bytes()
        assert drawn == fresh.getvalue()
        assert int.from_bytes(drawn[16:20]) == 900  # pixels, of PNG's header


def test_overview_says_what_it_shows() -> None:
    """Train and validation RMSE share an axis; the intervals are named."""
    epochs = [Epoch(i, 2.0, 1.0, 0.8, 0.1, 0.0, train_rmse=0.9) for i in (1, 2)]
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"rating": rng.integers(1, 6, 200), "item_count": 7})
    rows = rows.assign(predicted=rows["rating"] / 2 + 1.5, genres="Drama|War")
    drawn = overview(History(tuple(epochs), "compiled", 1.0), rows)
    curves, calibration, genres, counts = drawn.axes
    lines = {line.get_label(): list(line.get_ydata()) for line in curves.lines[:2]}
    assert lines == {"train, while it learns": [0.9, 0.9], "validation": [1.0, 1.0]}
    assert curves.get_ylabel() == "RMSE"
    said = [text.get_text() for text in calibration.get_legend().get_texts()]
    assert said == ["perfect", f"this model ({INTERVAL})"]
    for axes in (genres, counts):
        assert axes.get_xlabel().endswith(INTERVAL)
    assert len(overview(None, rows).axes) == 3
