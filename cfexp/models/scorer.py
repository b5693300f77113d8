"""A trained Keras model that predicts encoded rows."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cfexp.data.encoding import Encoded
from cfexp.models.layers import Padded  # and registers all layers

CHUNK = 65_536


class KerasScorer:
    """Predicts ratings with a Keras model.

    Args:
        model: A model built by `NeuralModel.build`.
    """

    FILE = "model.keras"

    def __init__(self, model: keras.Model):
        self.model = model
        self._forward = tf.function(
            lambda inputs: model(inputs, training=False),
            reduce_retracing=True,
            autograph=False,
        )

    @property
    def n_parameters(self) -> int:
        """Number of trainable weights, without the unused rows of padded tables."""
        found = sum(int(np.prod(v.shape)) for v in self.model.trainable_variables)
        for layer in self.model.layers:
            padded = getattr(layer, "embeddings_initializer", None)
            if isinstance(padded, Padded):
                found -= (layer.input_dim - padded.rows) * layer.output_dim
        return found

    def predict(self, rows: Encoded) -> npt.NDArray[np.float64]:
        """Returns ratings within the scale, shape ``(n,)``."""
        rating = np.empty(len(rows))
        for start in range(0, len(rows), CHUNK):
            part = slice(start, start + CHUNK)
            inputs = {
                name: tf.constant(values)
                for name, values in model_inputs(self.model, rows, part).items()
            }
            rating[part] = self._forward(inputs).numpy()[:, 0]
        return rating

    def trained(self) -> list[npt.NDArray[Any]]:
        """Returns all trainable weights."""
        return [v.numpy() for v in self.model.trainable_variables]

    def save(self, folder: Path) -> None:
        """Writes the model into `folder`, in the Keras format, without pickle."""
        self.model.save(folder / self.FILE)

    @classmethod
    def load(cls, folder: Path) -> "KerasScorer":
        """Reads a model written by `save`."""
        return cls(keras.saving.load_model(folder / cls.FILE, compile=False))


def model_inputs(
    model: keras.Model, data: Encoded, rows: npt.NDArray[np.int32] | slice
) -> dict[str, npt.NDArray[Any]]:
    """Returns the inputs of `model` for some rows, by name."""
    inputs: dict[str, npt.NDArray[Any]] = {
        "user": data.user[rows],
        "item": data.item[rows],
    }
    if "genres" in model.input:
        inputs["genres"] = data.genre_table[data.genre_row[rows]]
    return inputs
