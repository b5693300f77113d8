"""Shapes of layers' outputs, told to Keras, which else traces a layer to find them.

Tracing takes most of the time of building a network.
"""

from typing import Any

import keras


class SameShape:
    """What layers have in common that change values only."""

    def compute_output_spec(self, inputs: Any, **_: Any) -> keras.KerasTensor:
        """Returns an output of the input's shape and type."""
        return keras.KerasTensor(inputs.shape, inputs.dtype)


def per_row(inputs: Any, width: int) -> keras.KerasTensor:
    """Returns an output with a vector for each row of a batch.

    Args:
        inputs: The layer's input, or several.
        width: Length of the vectors.
    """
    first = inputs[0] if isinstance(inputs, list | tuple) else inputs
    return keras.KerasTensor((first.shape[0], width), "float32")
