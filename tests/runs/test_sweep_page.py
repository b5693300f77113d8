"""The page of a sweep, from files that a sweep leaves."""

from pathlib import Path

import pandas as pd
import pytest
from pages import check_self_contained, tables_of

from cfexp.evaluation.objective import BY_RMSE
from cfexp.reports import sweep_page
from cfexp.runs.sweep_page import write_page


@pytest.fixture
def finished() -> pd.DataFrame:
    """The finished jobs of a grid, the best first; started in another order."""
    jobs = [("dot", 16), ("dot", 8), ("deep", 16), ("deep", 8)]
    return pd.DataFrame(
        {
            "job": [f"seed=1 model={m} embed_dim={d}" for m, d in jobs],
            "status": "finished",
            "val_rmse": [0.90, 0.91, 0.95, 0.96],
            "test_rmse": [0.91, 0.92, 0.96, 0.97],
            "folder": ["10", "9", "1", "0"],
        }
    )


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the page draws, by plot."""
    found: dict[str, object] = {}
    for name in ("bars", "points"):
        real = getattr(sweep_page, name)

        def spy(what, *args, plot=name, real=real, **how):  # type: ignore[no-untyped-def]
            found[plot] = what
            return real(what, *args, **how)

        monkeypatch.setattr(sweep_page, name, spy)
    return found


def test_grid(
    finished: pd.DataFrame, drawn: dict[str, pd.Series], tmp_path: Path
) -> None:
    """Shares of the variance; jobs in the order in which they were started."""
    write_page(finished, BY_RMSE, tmp_path)
    page = (tmp_path / "results/sweep.html").read_text()
    check_self_contained(page)
    assert drawn["bars"].index.tolist() == ["model", "embed_dim"]
    assert drawn["bars"].sum() == pytest.approx(1)
    assert drawn["points"]["trial"].tolist() == [0, 1, 9, 10]
    (jobs,) = tables_of(page)
    assert jobs["val_rmse"].tolist() == finished["val_rmse"].tolist()
    assert "The best of 4 by val_rmse: model=dot embed_dim=16, 0.9000" in page
    assert "all with seed=1" in page


def test_search(
    finished: pd.DataFrame, drawn: dict[str, pd.Series], tmp_path: Path
) -> None:
    """Its own importance and trials, those of earlier calls included."""
    results = tmp_path / "results"
    results.mkdir()
    pd.Series({"model.l2": 0.8, "seed": 0.2}, name="importance").to_csv(
        results / "importance.csv", index_label="option"
    )
    trials = {
        "trial": [0, 1, 2],
        "state": ["finished", "pruned", "finished"],
        "value": [1.0, 1.1, 0.9],
        "epochs": [3, 1, 3],
        "model.l2": [0.1, 0.2, 0.3],
    }
    pd.DataFrame(trials).to_csv(results / "trials.csv", index=False)
    write_page(finished, BY_RMSE, tmp_path)
    assert drawn["bars"].to_dict() == {"model.l2": 0.8, "seed": 0.2}
    assert drawn["points"]["val_rmse"].tolist() == [1.0, 0.9]
    assert drawn["points"]["job"].tolist() == ["model.l2=0.1", "model.l2=0.3"]
