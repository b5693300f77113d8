"""The folder of a run: names of its files, and reading them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from cfexp.data.encoder import FeatureEncoder

# In the folder of a skipped job: the run that has finished it before.
SKIPPED = "skipped.json"
TEST_PREDICTIONS = "test_predictions.parquet"
VALID_PREDICTIONS = "valid_predictions.parquet"
# The ranking measures of each user.
RANKING_USERS = "ranking_users.parquet"
METRICS = "metrics.json"
CONFIG = "config.yaml"
TAGS = "tags.json"
EPOCHS = "epochs.csv"
# Of a sweep.
SWEEP_PAGE = "sweep.html"
TRIALS, IMPORTANCE = "trials.csv", "importance.csv"


@dataclass(frozen=True)
class Past:
    """The configuration, metrics and tags of a finished training.

    Attributes:
        run_id: Id of its MLflow run, or its folder.
        config: The settings of its experiment.
        metrics: Its final metrics.
        tags: Its tags.
    """

    run_id: str
    config: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]

    @classmethod
    def load(cls, run_id: str, results: Path) -> "Past":
        """Reads a run's ``results/``."""
        return cls(
            run_id,
            yaml.safe_load((results / CONFIG).read_text()),
            json.loads((results / METRICS).read_text()),
            json.loads((results / TAGS).read_text()),
        )


def sample_of(folder: Path, *, n: int = 5) -> pd.DataFrame:
    """Returns `n` test pairs with features, from the folder of a finished run."""
    pairs = pd.read_parquet(folder / "results" / TEST_PREDICTIONS).head(n)
    model = folder / "model"
    tables = (pd.read_parquet(model / f"{t}.parquet") for t in ("movies", "users"))
    return FeatureEncoder.load(model / "encoder.json").described(pairs, *tables)
