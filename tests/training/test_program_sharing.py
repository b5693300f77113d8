"""Folds and seeds share a compiled program."""

from typing import ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_models import by_name, recipe

from cfexp.data.ratings import Ratings
from cfexp.data.splitters import RandomHoldout
from cfexp.models.base import NeuralModel
from cfexp.training.fit import fit_model
from cfexp.training.program import Program
from cfexp.training.program_sharing import (
    can_share,
    program_for,
    shared_programs,
)

# The others hold a table that is as large as a fold has known users and movies.
SHARING = ("dot", "ncf", "deep")


@pytest.mark.slow
@by_name
def test_folds_share_their_program(
    model: NeuralModel, ratings: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other rows, ids, mean and seed; the same results as with a program each."""
    made: list[Program] = []

    def program(*arguments: object) -> Program:
        made.append(Program(*arguments))
        return made[-1]

    monkeypatch.setattr("cfexp.training.engines.Program", program)

    def trained(seed: int) -> list[np.ndarray]:
        split = RandomHoldout(test_size=0.2, valid_size=0.1).split(ratings, seed=seed)
        fitted = fit_model(recipe(model, epochs=2, seed=seed), ratings, split)
        return fitted.scorer.trained()

    if model.name not in SHARING:
        with shared_programs():
            trained(0), trained(1)
        assert len(made) == 2
        return
    alone = [trained(seed) for seed in (0, 1)]
    assert len(made) == 2
    del made[:]
    with shared_programs():
        together = [trained(seed) for seed in (0, 1, 0)]
    assert len(made) == 1
    assert made[0].run_chunk.experimental_get_tracing_count() == 1
    for one, other in zip([*alone, alone[0]], together, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


class Shift(keras.layers.Layer):
    """A layer that does not say what it holds in weights."""

    def __init__(self, rows: float = 0.0, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.rows = rows

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x + self.rows

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "rows": self.rows}


@keras.saving.register_keras_serializable("tests")
class PlainShift(Shift):
    """One that says that it holds nothing there."""

    in_weights: ClassVar[tuple[str, ...]] = ()


class Inherits(PlainShift):
    """One whose base says so."""


def test_layers_that_share_say_so() -> None:
    """One inside another too; and what they do not hold in weights tells apart."""

    def network(*layers: keras.layers.Layer) -> keras.Model:
        seen = keras.Input((1,), name="x")
        return keras.Sequential([seen, *layers], name="same")

    assert can_share(network(keras.layers.Dense(1), PlainShift()))
    assert not can_share(network(Shift()))
    assert not can_share(network(keras.Sequential([Shift()])))
    assert not can_share(network(Inherits()))
    optimizer, made = keras.optimizers.Adam(), []
    with shared_programs():
        for rows in (1.0, 2.0, 1.0):
            net = network(PlainShift(rows, name="shift"))
            made.append(program_for(net, optimizer, 8, object))  # type: ignore[arg-type]
    assert made[0] is made[2] is not made[1]
