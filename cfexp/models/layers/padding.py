"""Tables with unused rows, so that all folds of a dataset have tables of one size."""

from typing import Any, ClassVar

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="cfexp")
class Padded(keras.initializers.Initializer):
    """Initialises the first rows of a table as another initializer does, others with 0.

    Args:
        rows: Number of first rows.
        inner: The initializer of the first rows.
    """

    in_weights: ClassVar[tuple[str, ...]] = ("rows",)

    def __init__(self, rows: int, inner: keras.initializers.Initializer):
        self.rows = rows
        self.inner = keras.initializers.get(inner)

    def __call__(self, shape: Any, dtype: Any = None) -> tf.Tensor:
        """Returns a table of `shape`."""
        own = self.inner((self.rows, *shape[1:]), dtype=dtype)
        return tf.pad(own, [[0, shape[0] - self.rows], [0, 0]])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the initializer."""
        return {"rows": self.rows, "inner": keras.initializers.serialize(self.inner)}


def normal(stddev: float = 0.05) -> keras.initializers.Initializer:
    """Returns the initializer of embeddings."""
    return keras.initializers.RandomNormal(stddev=stddev)


def unused(layer: keras.layers.Layer) -> int:
    """Returns the number of a layer's weights that lie in unused rows."""
    found = 0
    for name, start in vars(layer).items():
        if isinstance(start, Padded):
            table = getattr(layer, name.removesuffix("_initializer")).shape
            found += (table[0] - start.rows) * table[1]
    return found
