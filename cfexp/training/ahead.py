"""Compiles the program of a training before it begins."""

from cfexp.data.ratings import Ratings
from cfexp.data.split import Split
from cfexp.models.base import NeuralModel
from cfexp.training.recipe import Recipe

# Of more training rows, epochs take longer than to compile, and a copy takes memory.
MAX_ROWS = 2_000_000


def can_compile(recipe: Recipe) -> bool:
    """Returns whether `compile_ahead` knows how to compile trainings of this kind."""
    training = recipe.training
    compiles = training.engine != "keras" and training.strategy == "none"
    return isinstance(recipe.model, NeuralModel) and compiles


def compile_ahead(recipe: Recipe, ratings: Ratings, split: Split) -> bool:
    """Compiles what `cfexp.training.fit.fit_model` would; call it in a new thread.

    Args:
        recipe: What is to be trained; one that `can_compile`.
        ratings: The dataset.
        split: Its split.

    Returns:
        Whether there was something to compile; if not, it is there already.
    """
    if len(split.train) > MAX_ROWS:
        return False
    from cfexp.training.neural import compile_neural  # imports TensorFlow
    from cfexp.training.stage import Stage

    valid = split.valid if len(split.valid) else None
    return compile_neural(recipe, ratings, Stage(split.train, valid))
