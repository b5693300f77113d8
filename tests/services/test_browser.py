"""The MLflow UI in a real browser: what a user sees of runs and sweeps."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from chromium import IN_A_BROWSER, chromium, playwright
from helpers import TINY, answers, cfexp, free_port

pytestmark = [*IN_A_BROWSER, pytest.mark.long]  # one server, so one worker
# MLflow's UI hides runs and metrics in its mode for agents.
MODE = "workflowType=machine_learning"


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The UI of a working directory with one sweep of two models."""
    folder = tmp_path_factory.mktemp("ui")
    own = ["embed_dim=4", "training=quick", "tracking.plots=true"]
    sweep = ["-m", "model=bias,dot", *own, *TINY]
    done = cfexp(*sweep, cwd=folder)
    assert done.returncode == 0, done.stderr
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "mlflow", "ui", "--port", str(port), "--workers", "1"]
        + ["--backend-store-uri", "sqlite:///mlflow.db"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        answers(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}", folder
        os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def page(ui: tuple[str, Path]) -> Iterator["playwright.Page"]:
    """A page of a headless browser."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 3000, "height": 1400})
        page.set_default_timeout(30_000)
        yield page


def ids(folder: Path) -> dict[str, str]:
    """Returns run ids by model; the sweep's is under ``sweep``."""
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    return {
        run.data.tags.get("cfexp.model", "sweep"): run.info.run_id
        for run in client.search_runs(["1"])
    }


def go(page: "playwright.Page", address: str) -> None:
    """Opens a page afresh; from page to page of its own, the UI keeps its state."""
    page.goto("about:blank")
    page.goto(f"{address}{'&' if '?' in address else '?'}{MODE}")


def test_runs_are_listed_under_their_sweep(
    page: "playwright.Page", ui: tuple[str, Path]
) -> None:
    """With columns of parameters and errors, once these are asked for."""
    uri, _ = ui
    go(page, f"{uri}/#/experiments/1/runs")
    row = page.get_by_role("row").filter(has_text="sweep model=bias,dot").first
    row.get_by_role("button").first.click()
    for model in ("dot", "bias"):
        page.get_by_role("link", name=f"model={model}").first.wait_for()
    page.get_by_text("Columns", exact=True).click()
    for name in ("test_rmse", "test_mae", "model.embed_dim"):
        page.get_by_placeholder("Search columns").fill(name)
        page.get_by_text(name, exact=True).last.click()
    page.keyboard.press("Escape")
    for name in ("test_rmse", "test_mae", "model.embed_dim"):
        page.get_by_role("columnheader", name=name).first.wait_for()


def test_run_has_params_metrics_plots_card_and_model(
    page: "playwright.Page", ui: tuple[str, Path]
) -> None:
    uri, folder = ui
    run_id = ids(folder)["dot"]
    run = f"{uri}/#/experiments/1/runs/{run_id}"
    go(page, run)
    for text in ("model.embed_dim", "test_rmse", "test_mae", "val_rmse"):
        page.get_by_text(text, exact=True).first.wait_for()
    page.get_by_text("This dot model predicts the rating").first.wait_for()
    # The headline metrics come first, so that they are seen without scrolling.
    links = page.locator("a[href*='metric']").all_inner_texts()
    assert links[:3] == ["val_rmse", "val_mae", "best_epoch"]
    go(page, f"{run}/artifacts/plots/overview.png")
    picture = page.locator("img[src*='overview'], img[src^='blob:']").first
    picture.wait_for()
    size = picture.evaluate("e => e.decode().then(() => e.naturalWidth)")
    assert size == 900
    go(page, f"{run}/artifacts/model_card.html")
    page.frame_locator("iframe").first.get_by_text("Worst cases").wait_for()
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    (model,) = client.get_run(run_id).outputs.model_outputs
    go(page, f"{uri}/#/experiments/1/models/{model.model_id}/artifacts")
    page.get_by_text("MLmodel", exact=True).click()
    page.get_by_text("load_cfexp_model").first.wait_for()


def test_two_runs_are_compared(page: "playwright.Page", ui: tuple[str, Path]) -> None:
    uri, folder = ui
    found = ids(folder)
    listed = f'["{found["bias"]}","{found["dot"]}"]'
    go(page, f'{uri}/#/compare-runs?runs={listed}&experiments=["1"]')
    page.get_by_text("Comparing 2 Runs from 1 Experiment").first.wait_for()
    page.get_by_text("model.name", exact=True).first.wait_for()
    for name in ("epoch/val_rmse", "epoch/val_mae", "baselines/bias_rmse"):
        page.get_by_text(name, exact=True).first.wait_for()
    # The parallel coordinates end in the errors of both.
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    for model in ("bias", "dot"):
        rmse = client.get_run(found[model]).data.metrics["test_rmse"]
        page.get_by_text(f"{rmse:.5f}", exact=True).first.wait_for()
