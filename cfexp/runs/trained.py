"""Loads a trained model that was found, with the code that it needs."""

from typing import TYPE_CHECKING

from cfexp.config.targets import check_saved, named_modules
from cfexp.experiment import Experiment
from cfexp.models.origin import read_origin
from cfexp.models.predictor import Predictor

if TYPE_CHECKING:
    from cfexp.tracking.find import SavedModel


def load(saved: "SavedModel", experiment: Experiment) -> Predictor:
    """Loads a trained model; a folder's may be a stranger's, that of a run is not.

    Args:
        saved: What was found.
        experiment: What the user composed.

    Raises:
        CfexpError: The model is damaged, or needs code that the user does not name.
    """
    if saved.run_id is not None:
        return Predictor.load(saved.folder, named=None)
    own = experiment.settings()
    origin = read_origin(saved.folder)
    if origin.modules:
        check_saved({"model": origin.config["model"]}, own, saved.reference)
    return Predictor.load(saved.folder, named=named_modules(own))
