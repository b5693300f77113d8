from . import data as data
from . import evaluation as evaluation
from . import models as models
from . import tracking as tracking
from . import training as training
from .config.python import compose as compose
from .errors import CfexpError as CfexpError
from .experiment import Experiment as Experiment
from .runs.fit import fit as fit
from .runs.python import load as load
from .runs.python import train as train
from .training.result import Result as Result

__version__: str
