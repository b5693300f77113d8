"""Seeds and names of a network's layers, as if it were the only one of the process."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from keras.src.random import seed_generator
from keras.src.utils.naming import reset_uids


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draws the seeds of layers made in the block from a stream of its own.

    Keras draws them from Python's `random`, which `keras.utils.set_random_seed` seeds,
    but which MLflow draws from in another thread, when it waits for a locked database.
    The names that it gives to layers are numbered from the first again.
    """
    reset_uids()
    before = seed_generator.python_random
    seed_generator.python_random = random.Random(seed)
    try:
        yield
    finally:
        seed_generator.python_random = before


def mask_seed() -> int:
    """Returns the seed of a layer's masks."""
    return seed_generator.python_random.getrandbits(31)
