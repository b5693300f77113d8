"""The result of a run in one line or one JSON object, for ``-q`` and ``--json``."""

from collections.abc import Mapping
from pathlib import Path

from cfexp.evaluation.names import FULL, RANKING, VAL_NDCG
from cfexp.runs.job import Outcome
from cfexp.runs.job_report import note
from cfexp.runtime.job_status import BEFORE, FINISHED
from cfexp.runtime.output import near
from cfexp.runtime.result import conclude

PARTS = {
    "test_rmse": "test RMSE {:.4f}",
    "test_mae": "test MAE {:.4f}",
    "val_rmse": "validation RMSE {:.4f}",
    f"{RANKING}{FULL}ndcg_10": "test NDCG@10 {:.4f}",
    f"{VAL_NDCG}10": "validation NDCG@10 {:.4f}",
    "skill_vs_bias": "{:+.1%} against bias",
}


def in_short(metrics: Mapping[str, float]) -> str:
    """Returns a run's headline metrics as text."""
    found = [text.format(metrics[k]) for k, text in PARTS.items() if k in metrics]
    return ", ".join(found)


def conclude_run(
    name: str, metrics: Mapping[str, float], *, folder: Path, run_id: str | None
) -> None:
    """Prints the result of a run, if ``-q`` or ``--json`` ask for it.

    Args:
        name: Name of the run.
        metrics: Its final metrics.
        folder: Its folder.
        run_id: Id of its MLflow run, if it has one.
    """
    where = f"{near(folder)}, run {run_id}" if run_id else near(folder)
    found = {"name": name, "run_id": run_id, "folder": folder, "metrics": metrics}
    conclude(f"{name}: {in_short(metrics)} ({where})", found)


def conclude_outcome(name: str, outcome: Outcome) -> None:
    """Notes the result of a trained job and prints it, see `conclude_run`."""
    note(FINISHED if outcome.result else BEFORE, outcome.metrics)
    found, run_id = outcome.metrics, outcome.run_id
    conclude_run(name, found, folder=outcome.folder, run_id=run_id)
