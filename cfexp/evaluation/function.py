"""Metrics that are one function."""

from collections.abc import Callable
from functools import cache
from typing import ClassVar

from cfexp.evaluation.metric import Metric
from cfexp.evaluation.metrics import FloatArray


class FunctionMetric(Metric):
    """A function of ratings and predictions, see `metric_of`.

    Attributes:
        maximise: Whether a higher value is better.
    """

    function: ClassVar[Callable[[FloatArray, FloatArray], float]]

    maximise: bool = False

    @property
    def higher_is_better(self) -> bool:
        return self.maximise

    def __call__(self, rating: FloatArray, predicted: FloatArray) -> float:
        return type(self).function(rating, predicted)


@cache
def metric_of(
    function: Callable[[FloatArray, FloatArray], float],
) -> type[FunctionMetric]:
    """Returns the class of a metric that one function computes.

    It has the function's name, so that a configuration finds it again.

    Args:
        function: Takes ratings and predictions, shape ``(n,)`` each; returns a number.
    """
    own = {
        "function": staticmethod(function),
        "__module__": function.__module__,
        "__qualname__": function.__qualname__,
        "__doc__": function.__doc__,
    }
    return type(function.__name__, (FunctionMetric,), own)
