"""Traced prediction functions, one for all networks of an architecture, and inputs."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

import cfexp.models.layers  # noqa: F401  (registers all layers)
from cfexp.data.encoding import Encoded, FloatArray
from cfexp.models.signature import signature
from cfexp.runtime.building import one_at_a_time
from cfexp.runtime.memo import Memo

Predict = Callable[[Mapping[str, tf.Tensor]], tf.Tensor]

# A traced function keeps the weights of its first network, too.
MAX_BYTES = 50_000_000
CHUNK = 65_536  # rows whose values within a network are computed at once
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

    # Else each call would look it up, which takes as long as to predict some rows.
    return forward.get_concrete_function()


def model_inputs(
    model: keras.Model, data: Encoded, rows: npt.NDArray[np.int32] | slice
) -> dict[str, npt.NDArray[Any]]:
    """Returns the inputs of `model` for some rows, by name."""
    inputs: dict[str, npt.NDArray[Any]] = {
        "user": data.user[rows],
        "item": data.item[rows],
    }
    if "target" in model.input:
        inputs["target"] = data.rating[rows]
    if "slot" in model.input:  # of training
        inputs["slot"] = np.zeros_like(inputs["user"])
    columns, tables = data.columns, data.tables
    for name in tables.keys() & model.input.keys():
        inputs[name] = tables[name][columns[name][rows]]
    return inputs


def tensor_values(
    network: keras.Model, tensors: list[Any], rows: Encoded
) -> FloatArray:
    """Returns values within a network, shape ``(n, widths together)``.

    Args:
        network: The network.
        tensors: Its tensors, shape ``(batch, width)`` each, to be put side by side.
        rows: The rows to compute them for.
    """
    if not tensors:
        return np.empty((len(rows), 0), np.float32)
    with one_at_a_time:
        part = keras.Model(network.input, dict(enumerate(tensors)))
    found = []
    for start in range(0, len(rows) or 1, CHUNK):
        inputs = model_inputs(network, rows, slice(start, start + CHUNK))
        outputs = part(inputs, training=False)
        found.append(np.concatenate([outputs[i] for i in range(len(tensors))], 1))
    return np.concatenate(found)
