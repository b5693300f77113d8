"""Copies between the variables of a model and those of the program that trains it."""

from collections.abc import Sequence

import keras
import tensorflow as tf

Variables = Sequence[keras.Variable]


class Copies:
    """Copies values between two lists of variables, unless they are the same.

    Args:
        own: The variables of a model, then those of its optimizer.
        program: Those of a program, in the same order.
        n_model: How many of them are of the model.
    """

    def __init__(self, own: Variables, program: Variables, n_model: int):
        # Handles, since `assign` takes four times as long, and this follows each epoch.
        pairs = [
            (of.value.handle, to.value.handle, of.value.dtype)
            for of, to in zip(own, program, strict=True)
            if of is not to
        ]
        self._model, self._optimizer = pairs[:n_model], pairs[n_model:]

    def load(self) -> None:
        """Copies the values of the model and its optimizer into the program."""
        for own, program, kind in (*self._model, *self._optimizer):
            _copy(own, program, kind)

    def store_model(self) -> None:
        """Copies the program's values of the model into it."""
        for own, program, kind in self._model:
            _copy(program, own, kind)

    def store_optimizer(self) -> None:
        """Copies the program's values of the optimizer into it."""
        for own, program, kind in self._optimizer:
            _copy(program, own, kind)


def _copy(of: tf.Tensor, to: tf.Tensor, kind: tf.DType) -> None:
    value = tf.raw_ops.ReadVariableOp(resource=of, dtype=kind)
    tf.raw_ops.AssignVariableOp(resource=to, value=value)
