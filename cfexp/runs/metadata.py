"""What MLflow is told about a run: parameters, tags, data inputs, final metrics."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from cfexp.config.schema import USES
from cfexp.data.ratings import IntArray, Ratings
from cfexp.data.split import Split
from cfexp.evaluation.comparison import Comparison
from cfexp.runs.job import Job
from cfexp.runtime.provenance import GitState, versions
from cfexp.training.fit import Fitted
from cfexp.training.stacking import Member

KEPT_ELSEWHERE = ("tracking", "run_name", "cv", "seeds")
# Not parameters of the result: where it is kept, and what other modes take.
NOT_PARAMS = (*(key for key in USES if key != "mode"), *KEPT_ELSEWHERE)


def job_params(job: Job) -> dict[str, Any]:
    """Returns a training's parameters; ``model.name`` is that of the family."""
    return {"model.name": job.specs["model"].name, **params(yaml.safe_load(job.config))}


def params(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a configuration as flat parameters, ``model.embed_dim`` and so on."""
    kept = {key: value for key, value in config.items() if key not in NOT_PARAMS}
    flat = pd.json_normalize(kept, sep=".").iloc[0].to_dict()
    # A run that is resumed has the same parameters as before.
    dropped = ("_target_", "resume", "checkpoint_every", "checkpoint_dir")
    return {
        key: value
        for key, value in flat.items()
        if key.rpartition(".")[2] not in dropped
    }


def asked(cfg: DictConfig, overrides: Sequence[str]) -> dict[str, str]:
    """Returns parameters and tags of the data and split that a command line asks for.

    Args:
        cfg: The configuration composed from it.
        overrides: What the user set.

    Returns:
        Those of MLflow runs, without paths that may differ; none for a dataset or split
        that the user did not name.
    """
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    keys = [override.key_or_group for override in parsed]
    named = {key.partition(".")[0] for key in keys}
    values = params(OmegaConf.to_container(cfg, resolve=True))  # type: ignore[arg-type]
    kind = {"cfexp.split": str(cfg.split._target_).rpartition(".")[2]}
    return (kind if "split" in named else {}) | {
        key: str(value)
        for key, value in values.items()
        if key.partition(".")[0] in named & {"dataset", "split", "seed"}
        and key != "dataset.root"
    }


def tags(
    ratings: Ratings, split: Split, git: GitState | None, *, kind: str, model: str
) -> dict[str, str]:
    """Returns the tags that tie a run to its data and code."""
    found = {
        "cfexp.kind": kind,
        "cfexp.model": model,
        "cfexp.dataset": ratings.name,
        "cfexp.split": split.name,
        "cfexp.data_sha256": ratings.fingerprint,
        "cfexp.split_sha256": split.fingerprint,
    }
    found |= {f"version.{name}": version for name, version in versions().items()}
    if git:
        found["mlflow.source.git.commit"] = git.commit
        found["git.dirty"] = str(bool(git.diff or git.untracked)).lower()
    return found


def job_tags(
    job: Job,
    ratings: Ratings,
    split: Split,
    git: GitState | None,
    *,
    members: Sequence[Member],
) -> dict[str, str]:
    """Returns all tags of a training.

    Args:
        job: The job.
        ratings: Its data.
        split: Their split.
        git: State of the user's repository.
        members: The runs that an ensemble stacks.
    """
    model = job.specs["model"].name
    found = tags(ratings, split, git, kind="train", model=model)
    found |= {
        "cfexp.folder": str(job.folder),
        # As JSON, which can be read back whatever the values hold.
        "cfexp.overrides": json.dumps(job.overrides),
    }
    if members:
        found["cfexp.members"] = " ".join(m.name for m in members)
    return found | dict(job.tags)


def inputs(ratings: Ratings, split: Split) -> dict[str, tuple[str, str, str]]:
    """Returns name, fingerprint and profile of the data and of its split."""
    sizes = {part: len(getattr(split, part)) for part in ("train", "valid", "test")}
    profile = {
        "ratings": len(ratings.frame),
        "movies": len(ratings.movies),
        "scale": ratings.scale,
    }
    return {
        "data": (ratings.name, ratings.fingerprint, json.dumps(profile)),
        "split": (
            f"{ratings.name} {split.name}",
            split.fingerprint,
            json.dumps(sizes),
        ),
    }


def metrics(
    fitted: Fitted,
    split: Split,
    comparison: Comparison,
) -> dict[str, float]:
    """Returns the final metrics; ``val_rmse`` is that of the epoch that was kept.

    There is none where the model knew the validation rows.
    """
    found = comparison.metrics("test")
    found |= {"train_rows": float(len(split.train))}
    found |= {"valid_rows": float(len(split.valid))}
    if fitted.val_rmse is not None and fitted.val_mae is not None:
        found |= {"val_rmse": fitted.val_rmse, "val_mae": fitted.val_mae}
    found |= {"fitted_rows": float(len(fitted.rows))}
    found["n_parameters"] = float(fitted.scorer.n_parameters)
    if fitted.history:
        best, last = fitted.history.best, fitted.history.epochs[-1]
        found |= {
            "best_epoch": float(best.epoch),
            "epochs": float(len(fitted.history.trained)),
            "last_train_loss": last.train_loss,
            "ratings_per_second": fitted.history.ratings_per_second,
        }
        unsure = {"train_loss": best.train_loss, "last_val_rmse": last.val_rmse}
        found |= {name: x for name, x in unsure.items() if not math.isnan(x)}
    return found


def fitted_on(rows: IntArray, split: Split, *, members: int, before: str) -> str:
    """Returns what a model and its baselines were fitted to, as a sentence.

    Args:
        rows: Positions of the rows that the model was fitted to at last.
        split: The split.
        members: Members of an ensemble, 0 for other models.
        before: The trained model that it went on from; empty where there is none.
    """
    both = len(rows) > len(split.train)
    what = f"{len(rows):,} train{' and validation' if both else ''} rows"
    if members:
        return f"Baselines were fitted to {what}, the members each to its own."
    also = f", the model before to those of {before}" if before else ""
    return f"Model and baselines were fitted to the same {what}{also}."
