"""Metrics of validation rows that may choose: an epoch, a job of a sweep, or a run."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cfexp.errors import ConfigError, did_you_mean
from cfexp.evaluation.names import FULL, RANKING, RATED_NDCG, VAL_NDCG

if TYPE_CHECKING:  # which import NumPy and pydantic
    from cfexp.evaluation.metric import Metric
    from cfexp.evaluation.settings import EvaluationSettings

VAL, TEST = "val_", "test_"
# By which test rows are compared, besides measures of ranking.
ERRORS = ("rmse", "mae")
VAL_RMSE, VAL_MAE = "val_rmse", "val_mae"
# Of ranked validation rows, such as ``ranking/val_full_ndcg_10``.
VAL_RANKING = f"{RANKING}{VAL}"


@dataclass(frozen=True)
class Objective:
    """A metric of validation rows, and its direction.

    Attributes:
        name: The metric.
        maximise: Whether a higher value is better.
    """

    name: str = VAL_RMSE
    maximise: bool = False

    @property
    def tested(self) -> str:
        """The same metric of the test rows."""
        if self.name.startswith(VAL_RANKING):
            return self.name.replace(VAL_RANKING, RANKING, 1)
        return self.name.replace(VAL, TEST, 1)

    @property
    def verb(self) -> str:
        """What is done with it, in words: ``highest`` or ``lowest``."""
        return "highest" if self.maximise else "lowest"

    def cost(self, value: float) -> float:
        """Returns a number that is lower where the metric is better."""
        return -value if self.maximise else value

    def best(self, values: Iterable[float]) -> float:
        """Returns the best of some values."""
        return min(values, key=self.cost)


BY_RMSE = Objective()


def usual(name: str, k: int) -> str:
    """Returns the metric that takes the RMSE's place in models that learn to rank.

    Their scores are not ratings, which is why they have no RMSE.

    Args:
        name: The metric that an option names.
        k: Number of movies that are ranked, ``evaluation.k``.
    """
    return f"{VAL_NDCG}{k}" if name == VAL_RMSE else name


def validation_metrics(
    evaluation: "EvaluationSettings", own: "Mapping[str, Metric]"
) -> dict[str, Objective]:
    """Returns the validation metrics of an experiment, by name.

    Args:
        evaluation: Whether movies are ranked.
        own: Its metrics besides RMSE and MAE, by name.
    """
    from cfexp.evaluation.ranking import MEASURES

    found = [Objective(VAL_RMSE), Objective(VAL_MAE)]
    found += [Objective(f"{VAL}{n}", one.higher_is_better) for n, one in own.items()]
    if evaluation.ranking:
        names = [f"{FULL}{name}_{evaluation.k}" for name in MEASURES]
        found += [Objective(f"{VAL_RANKING}{n}", True) for n in (*names, RATED_NDCG)]
    return {one.name: one for one in found}


def unknown_metric(option: str, value: str, known: Collection[str]) -> str | None:
    """Returns that an option names no validation metric; None if it names one.

    Args:
        option: The option.
        value: Its value.
        known: The validation metrics.
    """
    if value in known:
        return None
    ranked = any(name.startswith(RANKING) for name in known)
    more = "" if ranked else "; with evaluation.ranking=true those of ranking, too"
    return (
        f"{option} must be a metric of the validation rows: {', '.join(known)}{more}."
        f" Got: {value!r}{did_you_mean(value, known)}"
    )


def named(option: str, value: str, known: Mapping[str, Objective]) -> Objective:
    """Returns the metric that an option names, see `unknown_metric`.

    Raises:
        ConfigError: It names none.
    """
    if problem := unknown_metric(option, value, known):
        raise ConfigError(problem)
    return known[value]


def validated_by(metric: str, own: "Mapping[str, Metric] | None" = None) -> Objective:
    """Returns what chooses on validation rows where test rows are compared by a metric.

    Args:
        metric: What ``--metric`` names: one of `ERRORS`, a measure of ranking, or a
            metric of one's own.
        own: One's own metrics by name.

    Raises:
        ConfigError: It is none of these.
    """
    if metric in ERRORS:
        return BY_RMSE
    if own and metric in own:
        return Objective(f"{VAL}{metric}", own[metric].higher_is_better)
    if not metric.startswith(RANKING):
        raise ConfigError(
            "--metric must be rmse, mae or a measure of ranking, such as"
            f" {RANKING}{FULL}ndcg_10. Got: {metric!r}"
        )
    return Objective(metric.replace(RANKING, VAL_RANKING, 1), maximise=True)
