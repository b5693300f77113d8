"""The progress bar, in the documentation's notebook, and where there is none."""

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from helpers import script

from cfexp.training.history import Epoch
from cfexp.training.progress import EpochBar


def printed(cell: nbformat.NotebookNode) -> list[str]:
    """Returns what a cell of code shows, each output without colours."""
    texts = [o.get("text") or o["data"]["text/plain"] for o in cell.get("outputs", ())]
    return [re.sub(r"\x1b\[[\d;]*m", "", text) for text in texts]


@pytest.mark.long
@pytest.mark.slow
def test_notebook_runs_and_shows_the_bar(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else is shown than what the kept notebook shows, numbers aside."""
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    here = Path(sys.executable).parent  # where `!cfexp` is
    monkeypatch.setenv("PATH", f"{here}{os.pathsep}{os.environ['PATH']}")
    notebook = script("notebook")
    kept = nbformat.read(notebook.NOTEBOOK, as_version=4)
    found = notebook.run(workdir)
    shows = [o.get("data", {}) for c in found.cells for o in c.get("outputs", ())]
    bars = [data for data in shows if "15/15" in data.get("text/plain", "")]
    assert len(bars) == 3  # one of each training, though 15 epochs were shown
    for bar in bars:
        text = re.sub(r"\x1b\[[\d;]*m", "", bar["text/plain"])
        assert re.search(r"val RMSE \d\.\d{4}  \d:\d\d  loss \d\.\d{4}", text)
        assert bar["text/html"].count("val RMSE") == 1
    for now, before in zip(found.cells, kept.cells, strict=True):
        assert len(printed(now)) == len(printed(before)), printed(now)
    (result,) = [t for c in found.cells for t in printed(c) if t.startswith("dot on")]
    (shown,) = [t for c in kept.cells for t in printed(c) if t.startswith("dot on")]
    assert rmse(result) == pytest.approx(rmse(shown), abs=0.02)
    (verdict,) = [t for c in found.cells for t in printed(c) if "verdict" in t]
    assert "not by chance" in " ".join(verdict.split())


def rmse(text: str) -> float:
    """Returns the test RMSE that a result shows."""
    return float(re.findall(r"test RMSE (\d\.\d+)", text)[0])


def test_nothing_is_shown_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    with EpochBar(3, 100) as bar:
        bar.show(Epoch(1, 1.0, float("nan"), float("nan"), 0.1, 0.0))
    assert capsys.readouterr().out.strip() == ""
