"""The schema of ``conf/config.yaml``."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

GROUPS = ("dataset", "split", "model", "optimizer", "training", "tracking")
# Groups of files that set options of every other group; null by default.
ACROSS = ("experiment", "search")


class Mode(Enum):
    """What to do."""

    train = "train"
    evaluate = "evaluate"
    predict = "predict"
    recommend = "recommend"
    finetune = "finetune"
    reproduce = "reproduce"


@dataclass
class Config:
    """Schema of ``conf/config.yaml``; groups are checked against their `_target_`."""

    mode: Mode
    run_id: str | None
    best_of: str
    known_rows: str
    same_ids: bool
    pairs: str | None
    output: str | None
    overwrite: bool
    user: str | None
    k: int
    embed_dim: int
    seed: int
    deterministic: bool
    objective: str
    run_name: str | None
    cv: int | None
    seeds: int | None
    rerun: bool
    dataset: dict[str, Any]
    split: dict[str, Any]
    model: dict[str, Any]
    optimizer: dict[str, Any]
    training: dict[str, Any]
    tracking: dict[str, Any]


# How a trained model is used now, which is not part of how it was trained.
USES = (
    "mode",
    "run_id",
    "best_of",
    "known_rows",
    "same_ids",
    "pairs",
    "output",
    "overwrite",
    "user",
    "k",
    "rerun",
)
