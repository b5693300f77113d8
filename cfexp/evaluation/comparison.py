"""A model's errors beside those of the baselines on the same rows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from cfexp.evaluation.groups import Evaluation


@dataclass(frozen=True)
class Comparison:
    """A model's errors beside those of baselines on the same rows.

    Attributes:
        model: The model's errors.
        baselines: Those of each baseline, the bias baseline last.
        fitted_on: What model and baselines were fitted to, as a sentence.
    """

    model: Evaluation
    baselines: Mapping[str, Evaluation]
    fitted_on: str

    @property
    def skill_vs_bias(self) -> float:
        """``1 - RMSE / RMSE of the bias baseline``: above 0 is better than it."""
        return margin(self.model.overall.rmse, self.baselines["bias"].overall.rmse)

    def metrics(self, part: str) -> dict[str, float]:
        """Returns the model's flat metrics, the baselines' and the skill."""
        found = self.model.metrics(part)
        for name, baseline in self.baselines.items():
            found[f"baseline_{name}_rmse"] = baseline.overall.rmse
            found[f"baseline_{name}_mae"] = baseline.overall.mae
        return found | {"skill_vs_bias": self.skill_vs_bias}


def margin(error: float, baseline: float) -> float:
    """Returns how much lower an error is than a baseline's, as a share of the latter.

    Without any error of the baseline it is 0 or, where the other has one, -infinity.
    """
    if not baseline:
        return -math.inf if error else 0.0
    return 1 - error / baseline
