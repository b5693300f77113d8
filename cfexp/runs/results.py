"""The files of a finished run, written before they are logged to MLflow."""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml

from cfexp.data.lookup import genres_of
from cfexp.data.ratings import GENRES, ITEM, IntArray, Ratings
from cfexp.errors import first_line
from cfexp.evaluation.intervals import STD
from cfexp.evaluation.names import seconds
from cfexp.evaluation.ranking import SCORE
from cfexp.models.base import Scorer
from cfexp.models.predictor import check_replaceable
from cfexp.reports.card import Card
from cfexp.reports.plots import NAME, save_plots
from cfexp.runs.job import Job
from cfexp.runtime import owned
from cfexp.runtime.files import write_text
from cfexp.runtime.memo import Memo
from cfexp.runtime.provenance import GitState, all_packages, versions
from cfexp.tracking.folder import (
    CONFIG,
    EPOCHS,
    METRICS,
    RANKING_USERS,
    SKIPPED,
    TAGS,
    TEST_PREDICTIONS,
    VALID_PREDICTIONS,
)
from cfexp.training.result import Result
from cfexp.training.testing import Tested

log = logging.getLogger(__name__)


MAX_DIFF = 1_000_000  # bytes of a git.diff; more are data rather than code
_genres = Memo(keep=2, max_bytes=100_000_000)  # of the test rows of some data


FILES = (
    CONFIG,
    METRICS,
    "versions.json",
    TAGS,
    "packages.txt",
    TEST_PREDICTIONS,
    VALID_PREDICTIONS,
    RANKING_USERS,
    EPOCHS,
    "git.diff",
    f"plots/{NAME}.png",
)


CARD = ("model_card.md", "model_card.html")


def predictions(
    ratings: Ratings,
    rows: IntArray,
    predicted: npt.NDArray[np.float64],
    name: str = "predicted",
) -> pd.DataFrame:
    """Returns the ratings at some row positions with a column of predictions."""
    frame = ratings.frame.iloc[rows].reset_index(drop=True)
    return frame.assign(**{name: predicted})


def test_predictions(result: Result) -> pd.DataFrame:
    """Returns the test ratings with ``predicted``, ``genres`` and training counts.

    The counts are ``user_count`` and ``item_count``; also ``std``, if it is known, and
    ``score``, by which movies were ranked, if they were: the only one of a model that
    learned to rank.
    """
    (ratings, split), tested = result.data, result.tested
    key = ratings.fingerprint, split.fingerprint
    frame = predictions(ratings, split.test, tested.predicted, _name(result))
    if isinstance(tested, Tested) and tested.std is not None:
        frame = frame.assign(**{STD: tested.std})
    if result.ranking:
        frame = frame.assign(**{SCORE: result.ranking.score})
    return frame.assign(
        genres=_genres(key, lambda: genres_of(frame[[ITEM]], ratings.movies)),
        user_count=tested.seen["user"],
        item_count=tested.seen["item"],
    )


def _name(result: Result) -> str:
    return "predicted" if result.comparison else SCORE


def write(
    job: Job, result: Result, *, tags: Mapping[str, str], git: GitState | None
) -> None:
    """Writes everything but the model into the run's ``results/``; see `writing_all`.

    Args:
        job: The job.
        result: Its result.
        tags: The run's tags.
        git: State of the user's repository; None to write no diff.
    """
    folder, history = job.folder / "results", result.history
    test = test_predictions(result)
    for name in (*FILES, *CARD):
        (folder / name).unlink(missing_ok=True)  # of an earlier run in this folder
    (job.folder / SKIPPED).unlink(missing_ok=True)
    metrics = result.metrics() | seconds(result.watch.seconds)
    settings = yaml.safe_dump(job.experiment.settings(), sort_keys=False)
    write_text(folder / CONFIG, settings)
    save_metrics(folder, metrics)
    (folder / "versions.json").write_text(json.dumps(versions(), indent=2))
    write_text(folder / TAGS, json.dumps(tags, indent=2))
    (folder / "packages.txt").write_text(all_packages())
    if git and (git.diff or git.untracked):
        (folder / "git.diff").write_bytes(diff_file(git))
    _write_tables(folder, result, test)
    if job.tracking.plots is not False and result.comparison:
        with optional("the plots"):
            save_plots(folder / "plots", history=history, predictions=test)
    with optional("the model card"):
        title = f"{job.name} on {result.data.ratings.name}"
        params = job.experiment.params()
        about = (title, result.data, result.comparison)
        Card(*about, test, params, metrics, result.ranking).write(folder)


def _write_tables(folder: Path, result: Result, test: pd.DataFrame) -> None:
    ratings, split = result.data
    predicted = result.fitted.val_predicted
    valid = predictions(ratings, split.valid, predicted, _name(result))
    test.drop(columns=[GENRES]).to_parquet(folder / TEST_PREDICTIONS, index=False)
    valid.to_parquet(folder / VALID_PREDICTIONS, index=False)
    if result.ranking:
        result.ranking.users.to_parquet(folder / RANKING_USERS, index=False)
    if result.history:
        epochs = pd.DataFrame([asdict(e) for e in result.history.epochs])
        epochs.to_csv(folder / EPOCHS, index=False)


def diff_file(git: GitState) -> bytes:
    """Returns the content of ``git.diff``, truncated at `MAX_DIFF` bytes."""
    untracked = "".join(f"# untracked: {name}\n" for name in git.untracked)
    whole = f"{untracked}{git.diff}".encode()
    if len(whole) <= MAX_DIFF:
        return whole
    note = f"\n# truncated: {MAX_DIFF:,} of {len(whole):,} bytes\n"
    return whole[:MAX_DIFF] + note.encode()


@contextmanager
def optional(what: str) -> Iterator[None]:
    """Turns an error in the block into a warning, so that the run still finishes."""
    try:
        yield
    except Exception as error:
        log.warning("%s cannot be written: %s", what, first_line(error)[:300])
        log.debug("%s cannot be written", what, exc_info=True)


def check_folder(folder: Path, *others: str) -> None:
    """Checks, before any work, that a run's files would overwrite none of the user's.

    Args:
        folder: The run's folder.
        others: Files to be written into ``results/`` besides the usual ones.

    Raises:
        ConfigError: ``results/`` or ``model/`` holds a file that cfexp did not write,
            or that was changed since.
    """
    owned.check_marked(folder / "results", fix=owned.OTHER_RUN)
    owned.check(folder / "results", [*FILES, *CARD, *others], fix=owned.OTHER_RUN)
    owned.check(folder, [SKIPPED], fix=owned.OTHER_RUN)
    check_replaceable(folder / "model")


def writing_all(folder: Path) -> AbstractContextManager[None]:
    """Records the files of `write` and `save_metrics`, which the block writes."""
    return writing(folder, *FILES, *CARD)


def writing(folder: Path, *names: str) -> AbstractContextManager[None]:
    """Records the files that the block writes, see `cfexp.runtime.owned.writing`."""
    return owned.writing(folder, names, fix=owned.OTHER_RUN)


def write_skipped(folder: Path, metrics: Mapping[str, float], run_id: str) -> None:
    """Writes the metrics and the run id of an earlier run that has finished a job."""
    write_metrics(folder / "results", metrics)
    with writing(folder, SKIPPED):
        (folder / SKIPPED).write_text(json.dumps({"run_id": run_id}))


def weights_digest(scorer: Scorer) -> str:
    """Returns the SHA-256 of all trained parameters."""
    found = hashlib.sha256()
    for values in scorer.trained():
        found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()


def write_metrics(folder: Path, metrics: Mapping[str, float]) -> None:
    """Writes ``metrics.json``, replacing it if it exists."""
    with writing(folder, METRICS):
        save_metrics(folder, metrics)


def save_metrics(folder: Path, metrics: Mapping[str, float]) -> None:
    """Writes ``metrics.json`` in a block of `writing`."""
    write_text(folder / METRICS, json.dumps(metrics, indent=2, sort_keys=True))
