from .comparison import Comparison as Comparison
from .groups import Evaluation as Evaluation
from .groups import Group as Group
from .groups import evaluate as evaluate
from .metric import Metric as Metric
from .metric import Within as Within
from .settings import EvaluationSettings as EvaluationSettings
