"""A champion is promoted only where it is better."""

from pathlib import Path

import mlflow
import pytest
from helpers import cfexp

pytestmark = pytest.mark.slow


def test_champion_only_where_better(workdir: Path) -> None:
    data = ["dataset.n_ratings=20000", "dataset.n_users=400", "dataset.n_items=400"]
    models = {
        "mean": ["model=mean"],
        "bias": ["model=bias"],
        "again": ["model=bias", "model.iterations=11"],
        "other": ["model=bias", "seed=1"],
    }
    for name, options in models.items():
        done = cfexp(*options, *data, f"run_name={name}", cwd=workdir)
        assert done.returncode == 0, done.stderr
    client = mlflow.MlflowClient(f"sqlite:///{workdir / 'mlflow.db'}")
    ids = {run.info.run_name: run.info.run_id for run in client.search_runs(["1"])}

    registered = "bob's films"

    def promote(name: str) -> str:
        done = cfexp("promote", ids[name], "--name", registered, cwd=workdir)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout if not done.returncode else done.stderr

    def champion() -> str:
        return str(client.get_model_version_by_alias(registered, "champion").run_id)

    assert "no champion before" in promote("mean")
    assert champion() == ids["mean"]
    assert "instead of" in promote("bias")
    assert champion() == ids["bias"]
    for worse, why in (
        ("mean", "not significantly better"),
        ("again", "not significantly better"),
        ("other", "has another split"),
        ("bias", "is the champion of bob's films already"),
    ):
        said = promote(worse)
        assert why in said
        assert said.count("\n") == 1
        assert champion() == ids["bias"]
    used = cfexp(
        "mode=evaluate", f'run_id="models:/{registered}@champion"', cwd=workdir
    )
    rmse = client.get_run(ids["bias"]).data.metrics["test_rmse"]
    assert f"{rmse:.4f}" in used.stdout, used.stderr
