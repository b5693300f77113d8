"""The best configuration on validation, as an experiment that can be run as it is."""

import json
import math
from pathlib import Path

import yaml

from cfexp.comparison.systems import System
from cfexp.config.experiment_file import experiment
from cfexp.config.identity import is_repeat
from cfexp.errors import TrackingError
from cfexp.tracking.tags import OVERRIDES

NAME = "best_overrides"


def validation(system: System) -> float:
    """Returns the mean validation RMSE of a system's runs.

    It is infinite, so never the lowest, where a run has none: where its model was
    trained on the validation rows.
    """
    values = [run.data.metrics.get("val_rmse", math.inf) for run in system.runs]
    return sum(values) / len(values)


def write_best(folder: Path, systems: list[System]) -> Path | None:
    """Writes ``experiment/best_overrides.yaml`` for the system with the lowest error.

    Test errors are not looked at. What repeats a run, fold and seed, is left out.

    Args:
        folder: The folder to give as ``--config-dir``.
        systems: What was compared.

    Returns:
        The file; None where no system has a validation error.

    Raises:
        TrackingError: The system's runs do not tell their overrides.
    """
    best = min(systems, key=validation)
    file = folder / "experiment" / f"{NAME}.yaml"
    if math.isinf(validation(best)):
        file.unlink(missing_ok=True)  # of an earlier comparison
        return None
    tag = best.runs[0].data.tags.get(OVERRIDES)
    if tag is None:
        raise TrackingError(
            f"run {best.runs[0].info.run_id} does not tell its overrides: it was made"
            " by an older version of cfexp, or in Python of what no configuration"
            " names. Train it again, or write the experiment yourself."
        )
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
