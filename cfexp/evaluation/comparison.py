"""A model's errors beside those of the baselines on the same rows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from cfexp.evaluation.groups import Evaluation
from cfexp.evaluation.names import BASELINES


@dataclass(frozen=True)
class Comparison:
    """A model's errors beside those of the baselines on the same rows.

    Attributes:
        model: The model's errors.
        baselines: Errors of each baseline by name, the bias baseline last.
        fitted_on: A sentence: the rows that model and baselines were fitted to.
        own: Further metrics of the model by name.
    """

    model: Evaluation
    baselines: Mapping[str, Evaluation]
    fitted_on: str
    own: Mapping[str, float] = field(default_factory=dict)

    @property
    def skill_vs_bias(self) -> float:
        """``1 - RMSE / RMSE of the bias baseline``: above 0, the model is better."""
        return margin(self.model.overall.rmse, self.baselines["bias"].overall.rmse)

    def metrics(self, part: str) -> dict[str, float]:
        """Returns the metrics of the model and the baselines, and ``skill_vs_bias``.

        Args:
            part: Prefix of the model's metrics, such as ``test``.
        """
        found = self.model.metrics(part)
        found |= {f"{part}_{name}": value for name, value in self.own.items()}
        for name, baseline in self.baselines.items():
            found[f"{BASELINES}{name}_rmse"] = baseline.overall.rmse
            found[f"{BASELINES}{name}_mae"] = baseline.overall.mae
        return found | {"skill_vs_bias": self.skill_vs_bias}


def margin(error: float, baseline: float) -> float:
    """Returns by what share an error is below a baseline's, ``1 - error / baseline``.

    If the baseline's error is 0: 0 if both are, else -infinity.
    """
    if not baseline:
        return -math.inf if error else 0.0
    return 1 - error / baseline
