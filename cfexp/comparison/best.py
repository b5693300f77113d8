"""The configuration that is the best on validation, as an experiment file."""

import json
import logging
import math
from pathlib import Path

import yaml

from cfexp.comparison.systems import System
from cfexp.config.experiment_file import experiment
from cfexp.config.identity import is_repeat
from cfexp.evaluation.objective import BY_RMSE, Objective
from cfexp.tracking.tags import OVERRIDES

log = logging.getLogger(__name__)

NAME = "best_overrides"


def cost(system: System, by: Objective) -> float:
    """Returns the mean validation metric of a system's runs, lower where better.

    It is infinite, so never the lowest, if a run has none, because its model was
    trained on the validation rows.
    """
    metrics = [run.data.metrics for run in system.runs]
    costs = [by.cost(m[by.name]) if by.name in m else math.inf for m in metrics]
    return sum(costs) / len(costs)


def write_best(
    folder: Path, systems: list[System], by: Objective = BY_RMSE
) -> Path | None:
    """Writes ``experiment/best_overrides.yaml`` for the best system on validation.

    Test errors are not used. Overrides of fold and seed are left out.

    Args:
        folder: The folder to give as ``--config-dir``.
        systems: The systems compared.
        by: The metric of validation rows.

    Returns:
        The file; None if no system has a validation error, or if the best one's runs
        have no overrides logged.
    """
    best = min(systems, key=lambda system: cost(system, by))
    file = folder / "experiment" / f"{NAME}.yaml"
    if math.isinf(cost(best, by)):
        file.unlink(missing_ok=True)  # of an earlier comparison
        return None
    tag = best.runs[0].data.tags.get(OVERRIDES)
    if tag is None:
        log.warning(
            "the best configuration is not written as an experiment: %s was trained in"
            " Python from objects, or with an older version of cfexp",
            best.name,
        )
        file.unlink(missing_ok=True)
        return None
    overrides = [o for o in json.loads(tag) if not is_repeat(o)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        _head(best, by, len(systems), folder)
        + yaml.safe_dump(experiment(overrides), sort_keys=False)
    )
    return file


def _head(best: System, by: Objective, systems: int, folder: Path) -> str:
    """Returns the file's comments: whose it is, and how it is used."""
    name = " ".join(best.name.split())  # a line end would end the comment
    return (
        "# @package _global_\n"
        f"# {name}: mean {by.name} {abs(cost(best, by)):.4f} of"
        f" {len(best.runs)} runs, the {by.verb} of {systems} configurations.\n"
        f"# cfexp --config-dir {folder} experiment={NAME}\n"
    )
