"""Metrics besides RMSE and MAE: what a user adds to an experiment's ``metrics``."""

import re
from abc import abstractmethod
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from cfexp.errors import TrainingError, first_line, in_words
from cfexp.evaluation.metrics import FloatArray
from cfexp.spec import Spec

# What `Metric.problem` calls a metric with.
RATING, PREDICTED = np.array([1.0, 2, 3, 4, 5]), np.array([1.5, 1.5, 3, 4.5, 4])


class Metric(Spec):
    """Base of all metrics: a number of ratings and their predictions."""

    group: ClassVar[str] = "metrics"

    @property
    def higher_is_better(self) -> bool:
        """Whether a higher value is better; not, if not overridden."""
        return False

    @abstractmethod
    def __call__(self, rating: FloatArray, predicted: FloatArray) -> float:
        """Returns the metric of some rows.

        Args:
            rating: The ratings, in stars, shape ``(n,)``.
            predicted: Predictions within the scale, shape ``(n,)``.
        """

    def problem(self, name: str) -> str | None:
        """Returns what is wrong with a metric of this name, before anything is trained.

        Args:
            name: What it is called.
        """
        if re.match("(rmse|mae|rows)(_|$)", name):
            return f"metrics.{name}: this name is taken; call it something else"
        try:
            self.value(name, RATING, PREDICTED)
        except TrainingError as error:
            return str(error)
        return None

    def of_rows(
        self, name: str, rating: FloatArray, predicted: FloatArray
    ) -> FloatArray:
        """Returns the metric of each row alone, whose mean is that of all rows.

        Raises:
            TrainingError: It is no mean over rows.
        """
        whole = self.value(name, rating, predicted)
        said = f"metrics.{name} is no mean over rows, and cannot be tested by row"
        try:
            found = np.array(
                [
                    self(rating[i : i + 1], predicted[i : i + 1])
                    for i in range(len(rating))
                ],
                np.float64,
            )
        except Exception as error:
            raise TrainingError(
                f"{said}: of one row it has no value ({first_line(error)})"
            ) from error
        mean = float(found.mean())
        if not np.isclose(mean, whole, rtol=1e-6, atol=1e-9):
            raise TrainingError(
                f"{said}: of all rows it is {whole:.6g}, the mean of that of each row"
                f" {mean:.6g}"
            )
        return found

    def value(self, name: str, rating: FloatArray, predicted: FloatArray) -> float:
        """Returns the metric as a float.

        Raises:
            TrainingError: It fails, or returns something else.
        """
        try:
            return float(self(rating, predicted))
        except Exception as error:
            raise TrainingError(
                f"metrics.{name} must return a number for {len(rating)}"
                f" ratings and predictions: {in_words(error)}: {first_line(error)}."
                f" Correct {self.target()}"
            ) from error


class Within(Metric):
    """The share of rows whose prediction is at most ``stars`` off the rating.

    Attributes:
        stars: The largest error that counts as a hit, in stars.
    """

    stars: Annotated[float, Field(gt=0)] = 0.5

    @property
    def higher_is_better(self) -> bool:
        return True

    def __call__(self, rating: FloatArray, predicted: FloatArray) -> float:
        return float(np.mean(np.abs(predicted - rating) <= self.stars))
