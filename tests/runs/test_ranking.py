"""Ranking on the command line: in training, and of a trained model."""

import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from helpers import FITTED, SMALL, TINY, cfexp, ok

RANKED = "evaluation.ranking=true"


def metrics(folder: Path) -> dict[str, float]:
    """Returns the ranking metrics of a run's test rows."""
    found = json.loads((folder / "results/metrics.json").read_text())
    of_test = {k: v for k, v in found.items() if not k.startswith("ranking/val_")}
    return {k: v for k, v in of_test.items() if k.startswith("ranking/")}


def test_evaluation_of_a_trained_model_ranks_as_training_did(workdir: Path) -> None:
    done = ok(cfexp(*FITTED, RANKED, "hydra.run.dir=run", cwd=workdir))
    said = " ".join(done.stdout.split())
    assert "ranking: the first 10 of the full catalogue" in said
    assert "No candidates are sampled" in said
    assert "a test rating of at least 4" in said
    trained = metrics(workdir / "run")
    assert trained["ranking/popularity_full_ndcg_10"] > 0
    run = mlflow.search_runs(output_format="list", search_all_experiments=True)[0]
    logged = run.data.metrics
    assert logged["ranking/full_ndcg_10"] == trained["ranking/full_ndcg_10"]

    again = ("evaluate", "run", RANKED, "hydra.run.dir=again")
    ok(cfexp(*again, cwd=workdir))
    assert metrics(workdir / "again") == pytest.approx(trained)
    ok(cfexp(*again[:3], "evaluation.k=5", "hydra.run.dir=five", cwd=workdir))
    assert metrics(workdir / "five")["ranking/full_ndcg_5"] > 0

    other = ("evaluate", "run", RANKED, "dataset.data_seed=1", "same_ids=true")
    failed = cfexp(*other, cwd=workdir)
    assert failed.returncode == 1
    assert "ranks the movies of the dataset that the model was" in failed.stderr


def test_without_ranking_nothing_is_said_of_it(workdir: Path) -> None:
    options = (*TINY, "model=bias", "tracking=none", "hydra.run.dir=run")
    done = ok(cfexp(*options, cwd=workdir))
    assert "ranking" not in done.stdout
    assert not metrics(workdir / "run")


def test_folder_of_a_run_tells_its_ranking(workdir: Path) -> None:
    options = (*SMALL, "model=dot", "embed_dim=4", RANKED, "hydra.run.dir=run")
    ok(cfexp(*options, cwd=workdir))
    found, results = metrics(workdir / "run"), workdir / "run/results"
    users = pd.read_parquet(results / "ranking_users.parquet")
    for name in ("full_ndcg_10", "full_recall_10", "rated_ndcg"):
        assert users[name].mean() == pytest.approx(found[f"ranking/{name}"])
    card = (results / "model_card.md").read_text()
    assert "## Ranking: the first 10 of the full catalogue" in card
    assert "No candidates are sampled" in card
    assert f"| popularity | {found['ranking/popularity_full_ndcg_10']:.4f} |" in card
    assert "### NDCG, rated only" in card

    done = ok(cfexp("score", "run", cwd=workdir))
    said = " ".join(done.stdout.split())
    assert f"NDCG, rated only {found['ranking/rated_ndcg']:.4f} of" in said
    assert "not as logged" not in said
    assert f"ndcg_10 {found['ranking/full_ndcg_10']:.4f}" in said
    (results / "ranking_users.parquet").unlink()
    done = ok(cfexp("score", "run", cwd=workdir))
    assert "its ranking needs the model: cfexp evaluate" in " ".join(
        done.stdout.split()
    )


def test_repeats_have_intervals_of_ranking(workdir: Path) -> None:
    options = (*SMALL, "model=bias", RANKED, "cv=2", "hydra.run.dir=run")
    done = ok(cfexp(*options, cwd=workdir, env={"COLUMNS": "200"}))
    assert "ranking/full_ndcg_10" in done.stdout
    found = metrics(workdir / "run")
    each = [metrics(workdir / f"run/{i}")["ranking/full_ndcg_10"] for i in range(2)]
    assert found["ranking/full_ndcg_10"] == pytest.approx(sum(each) / 2)
    whole = json.loads((workdir / "run/results/metrics.json").read_text())
    ends = [whole[f"repeats/ranking/full_ndcg_10_{end}"] for end in ("low", "high")]
    assert ends[0] < found["ranking/full_ndcg_10"] < ends[1]


NDCG = "ranking/full_ndcg_10"
CHOSEN = "ranking/val_full_ndcg_10"


@pytest.mark.slow
def test_a_sweep_is_chosen_and_compared_by_ranking(workdir: Path) -> None:
    values = "optimizer.learning_rate=0.01,0.03,0.1"
    options = (*FITTED, RANKED, "split.valid_size=0.2", values, f"objective={CHOSEN}")
    done = ok(cfexp("-m", *options, "hydra.sweep.dir=jobs", cwd=workdir))
    assert "val_ndcg_10" in done.stdout
    board = pd.read_csv(workdir / "jobs/leaderboard.csv")
    assert board[CHOSEN].is_monotonic_decreasing
    assert board[CHOSEN].nunique() == 3
    assert not board["val_rmse"].is_monotonic_increasing
    assert board[NDCG].notna().all()

    best_of = (f"best_of={CHOSEN}", "mode=evaluate", "run_id=best")
    data = (*TINY, "split.valid_size=0.2")
    ok(cfexp(*best_of, *data, "hydra.run.dir=again", cwd=workdir))
    errors = json.loads((workdir / "again/results/metrics.json").read_text())
    assert errors["test_rmse"] == pytest.approx(board["test_rmse"][0])

    command = ("compare", "--sweep", "latest", "--metric", NDCG)
    done = ok(cfexp(*command, cwd=workdir))
    said = " ".join(done.stdout.split())
    assert "above 0 is better" in said
    table = pd.read_csv(workdir / "compare/compare.csv")
    # The reference is the best on validation, which is the first of the leaderboard.
    assert table[NDCG][0] == pytest.approx(board[NDCG][0])
    users = [
        pd.read_parquet(workdir / f"jobs/{folder}/results/ranking_users.parquet")
        for folder in board["folder"]
    ]
    first, last = (one["full_ndcg_10"].dropna() for one in (users[0], users[-1]))
    row = table[np.isclose(table[NDCG], last.mean())].iloc[0]
    assert row["difference"] == pytest.approx((last - first).mean())
    assert row["low"] < row["difference"] < row["high"]
    best = (workdir / "compare/experiment/best_overrides.yaml").read_text()
    assert f"mean {CHOSEN} {board[CHOSEN][0]:.4f}" in best

    worst = board["folder"].iloc[-1]
    ids = mlflow.search_runs(output_format="list", search_all_experiments=True)
    tags = {Path(r.data.tags.get("cfexp.folder", "")).name: r.info.run_id for r in ids}
    promote = ("--name", "films", "--metric", NDCG)
    ok(cfexp("promote", tags[str(board["folder"][0])], *promote, cwd=workdir))
    failed = cfexp("promote", tags[str(worst)], *promote, cwd=workdir)
    assert f"{NDCG} from the champion's on" in failed.stderr
    assert "not significantly better" in failed.stderr


def test_what_is_not_a_metric_of_validation_rows_chooses_nothing(
    workdir: Path,
) -> None:
    for option in (f"objective={NDCG}", f"best_of={NDCG}", "objective=test_rmse"):
        failed = cfexp(*SMALL, "mode=train", option, cwd=workdir)
        if option.startswith("best_of"):
            run = ("mode=evaluate", "run_id=best", option)
            failed = cfexp(*TINY, *run, cwd=workdir)
        assert failed.returncode == 1
        said = "must be a metric of the validation rows: val_rmse, val_mae"
        assert said in " ".join(failed.stderr.split())
