"""``mode=evaluate``: tests a trained model on rows that it does not know."""

import logging
from dataclasses import dataclass, replace

import numpy as np

from cfexp.data.ratings import IntArray, Ratings
from cfexp.data.split import Data, Split
from cfexp.errors import ConfigError
from cfexp.evaluation.comparison import Comparison
from cfexp.evaluation.groups import Seen, times_seen
from cfexp.evaluation.names import ROWS
from cfexp.experiment import Experiment
from cfexp.models.overlap import check_related, unknown_rows
from cfexp.models.predictor import Predictor
from cfexp.reports.description import of_ranking, of_test
from cfexp.reports.ranking_table import print_ranking
from cfexp.reports.run_tables import print_evaluation, warn_of_skill
from cfexp.runs import metadata
from cfexp.runs.conclusion import conclude_run
from cfexp.runs.results import write_metrics
from cfexp.runs.task import Task
from cfexp.tracking.settings import NewRun
from cfexp.tracking.tags import NOTE, SOURCE
from cfexp.tracking.tracker import open_run
from cfexp.training.ranking import Ranking, rank
from cfexp.training.testing import evaluate_fitted, test_baselines

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluated:
    """The rows that a trained model is tested on.

    Attributes:
        rows: Positions of the rows.
        known: Number of rows left out because the model knows them.
        seen: Number of training ratings of each row's user and movie; None for other
            data, where the rows that the model was fitted to are counted.
    """

    rows: IntArray
    known: int
    seen: Seen | None


def rows_to_test(
    predictor: Predictor, ratings: Ratings, split: Split, *, known_rows: str
) -> Evaluated:
    """Returns the rows of a dataset to test a trained model on.

    These are the test rows of the dataset that it was trained with, or all rows of
    another one, without the rows that it knows.

    Args:
        predictor: The trained model.
        ratings: The dataset.
        split: The split of the dataset.
        known_rows: ``error`` or ``drop``: what to do with rows that it knows.

    Raises:
        DataError: It knows rows and `known_rows` is ``error``, or it knows all of them.
    """
    same_data = ratings.fingerprint == predictor.origin.data_fingerprint
    if same_data:
        rows = split.test
        log.info("the data it was trained with: evaluating the test rows")
    else:
        rows = np.arange(len(ratings.frame))
        log.info("other data than it was trained with: evaluating all rows")
    known = predictor.trained_on.known
    left = unknown_rows(rows, ratings, known, policy=known_rows)
    seen = times_seen(ratings, left, split.train) if same_data else None
    return Evaluated(left, len(rows) - len(left), seen)


def evaluate(task: Task) -> None:
    """Tests a trained model, and the baselines fitted to its training rows.

    Prints the errors, writes them to the run's folder and logs them.

    Raises:
        CfexpError: The model cannot be found, or it cannot be tested on the data.
    """
    predictor, source = task.trained_model()
    experiment = task.experiment_over(predictor.origin.config)
    ratings = experiment.dataset.load()
    check_related(predictor, ratings, same_ids=task.options.same_ids)
    split = experiment.split.split(ratings, seed=experiment.seed)
    if experiment.ranked.ranking:
        _check_rankable(predictor, ratings)
    rows = rows_to_test(predictor, ratings, split, known_rows=task.options.known_rows)
    model, data = predictor.origin.model, Data(ratings, split)
    tags = metadata.tags(data, None, kind="evaluate", model=model) | {SOURCE: source}
    made = f"{task.name_of('evaluate', model, source)} on {ratings.name}"
    name = task.options.run_name or made
    new = NewRun(name, tags, task.folder, task.parent_id)
    with open_run(task.tracking, new) as run:
        metrics, found = _tested(predictor, data, rows, experiment)
        write_metrics(task.folder / "results", metrics)
        note = {NOTE: f"The {model} model of {source}. {found}"}
        run.log_results(metrics, task.folder / "results", tags=note)
    title = f"{model} on {ratings.name}"
    conclude_run(title, metrics, folder=task.folder, run_id=run.run_id)


def _tested(
    predictor: Predictor, data: Data, rows: Evaluated, experiment: Experiment
) -> tuple[dict[str, float], str]:
    """Tests a trained model and prints the results.

    Returns:
        Its metrics, and what it came to in a sentence.
    """
    model, ratings = predictor.origin.model, data.ratings
    metrics, said = {f"{ROWS}known": float(rows.known)}, ""
    if not predictor.origin.ranks:
        comparison = compared(predictor, ratings, rows, experiment)
        print_evaluation(f"{model} on {ratings.name}", comparison)
        metrics, said = metrics | comparison.metrics("test"), of_test(comparison)
    if ranking := ranked(predictor, data, rows, experiment):
        print_ranking(model, ranking)
        metrics, said = metrics | ranking.metrics(), said or of_ranking(ranking)
    if not predictor.origin.ranks:
        warn_of_skill(metrics)
    return metrics, said


def _check_rankable(predictor: Predictor, ratings: Ratings) -> None:
    """Checks that it is known which movies of a dataset a user has rated in training.

    Raises:
        ConfigError: A model was trained with other data.
    """
    if ratings.fingerprint != predictor.origin.data_fingerprint:
        raise ConfigError(
            "evaluation.ranking=true ranks the movies of the dataset that the model was"
            f" trained with, {predictor.origin.dataset}. Got: {ratings.name}. Leave"
            " dataset= out, or evaluation.ranking"
        )


def ranked(
    predictor: Predictor, data: Data, tested: Evaluated, experiment: Experiment
) -> Ranking | None:
    """Returns how well a trained model ranks movies, if the experiment says so."""
    split = replace(data.split, test=tested.rows)
    baselines, own = predictor.trained_on.baselines, Data(data.ratings, split)
    return rank(predictor, baselines, own, experiment.ranked, experiment.seed)


def compared(
    predictor: Predictor, ratings: Ratings, tested: Evaluated, experiment: Experiment
) -> Comparison:
    """Returns a trained model's errors beside those of its baselines."""
    rows, trained_on = tested.rows, predictor.trained_on
    found = evaluate_fitted(predictor, ratings, rows, seen=tested.seen)
    return Comparison(
        found.evaluation,
        # With the same groups of rows as for the model.
        test_baselines(trained_on.baselines, ratings, rows, found.seen),
        f"Baselines were fitted to {trained_on.rows:,} rows, as the model was.",
        experiment.own_metrics(ratings, rows, found.predicted),
    )
