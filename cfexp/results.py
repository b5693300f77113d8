"""The files of a finished run, written before any of them goes to MLflow."""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from cfexp import plots
from cfexp.data.ratings import GENRES, ITEM, USER, IntArray, Ratings
from cfexp.errors import first_line
from cfexp.features import genres_of
from cfexp.files import write_text
from cfexp.fitting import Tested
from cfexp.models.base import Scorer
from cfexp.provenance import GitState, all_packages, versions
from cfexp.training.history import History

log = logging.getLogger(__name__)

# In the folder of a job that was done before: by which run.
SKIPPED = "skipped.json"
TEST_PREDICTIONS = "test_predictions.parquet"
VALID_PREDICTIONS = "valid_predictions.parquet"


def predictions(
    ratings: Ratings, rows: IntArray, predicted: npt.NDArray[np.float64]
) -> pd.DataFrame:
    """Returns some ratings with a column ``predicted``."""
    return ratings.frame.iloc[rows].reset_index(drop=True).assign(predicted=predicted)


def test_predictions(ratings: Ratings, rows: IntArray, tested: Tested) -> pd.DataFrame:
    """Returns the test ratings with predictions, genres and how well they are known."""
    frame = predictions(ratings, rows, tested.predicted)
    return frame.assign(
        genres=genres_of(frame[[ITEM]], ratings.movies).to_numpy(),
        user_count=tested.seen["user"],
        item_count=tested.seen["item"],
    )


def sample(ratings: Ratings, rows: IntArray, *, n: int = 1000) -> pd.DataFrame:
    """Returns up to `n` pairs with genres, as a logged model takes them."""
    pairs = ratings.frame[[USER, ITEM]].iloc[rows[:n]].reset_index(drop=True)
    return pairs.assign(**{GENRES: genres_of(pairs, ratings.movies)})


def sample_of(folder: Path, *, n: int = 5) -> pd.DataFrame:
    """Returns a few pairs as `sample`, from the folder of a finished run."""
    path = folder / "results" / TEST_PREDICTIONS
    pairs = pd.read_parquet(path, columns=[USER, ITEM]).head(n)
    movies = pd.read_parquet(folder / "model" / "movies.parquet")
    return pairs.assign(**{GENRES: genres_of(pairs, movies)})


def write(
    folder: Path,
    *,
    config: str,
    metrics: Mapping[str, float],
    test: pd.DataFrame,
    valid: pd.DataFrame,
    history: History | None,
    git: GitState | None,
    tags: Mapping[str, str],
) -> None:
    """Writes everything but the model into `folder`.

    Args:
        folder: Made where it does not exist.
        config: The resolved configuration, as YAML.
        metrics: Final metrics.
        test: What `test_predictions` returned.
        valid: The validation ratings, with a column ``predicted``.
        history: The epochs of a neural model.
        git: State of the user's repository.
        tags: What ties the run to its data and code.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "config.yaml", config)
    write_metrics(folder, metrics)
    (folder / "versions.json").write_text(json.dumps(versions(), indent=2))
    write_text(folder / "tags.json", json.dumps(tags, indent=2))
    (folder / "packages.txt").write_text(all_packages())
    test.drop(columns=[GENRES]).to_parquet(folder / TEST_PREDICTIONS, index=False)
    valid.to_parquet(folder / VALID_PREDICTIONS, index=False)
    if history:
        epochs = pd.DataFrame([asdict(e) for e in history.epochs])
        epochs.to_csv(folder / "epochs.csv", index=False)
    if git and (git.diff or git.untracked):
        untracked = "".join(f"# untracked: {name}\n" for name in git.untracked)
        (folder / "git.diff").write_text(untracked + git.diff)
    with optional("the plots"):
        plots.save_plots(folder / "plots", history=history, predictions=test)


@contextmanager
def optional(what: str) -> Iterator[None]:
    """Warns of an error in the block, which is not worth a finished training."""
    try:
        yield
    except Exception as error:
        log.warning("%s cannot be written: %s", what, first_line(error)[:300])
        log.debug("%s cannot be written", what, exc_info=True)


def write_skipped(folder: Path, metrics: Mapping[str, float], run_id: str) -> None:
    """Writes the metrics of a job that an earlier run has done, and says which."""
    (folder / "results").mkdir(parents=True, exist_ok=True)
    write_metrics(folder / "results", metrics)
    (folder / SKIPPED).write_text(json.dumps({"run_id": run_id}))


def weights_digest(scorer: Scorer) -> str:
    """Returns the SHA-256 of all trained values."""
    found = hashlib.sha256()
    for values in scorer.trained():
        found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()


def write_metrics(folder: Path, metrics: Mapping[str, float]) -> None:
    """Writes ``metrics.json``, over the one there may be."""
    write_text(folder / "metrics.json", json.dumps(metrics, indent=2, sort_keys=True))
