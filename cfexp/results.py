"""The files of a finished run, written before any of them goes to MLflow."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from cfexp import plots
from cfexp.data.ratings import GENRES, ITEM, USER, IntArray, Ratings
from cfexp.features import genres_of
from cfexp.provenance import GitState, all_packages, versions
from cfexp.training.history import History


def test_predictions(
    ratings: Ratings,
    rows: IntArray,
    predicted: npt.NDArray[np.float64],
    trained_on: IntArray,
) -> pd.DataFrame:
    """Returns the test ratings with predictions, as `plots.save_plots` takes them.

    Args:
        ratings: The dataset.
        rows: Row positions of the test ratings.
        predicted: Their predictions, shape ``(n,)``.
        trained_on: Row positions of the ratings the model was fitted to.
    """
    frame = ratings.frame.iloc[rows].reset_index(drop=True)
    counts = ratings.frame[ITEM].iloc[trained_on].value_counts()
    return frame.assign(
        predicted=predicted,
        genres=genres_of(frame[[ITEM]], ratings.movies).to_numpy(),
        item_count=frame[ITEM].map(counts).fillna(0).astype(int),
    )


def sample(ratings: Ratings, rows: IntArray, *, n: int = 1000) -> pd.DataFrame:
    """Returns up to `n` pairs with genres, as a logged model takes them."""
    pairs = ratings.frame[[USER, ITEM]].iloc[rows[:n]].reset_index(drop=True)
    return pairs.assign(**{GENRES: genres_of(pairs, ratings.movies)})


def write(
    folder: Path,
    *,
    config: str,
    metrics: Mapping[str, float],
    predictions: pd.DataFrame,
    history: History | None,
    git: GitState | None,
) -> None:
    """Writes everything but the model into `folder`.

    Args:
        folder: Made where it does not exist.
        config: The resolved configuration, as YAML.
        metrics: Final metrics.
        predictions: What `test_predictions` returned.
        history: The epochs of a neural model.
        git: State of the user's repository.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(config)
    write_metrics(folder, metrics)
    (folder / "versions.json").write_text(json.dumps(versions(), indent=2))
    (folder / "packages.txt").write_text(all_packages())
    predictions.drop(columns=[GENRES]).to_parquet(
        folder / "test_predictions.parquet", index=False
    )
    if history:
        epochs = pd.DataFrame([asdict(e) for e in history.epochs])
        epochs.to_csv(folder / "epochs.csv", index=False)
    if git and (git.diff or git.untracked):
        untracked = "".join(f"# untracked: {name}\n" for name in git.untracked)
        (folder / "git.diff").write_text(untracked + git.diff)
    plots.save_plots(folder / "plots", history=history, predictions=predictions)


def write_metrics(folder: Path, metrics: Mapping[str, float]) -> None:
    """Writes ``metrics.json``, over the one there may be."""
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2, sort_keys=True))
