"""The configuration with the lowest validation error, as an experiment file."""

import json
import logging
import math
from pathlib import Path

import yaml

from cfexp.comparison.systems import System
from cfexp.config.experiment_file import experiment
from cfexp.config.identity import is_repeat
from cfexp.tracking.tags import OVERRIDES

log = logging.getLogger(__name__)

NAME = "best_overrides"


def validation(system: System) -> float:
    """Returns the mean validation RMSE of a system's runs.

    It is infinite, so never the lowest, if a run has none, because its model was
    trained on the validation rows.
    """
    values = [run.data.metrics.get("val_rmse", math.inf) for run in system.runs]
    return sum(values) / len(values)


def write_best(folder: Path, systems: list[System]) -> Path | None:
    """Writes ``experiment/best_overrides.yaml`` for the best system on validation.

    Test errors are not used. Overrides of fold and seed are left out.

    Args:
        folder: The folder to give as ``--config-dir``.
        systems: The systems compared.

    Returns:
        The file; None if no system has a validation error, or if the best one's runs
        have no overrides logged.
    """
    best = min(systems, key=validation)
    file = folder / "experiment" / f"{NAME}.yaml"
    if math.isinf(validation(best)):
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
    name = " ".join(best.name.split())  # a line end would end the comment
    head = (
        "# @package _global_\n"
        f"# {name}: mean validation RMSE {validation(best):.4f} of"
        f" {len(best.runs)} runs, the lowest of {len(systems)} configurations.\n"
        f"# cfexp --config-dir {folder} experiment={NAME}\n"
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(head + yaml.safe_dump(experiment(overrides), sort_keys=False))
    return file
