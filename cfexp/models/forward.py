"""Traced prediction functions, one for all networks of the same architecture."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

import cfexp.models.layers  # noqa: F401  (registers all layers)
from cfexp.models.signature import signature
from cfexp.runtime.memo import Memo

Predict = Callable[[Mapping[str, tf.Tensor]], tf.Tensor]

# A traced function keeps the weights of its first network, too.
MAX_BYTES = 50_000_000
_forwards = Memo(keep=8)


def forward_of(model: keras.Model) -> Predict:
    """Returns the function that predicts with a network.

    Equal networks share one traced function, which reads the weights as its input.
    Networks that cannot share it, or are large, get their own.
    """
    key = signature(model) if size_of(model.variables) <= MAX_BYTES else None
    if key is None:
        return tf.function(
            lambda inputs: model(inputs, training=False),
            reduce_retracing=True,
            autograph=False,
        )
    forward = _forwards(key, lambda: _traced(model))

    def predict(inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        trained = [tf.convert_to_tensor(v) for v in model.trainable_variables]
        others = [tf.convert_to_tensor(v) for v in model.non_trainable_variables]
        return forward(trained, others, dict(inputs))

    return predict


def size_of(variables: list[keras.Variable]) -> int:
    """Returns the number of bytes of variables."""
    return sum(v.value.dtype.size * v.value.shape.num_elements() for v in variables)


def _traced(model: keras.Model) -> Any:
    def spec(values: list[Any]) -> list[tf.TensorSpec]:
        return [tf.TensorSpec(v.shape, v.dtype) for v in values]

    inputs = {
        name: tf.TensorSpec((None, *of.shape[1:]), of.dtype)
        for name, of in model.input.items()
    }

    @tf.function(
        input_signature=[
            spec(model.trainable_variables),
            spec(model.non_trainable_variables),
            inputs,
        ],
        autograph=False,
    )
    def forward(trained: Any, others: Any, inputs: Any) -> tf.Tensor:
        return model.stateless_call(trained, others, inputs, training=False)[0]

    return forward
