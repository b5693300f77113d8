"""The leaderboard of a sweep."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cfexp.evaluation.objective import BY_RMSE, Objective
from cfexp.runs.leaderboard import (
    best_and_means,
    by_option,
    leaderboard,
    means_over_repeats,
)
from cfexp.runtime.job_status import FAILED, PRUNED, RUNNING, JobStatus


def test_means_over_repeats() -> None:
    board = pd.DataFrame(
        {
            "job": ["model=a seed=0", "model=a seed=1", "model=b seed=0", "model=a x"],
            "status": ["finished", "finished", "finished", "failed"],
            "val_rmse": [1.0, 2.0, 5.0, np.nan],
            "test_rmse": [2.0, 4.0, 5.0, np.nan],
            "test_mae": [1.0, 1.0, 5.0, np.nan],
        }
    )
    means = means_over_repeats(board)
    assert means["jobs"].tolist() == ["model=a"]
    assert means["n"].tolist() == [2]
    assert means["mean test_rmse"].tolist() == [3.0]
    assert means["std test_rmse"].tolist() == [pytest.approx(np.sqrt(2))]


def test_models_that_rank_have_means_of_the_objective() -> None:
    ndcg = Objective("ranking/val_full_ndcg_10", maximise=True)
    board = pd.DataFrame(
        {
            "job": [f"model={m} seed={s}" for m in "ab" for s in (0, 1)],
            "status": ["finished"] * 4,
            ndcg.name: [0.1, 0.3, 0.4, 0.6],
            ndcg.tested: [0.2, 0.2, 0.5, 0.5],
            **dict.fromkeys(("val_rmse", "test_rmse", "test_mae"), [np.nan] * 4),
        }
    )
    means = means_over_repeats(board, ndcg)
    assert means["jobs"].tolist() == ["model=b", "model=a"]
    assert means["n"].tolist() == [2, 2]
    assert means[f"mean {ndcg.name}"].tolist() == pytest.approx([0.5, 0.2])
    assert not means.isna().to_numpy().any()
    assert means_over_repeats(board.assign(status="failed"), ndcg).empty
    logged = best_and_means(board.iloc[::-1], ndcg)
    assert logged == pytest.approx(
        {
            f"sweep/best_{ndcg.name}": 0.6,
            f"sweep/best_{ndcg.tested}": 0.5,
            f"sweep/mean_{ndcg.name}": 0.35,
            f"sweep/mean_{ndcg.tested}": 0.35,
        }
    )


def test_each_option_that_varies_has_a_column() -> None:
    jobs = ["model=bias model.l2=0.1", "model=dot embed_dim=4 model.l2=0.2"]
    board = pd.DataFrame({"job": jobs, "val_rmse": [0.9, 1.0]})
    wide = by_option(board, room=40)
    assert list(wide) == ["model", "l2", "embed_dim", "val_rmse"]
    assert wide["embed_dim"].tolist() == ["", "4"]
    assert wide["model"].tolist() == ["bias", "dot"]
    assert list(by_option(board, room=15)) == ["job", "val_rmse"]


def test_options_of_one_last_name_keep_their_whole_name() -> None:
    board = pd.DataFrame({"job": ["model.l2=1 optimizer.l2=2", "model.l2=2"]})
    assert list(by_option(board, room=80)) == ["model.l2", "optimizer.l2"]


def test_jobs_without_options_stay_as_they_are() -> None:
    board = pd.DataFrame({"job": ["0", "1"], "val_rmse": [0.9, 1.0]})
    assert list(by_option(board, room=80)) == ["job", "val_rmse"]


def test_status_is_what_the_job_says(tmp_path: Path) -> None:
    for name, state in (("0", PRUNED), ("1", RUNNING), ("2", FAILED), ("3", "")):
        (tmp_path / name / ".hydra").mkdir(parents=True)
        (tmp_path / name / ".hydra/overrides.yaml").write_text(f"[seed={name}]")
        if state:
            JobStatus("s", 0, (), 1.0, state=state).write(tmp_path / name)
    board = leaderboard(tmp_path, BY_RMSE).sort_values("job")
    assert board["status"].tolist() == ["pruned", "stopped", "failed", "failed"]
