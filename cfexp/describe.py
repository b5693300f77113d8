"""What MLflow is told about a run: parameters, tags, data inputs, final metrics."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cfexp.data.ratings import Ratings
from cfexp.evaluate import Evaluation
from cfexp.fitting import Fitted
from cfexp.jobs import Job
from cfexp.provenance import GitState, versions
from cfexp.split import Split
from cfexp.stacking import Member

# Not parameters of the result: where it is kept, and what other modes take.
NOT_PARAMS = (
    "tracking",
    "run_name",
    "rerun",
    "cv",
    "seeds",
    "run_id",
    "best_of",
    "pairs",
    "output",
    "user",
    "k",
)


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
    evaluation: Evaluation,
    baselines: Mapping[str, Evaluation],
) -> dict[str, float]:
    """Returns the final metrics; ``val_rmse`` is that of the epoch that was kept."""
    found = evaluation.metrics("test")
    found |= {"train_rows": float(len(split.train))}
    found |= {"valid_rows": float(len(split.valid))}
    found |= {"val_rmse": fitted.val_rmse, "val_mae": fitted.val_mae}
    for name, baseline in baselines.items():
        found[f"baseline_{name}_rmse"] = baseline.overall.rmse
        found[f"baseline_{name}_mae"] = baseline.overall.mae
    found["skill_vs_bias"] = skill(evaluation, baselines["bias"])
    found["n_parameters"] = float(fitted.scorer.n_parameters)
    if fitted.history:
        epochs = fitted.history.epochs
        found |= {
            "train_loss": fitted.history.best.train_loss,
            "best_epoch": float(fitted.history.best.epoch),
            "epochs": float(len(epochs)),
            "last_val_rmse": epochs[-1].val_rmse,
            "last_train_loss": epochs[-1].train_loss,
            "ratings_per_second": fitted.history.ratings_per_second,
        }
    return found


def skill(evaluation: Evaluation, baseline: Evaluation) -> float:
    """Returns ``1 - RMSE / RMSE of the baseline``: above 0 is better than it."""
    return 1 - evaluation.overall.rmse / baseline.overall.rmse
