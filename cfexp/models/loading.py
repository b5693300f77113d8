"""Loads a trained model of any family from its folder."""

import sys
from pathlib import Path

from cfexp.models.base import Scorer
from cfexp.models.bias import BiasScorer
from cfexp.models.ensemble import EnsembleScorer
from cfexp.models.members import MeanScorer, load_members
from cfexp.models.posterior import Posterior
from cfexp.runtime import tensorflow


def load_scorer(folder: Path, own: str | None = None) -> Scorer:
    """Reads a saved model; imports TensorFlow only for Keras models.

    Args:
        folder: The folder.
        own: The class of the trained model, ``module.Class``, whose module is imported
            already; None for cfexp's own classes.
    """
    if own:
        module, _, name = own.rpartition(".")
        return getattr(sys.modules[module], name).load(folder)
    if (folder / BiasScorer.FILE).exists():
        return BiasScorer.load(folder)
    if (folder / EnsembleScorer.FILE).exists():
        return EnsembleScorer.load(folder, load_scorer)
    if (folder / MeanScorer.FILE).exists():
        return load_members(folder, load_scorer)
    if (folder / Posterior.FILE).exists():
        return Posterior.load(folder)
    tensorflow.start(programs=False)
    from cfexp.models.scorer import KerasScorer

    return KerasScorer.load(folder)
