"""The progress bar, in a notebook that is executed, and where there is none."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from helpers import ROOT
from nbclient import NotebookClient

from cfexp.training.history import Epoch
from cfexp.training.progress import EpochBar

CELL = """
import cfexp

result = cfexp.fit(
    cfexp.data.Synthetic(n_ratings=3000, n_users=100, n_items=150),
    "dot",
    embed_dim=4,
    training={"epochs": 3, "batch_size": 256},
)
outcome = cfexp.train(result.experiment)
result
"""


@pytest.mark.long
@pytest.mark.slow
def test_notebook_shows_the_bar_and_nothing_else(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    monkeypatch.setenv("PYTHONPATH", path)
    cell = nbformat.v4.new_code_cell(CELL)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(notebook, timeout=None, kernel_name="python3").execute()
    texts = [
        output["data"]["text/plain"] for output in cell.outputs if "data" in output
    ]
    bars = [text for text in texts if "training" in text and "3/3" in text]
    assert len(bars) == 2  # one of each training, though three epochs were shown
    for bar in bars:
        assert re.search(r"val RMSE \d\.\d{4}  \d:\d\d  loss \d\.\d{4}", bar)
    html = "".join(o["data"].get("text/html", "") for o in cell.outputs if "data" in o)
    assert html.count("val RMSE") == 2
    # Warnings of cfexp's own apart, no library says anything.
    streams = "".join(output.get("text", "") for output in cell.outputs)
    said = [line for line in streams.splitlines() if "the bias baseline" not in line]
    assert said == []
    assert texts[-1].startswith("dot on synthetic: test RMSE")


def test_nothing_is_shown_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    with EpochBar(3, 100) as bar:
        bar.show(Epoch(1, 1.0, float("nan"), float("nan"), 0.1, 0.0))
    assert capsys.readouterr().out.strip() == ""
