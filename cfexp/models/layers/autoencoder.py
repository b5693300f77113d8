"""The first and the last step of autoencoders of rows of the rating matrix."""

from typing import Any

import keras

from cfexp.models.layers.inputs import Inputs
from cfexp.models.layers.padding import Padded
from cfexp.models.layers.row_sums import PerRating, RowDropout, RowSum


def row_sums(
    inputs: Inputs,
    of: str,
    width: int,
    *,
    id_dropout: float,
    kind: type[RowSum] = RowSum,
    **how: Any,
) -> keras.KerasTensor:
    """Returns the sums of vectors over the ratings of rows, see `RowSum`.

    Args:
        inputs: The model's inputs, which get two more, ``target`` and ``slot``.
        of: ``item``: a row is a movie; ``user``: a user.
        width: Width of the vectors.
        id_dropout: Share of rows shown as unknown in training.
        kind: `RowSum`, or a class derived from it.
        how: Its further arguments, such as ``rate`` and ``l2``.
    """
    inputs.by_name["target"] = keras.Input((), name="target")
    inputs.by_name["slot"] = keras.Input((), dtype="int32", name="slot")
    other = "item" if of == "user" else "user"
    rows, (_, known, others) = inputs.table(of)[2], inputs.table(other)
    layer = kind(
        of=of,
        size=(rows, others, width),
        scale=inputs.features.scale,
        initializer=Padded(known, keras.initializers.GlorotUniform()),
        name=f"{of}_sum",
        **how,
    )
    found = layer([inputs.by_name[name] for name in (of, other, "target", "slot")])
    return RowDropout(id_dropout, name=f"{of}_sum_dropout")(found)


def per_rating(inputs: Inputs, hidden: keras.KerasTensor) -> keras.KerasTensor:
    """Returns what was computed of rows, once for each rating of a batch.

    Args:
        inputs: The model's inputs.
        hidden: Hidden values of rows.
    """
    return PerRating(name="per_rating")([hidden, inputs.by_name["slot"]])
