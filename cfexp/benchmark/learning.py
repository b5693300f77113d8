"""Test errors of a model while it learns."""

from cfexp.benchmark.clock import Clock, Point, since
from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.encoding import Encoded
from cfexp.data.ratings import IntArray, Ratings
from cfexp.evaluation.metrics import FloatArray, rmse
from cfexp.training.history import Epoch
from cfexp.training.recipe import Hooks, Predict


class Learning:
    """Test errors of one of cfexp's models by time, in the fit that is tested.

    They choose nothing, and the clock stands while they are computed.

    Args:
        clock: The clock.
        ratings: The dataset.
        test: Positions of the test rows.
        kept: Numbers of the samples whose mean predicts; empty for neural models.
    """

    def __init__(
        self, clock: Clock, ratings: Ratings, test: IntArray, kept: frozenset[int]
    ):
        self.points: list[Point] = []
        self._clock, self._ratings, self._test, self._kept = clock, ratings, test, kept
        self._start = clock.read()
        self._mean = RunningMean()
        self._rows: Encoded
        self._predict: Predict

    def hooks(self) -> Hooks:
        """Returns the hooks of the fit, which starts now."""
        self._start = self._clock.read()
        self.points = []
        return Hooks(on_model=self._on_model, on_epoch=self._on_epoch)

    def _on_model(self, encoder: FeatureEncoder, predict: Predict) -> None:
        with self._clock.paused():
            self._rows, self._predict = (
                encode(self._ratings, encoder, self._test),
                predict,
            )

    def _on_epoch(self, epoch: Epoch) -> None:
        spent = since(self._start, self._clock.read())
        with self._clock.paused():
            predicted = self._predict(self._rows)
            if epoch.epoch in self._kept:
                predicted = self._mean.including(predicted)
            self.points.append(Point(*spent, rmse(self._rows.rating, predicted)))


class RunningMean:
    """The mean of the predictions of all samples so far."""

    def __init__(self) -> None:
        self._total: FloatArray | float = 0.0
        self._n = 0

    def including(self, predicted: FloatArray) -> FloatArray:
        """Returns the mean of those before and `predicted`."""
        self._total = self._total + predicted
        self._n += 1
        return self._total / self._n
