"""Factors of users and movies whose dot products are the scores of a network.

All scores of some users are then one product of matrices, without a look-up per pair.
"""

from typing import Any

import keras
import numpy as np

from cfexp.data.encoding import Encoded, feature_input
from cfexp.models.base import Factors
from cfexp.models.forward import tensor_values
from cfexp.models.layers.history import HistorySum
from cfexp.models.layers.sums import RowDots


def factors_of(network: keras.Model, users: Encoded, items: Encoded) -> Factors | None:
    """Returns the factors whose dot products are a network's output; None without.

    Its output must be a sum of terms of the user, of the movie, and `RowDots` of both.

    Args:
        network: The network, without a last layer that cuts ratings to the scale.
        users: A row for each user; its movie does not count.
        items: A row for each movie; its user does not count.
    """
    features = enumerate(items.features.values())
    own = {"item", *(feature_input(n) for n, one in features if one.of == "item")}
    biases: dict[str | None, list[Any]] = {"user": [], "item": []}
    vectors: dict[str | None, list[Any]] = {"user": [], "item": []}
    for term in _terms(network.outputs[0]):
        if side := _side(term, own):
            biases[side].append(term)
        elif pair := _pair(term, own):
            for side, vector in pair.items():
                vectors[side].append(vector)
        else:
            return None
    sides = (("user", users), ("item", items))
    p, q = (tensor_values(network, vectors[side], rows) for side, rows in sides)
    each = (tensor_values(network, biases[side], rows) for side, rows in sides)
    b, c = (values.sum(1, keepdims=True) for values in each)
    return np.hstack([p, b, np.ones_like(b)]), np.hstack([q, np.ones_like(c), c])


def _terms(tensor: Any) -> list[Any]:
    """Returns the terms of a sum."""
    operation, node = _made_by(tensor)
    if not isinstance(operation, keras.layers.Add):
        return [tensor]
    return [term for each in node.input_tensors for term in _terms(each)]


def _pair(term: Any, own: set[str]) -> dict[str | None, Any]:
    """Returns the vectors of the user and the movie of a dot product; else nothing."""
    operation, node = _made_by(term)
    found = {_side(each, own): each for each in node.input_tensors}
    both = found.keys() == {"user", "item"}
    return found if both and isinstance(operation, RowDots) else {}


def _side(tensor: Any, own: set[str]) -> str | None:
    """Returns whose alone a tensor is; None if of both. `own`: the movies' inputs."""
    inputs = _inputs(tensor)
    mine = "item" if inputs <= own else None
    return mine if inputs & own else "user"


def _inputs(tensor: Any) -> set[str]:
    """Returns the names of the inputs that a tensor depends on."""
    operation, node = _made_by(tensor)
    if not node.input_tensors:
        return {operation.name}
    # The other side tells which element is left out of a history: only in training.
    last = 1 if isinstance(operation, HistorySum) else None
    return set[str]().union(*map(_inputs, node.input_tensors[:last]))


def _made_by(tensor: Any) -> tuple[Any, Any]:
    """Returns the operation that made a tensor, and its node in the graph."""
    operation, index, _ = tensor._keras_history
    return operation, operation._inbound_nodes[index]
