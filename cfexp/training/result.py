"""What came out of an experiment."""

from collections.abc import Mapping
from dataclasses import dataclass

from cfexp.data.ratings import RATING
from cfexp.data.split import Data
from cfexp.errors import TrainingError
from cfexp.evaluation import intervals
from cfexp.evaluation.comparison import Comparison
from cfexp.evaluation.groups import Evaluation
from cfexp.evaluation.names import N_PARAMETERS, ROWS
from cfexp.models.predictor import Predictor
from cfexp.runtime.stopwatch import Stopwatch
from cfexp.training.fit import Fitted
from cfexp.training.history import History
from cfexp.training.ranking import Ranking
from cfexp.training.recipe import Recipe
from cfexp.training.testing import Scored, Tested


@dataclass(frozen=True, repr=False)
class Result:
    """The result of an experiment.

    Attributes:
        experiment: The experiment.
        data: Its dataset and split.
        fitted: The fitted model, with its validation error.
        tested: Its predictions of the test rows, and their errors, if they are ratings.
        comparison: Its test errors beside those of the baselines; None of a model that
            learned to rank, whose scores are no ratings.
        predictor: The model with everything needed to use it.
        watch: Seconds of each stage.
        val_metrics: The experiment's own metrics of the validation rows, by name.
        ranking: How well movies are ranked; None without ``evaluation.ranking``.
    """

    experiment: Recipe
    data: Data
    fitted: Fitted
    tested: Tested | Scored
    comparison: Comparison | None
    predictor: Predictor
    watch: Stopwatch
    val_metrics: Mapping[str, float]
    ranking: Ranking | None = None

    def __repr__(self) -> str:
        """Returns the model, the data and the test error, in two lines."""
        name = f"{self.experiment.model.name} on {self.data.ratings.name}"
        if not self.comparison:
            assert self.ranking
            return f"{name}: {self.ranking!r}"
        bias = self.comparison.baselines["bias"]
        return (
            f"{name}: test RMSE"
            f" {self.test.rmse:.4f}, MAE {self.test.mae:.4f}"
            f" ({self.test.overall.rows:,} rows)\nskill over the bias baseline"
            f" {self.skill_vs_bias:+.1%} (its RMSE: {bias.rmse:.4f})"
        )

    @property
    def test(self) -> Evaluation:
        """Errors on the test rows, over all of them and by group.

        Raises:
            TrainingError: The model learned to rank.
        """
        return self._compared().model

    @property
    def skill_vs_bias(self) -> float:
        """``1 - RMSE / RMSE of the bias baseline`` on the test rows.

        Raises:
            TrainingError: The model learned to rank.
        """
        return self._compared().skill_vs_bias

    def _compared(self) -> Comparison:
        if self.comparison is None:
            loss = self.experiment.training.loss
            raise TrainingError(
                f"a model trained with training.loss={loss} gives scores, which are no"
                " ratings and have no errors in stars. See result.ranking"
            )
        return self.comparison

    @property
    def history(self) -> History | None:
        """The epochs of a neural model."""
        return self.fitted.history

    def metrics(self) -> dict[str, float]:
        """Returns the final metrics by name.

        ``val_rmse`` is that of the best epoch; it is missing if there are no validation
        rows that the model did not know.
        """
        fitted, split = self.fitted, self.data.split
        found = {f"{ROWS}test": float(len(split.test))}
        if self.comparison:
            found |= self.comparison.metrics("test")
        found[f"{ROWS}train"] = float(len(split.train))
        found[f"{ROWS}valid"] = float(len(split.valid))
        if fitted.val_rmse is not None and fitted.val_mae is not None:
            found |= {"val_rmse": fitted.val_rmse, "val_mae": fitted.val_mae}
            found |= {f"val_{name}": value for name, value in self.val_metrics.items()}
        found |= fitted.val_ranking
        found[f"{ROWS}fitted"] = float(len(fitted.rows))
        found[N_PARAMETERS] = float(fitted.scorer.n_parameters)
        if isinstance(self.tested, Tested) and self.tested.std is not None:
            rating = self.data.ratings.frame[RATING].to_numpy()[split.test]
            error = self.tested.predicted - rating
            found |= intervals.metrics(error, self.tested.std)
        if self.ranking:
            found |= self.ranking.metrics()
        if fitted.history:
            found |= fitted.history.metrics()
        return found
