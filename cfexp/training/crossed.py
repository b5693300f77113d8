"""Scores of all pairs of some users and movies, in training.

What depends on the user alone, or on the movie alone, is computed once for each, and
dot products are one product of matrices.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from cfexp.models.layers.sums import RowDots

Inputs = Mapping[str, tf.Tensor]


@dataclass(frozen=True)
class _Value:
    """A tensor of users, of movies, or of all ``pairs``: the first user's first."""

    tensor: tf.Tensor
    of: str


@dataclass(frozen=True)
class _Sizes:
    """The number of users and of movies."""

    users: int
    items: int

    def as_pairs(self, value: _Value) -> tf.Tensor:
        """Returns a value of each pair."""
        if value.of == "users":
            return tf.repeat(value.tensor, self.items, axis=0)
        if value.of == "items":
            repeats = [self.users, *[1] * (value.tensor.shape.rank - 1)]
            return tf.tile(value.tensor, repeats)
        return value.tensor


def crossed_scores(model: keras.Model, users: Inputs, items: Inputs) -> tf.Tensor:
    """Returns the outputs for all pairs, in training, shape ``(users, movies)``.

    Args:
        model: The network.
        users: Its inputs that depend on the user, ``user`` one of them.
        items: Its inputs that depend on the movie, ``item`` one of them.
    """
    sizes = _Sizes(int(users["user"].shape[0]), int(items["item"].shape[0]))
    given = {name: _Value(x, "users") for name, x in users.items()}
    given |= {name: _Value(x, "items") for name, x in items.items()}
    inputs = [given[one.name] for one in model.inputs]
    found = model._run_through_graph(
        inputs, operation_fn=lambda operation: _crossing(operation, sizes)
    )
    score = found[0] if isinstance(found, list) else found
    return tf.reshape(sizes.as_pairs(score), [sizes.users, sizes.items])


def _crossing(operation: Any, sizes: _Sizes) -> Callable[..., _Value]:
    """Returns an operation that takes and returns values of users, movies or pairs."""
    context = getattr(operation, "_call_context_args", {})
    training = {"training": True} if "training" in context else {}

    def apply(inputs: _Value | list[_Value], **_: Any) -> _Value:
        values = inputs if isinstance(inputs, list) else [inputs]
        kinds = {value.of for value in values}
        if len(kinds) == 1:
            of, tensors = kinds.pop(), [value.tensor for value in values]
        elif isinstance(operation, RowDots) and "pairs" not in kinds:
            p, q = sorted(values, key=lambda value: value.of, reverse=True)
            dots = tf.matmul(p.tensor, q.tensor, transpose_b=True)
            return _Value(tf.reshape(dots, [-1, 1]), "pairs")
        else:
            of, tensors = "pairs", [sizes.as_pairs(value) for value in values]
        single = not isinstance(inputs, list)
        return _Value(operation(tensors[0] if single else tensors, **training), of)

    return apply
