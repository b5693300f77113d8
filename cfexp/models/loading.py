"""Loads a trained model of any family from its folder."""

from pathlib import Path

from cfexp.models.base import Scorer
from cfexp.models.bias import BiasScorer
from cfexp.models.ensemble import EnsembleScorer
from cfexp.runtime import tensorflow


def load_scorer(folder: Path) -> Scorer:
    """Reads a saved model; imports TensorFlow only for Keras models."""
    if (folder / BiasScorer.FILE).exists():
        return BiasScorer.load(folder)
    if (folder / EnsembleScorer.FILE).exists():
        return EnsembleScorer.load(folder, load_scorer)
    tensorflow.start(programs=False)
    from cfexp.models.scorer import KerasScorer

    return KerasScorer.load(folder)
