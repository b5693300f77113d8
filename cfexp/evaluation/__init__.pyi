from .comparison import Comparison as Comparison
from .groups import Evaluation as Evaluation
from .groups import Group as Group
from .groups import evaluate as evaluate
