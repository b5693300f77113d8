"""The metrics of validation rows by which a sweep and ``run_id=best`` choose."""

from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from cfexp.config.build import Request, build_group, plain
from cfexp.config.schema import SEVERAL

if TYPE_CHECKING:
    from cfexp.evaluation.objective import Objective


def objective_of(config: DictConfig) -> "Objective":
    """Returns the metric by which a sweep chooses its best job.

    Args:
        config: The sweep's configuration.

    Raises:
        ConfigError: ``objective`` is no metric of validation rows.
    """
    from cfexp.evaluation.objective import named, usual, validation_metrics
    from cfexp.evaluation.settings import EvaluationSettings
    from cfexp.training.settings import Training

    groups = ("evaluation", "training")
    evaluation, training = (build_group(one, plain(config, one)) for one in groups)
    assert isinstance(evaluation, EvaluationSettings)
    assert isinstance(training, Training)
    metrics = plain(config, SEVERAL)
    own: Any = build_group(SEVERAL, metrics) if metrics else {}
    ranked = evaluation.replace(ranking=evaluation.ranking or training.ranks)
    known = validation_metrics(ranked, own)
    name = str(config.objective)
    name = usual(name, evaluation.k) if training.ranks else name
    return named("objective", name, known)


def chosen_by(option: str, request: Request) -> "Objective":
    """Returns the metric that an option of a job names.

    Args:
        option: ``objective``, or ``best_of``, for which it does not count whether the
            experiment ranks: the runs that are compared may have ranked.
        request: The job.

    Raises:
        ConfigError: It is no metric of validation rows.
    """
    from cfexp.evaluation.objective import named, usual, validation_metrics

    experiment = request.experiment
    ranking = experiment.ranked.ranking or option == "best_of"
    evaluation = experiment.evaluation.replace(ranking=ranking)
    known = validation_metrics(evaluation, experiment.metrics)
    name = getattr(request.options, option)
    if option == "objective" and experiment.training.ranks:
        name = usual(name, evaluation.k)
    return named(option, name, known)
