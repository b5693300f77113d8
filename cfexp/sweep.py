"""A sweep: one MLflow run above those of its jobs, and a leaderboard at its end."""

import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml
from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from cfexp.config import build_spec, telling
from cfexp.errors import first_line
from cfexp.tracking.settings import Tracking

if TYPE_CHECKING:
    import mlflow
    import pandas as pd

log = logging.getLogger(__name__)

PARENT_VARIABLE = "CFEXP_PARENT_RUN_ID"
ERRORS = ("val_rmse", "test_rmse", "test_mae")
COLUMNS = (
    *ERRORS,
    "skill_vs_bias",
    "best_epoch",
    "n_parameters",
    "seconds_fit",
)
# Options that repeat a run rather than change it.
REPEATS = ("split.fold=", "seed=")
_open_sweeps: list["SweepCallback"] = []


def finish_open_sweep(status: str) -> None:
    """Closes the sweep that is under way, if one is, with an MLflow status."""
    while _open_sweeps:
        _open_sweeps.pop().finish(status)


class SweepCallback(Callback):
    """Opens the parent run when a sweep starts; Hydra calls its methods.

    Hydra calls `on_multirun_end` only where no job failed, so the command line calls
    `finish_open_sweep` in every other case.
    """

    def __init__(self) -> None:
        self.parent_id: str | None = None
        self.folder = Path()
        self.objective = ""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Opens the parent run and tells the jobs its id."""
        self.folder = Path(config.hydra.sweep.dir)
        self.objective = config.objective
        self.tracking = cast(Tracking, build_spec("tracking", config.tracking))
        _open_sweeps.append(self)
        if not self.tracking.enabled:
            return
        import mlflow

        from cfexp.tracking.open import check_tracking
        from cfexp.tracking.runs import KIND, connect

        check_tracking(self.tracking)
        experiment_id = connect(self.tracking)
        overrides = " ".join(config.hydra.overrides.task)
        parent = mlflow.MlflowClient().create_run(
            experiment_id,
            run_name=config.run_name or f"sweep {overrides}"[:200],
            tags={KIND: "sweep", "cfexp.overrides": overrides},
        )
        self.parent_id = parent.info.run_id
        os.environ[PARENT_VARIABLE] = self.parent_id

    def on_job_end(
        self, config: DictConfig, job_return: JobReturn, **kwargs: Any
    ) -> None:
        """Records a job that failed before it could open its own run."""
        parent = os.environ.get(PARENT_VARIABLE)
        if job_return.status is not JobStatus.FAILED or not parent:
            return
        import mlflow

        client = mlflow.MlflowClient()
        experiment_id = client.get_run(parent).info.experiment_id
        folder = str(config.hydra.runtime.output_dir)
        known = client.search_runs(
            [experiment_id], f"tags.`cfexp.folder` = '{folder}'", max_results=1
        )
        if known:
            return
        failed = client.create_run(
            experiment_id,
            run_name=" ".join(job_return.overrides or [])[:200],
            tags={
                "mlflow.parentRunId": parent,
                "cfexp.kind": "train",
                "cfexp.folder": folder,
                "cfexp.error": first_line(job_return._return_value)[:500],
            },
        )
        client.set_terminated(failed.info.run_id, "FAILED")

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Closes the parent run of a sweep without failed jobs."""
        finish_open_sweep("FINISHED")

    def finish(self, status: str) -> None:
        """Prints the leaderboard, keeps it with the parent run and closes that."""
        os.environ.pop(PARENT_VARIABLE, None)
        from cfexp import report

        board = leaderboard(self.folder, self.objective)
        if len(board):
            report.print_frame(f"leaderboard, by {self.objective}", board)
            board.to_csv(self.folder / "leaderboard.csv", index=False)
            means = means_over_repeats(board)
            if len(means):
                report.print_frame("over folds and seeds", means)
        if self.parent_id is None:
            return
        import mlflow

        client = mlflow.MlflowClient()
        try:
            if len(board):
                client.log_table(self.parent_id, board, "leaderboard.json")
                self._log_best(client, board)
            client.set_terminated(self.parent_id, status)
        except Exception as error:
            log.warning("MLflow did not take the sweep's end: %s", first_line(error))

    def _log_best(self, client: "mlflow.MlflowClient", board: "pd.DataFrame") -> None:
        finished = board[board["status"] == "finished"]
        if finished.empty:
            return
        best = finished.iloc[0]
        client.set_tag(self.parent_id, "cfexp.best_overrides", best["job"])
        for name in ERRORS:
            client.log_metric(self.parent_id, f"best_{name}", best[name])
            client.log_metric(self.parent_id, f"mean_{name}", finished[name].mean())


def leaderboard(folder: Path, objective: str) -> "pd.DataFrame":
    """Returns one row for each job of a sweep, the best first, failed ones last.

    Args:
        folder: The sweep's folder, with a folder of each job in it.
        objective: The metric to sort by, lowest first.

    Returns:
        A data frame with ``job``, its overrides, ``status``, metrics and ``folder``.
    """
    import pandas as pd

    rows = []
    for said in sorted(folder.glob("*/.hydra/overrides.yaml")):
        job = said.parents[1]
        overrides = telling(yaml.safe_load(said.read_text()))
        results = job / "results" / "metrics.json"
        metrics = json.loads(results.read_text()) if results.exists() else {}
        rows.append(
            {
                "job": " ".join(overrides) or job.name,
                "status": "finished" if metrics else "failed",
                **{name: metrics.get(name) for name in COLUMNS},
                "folder": job.name,
            }
        )
    first = ["job", "status", objective]
    columns = [*first, *(c for c in COLUMNS if c != objective), "folder"]
    board = pd.DataFrame(rows, columns=columns).astype({c: float for c in COLUMNS})
    return board.sort_values(objective, na_position="last", ignore_index=True)


def means_over_repeats(board: "pd.DataFrame") -> "pd.DataFrame":
    """Returns means and deviations over jobs that differ by fold and seed only.

    Args:
        board: What `leaderboard` returned.

    Returns:
        One row for each group of more than one finished job, the best first.
    """
    finished = board[board["status"] == "finished"]
    names = [
        " ".join(o for o in job.split() if not o.startswith(REPEATS)) or "all jobs"
        for job in finished["job"]
    ]
    stats = finished.groupby(names)[list(ERRORS)].agg(["mean", "std", "size"])
    stats = stats[stats[(ERRORS[0], "size")] > 1].sort_values((ERRORS[0], "mean"))
    flat = stats.index.to_frame(index=False, name="jobs")
    flat["n"] = stats[(ERRORS[0], "size")].to_numpy()
    for name in ERRORS:
        flat[f"mean {name}"] = stats[(name, "mean")].to_numpy()
        flat[f"std {name}"] = stats[(name, "std")].to_numpy()
    return flat
