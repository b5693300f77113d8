"""What equal networks are, that share a traced or compiled program."""

import dataclasses
from typing import ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_models import by_name, named

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.features import Declared
from cfexp.data.ratings import Ratings
from cfexp.models.base import NeuralModel
from cfexp.models.signature import can_share, numbers_of, replaced, signature


class Shift(keras.layers.Layer):
    """A layer that does not say what it holds in weights."""

    def __init__(self, by: float = 0.0, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.by = by

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x + self.by

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "by": self.by}


@keras.saving.register_keras_serializable("tests")
class PlainShift(Shift):
    """One that says that it holds nothing there."""

    in_weights: ClassVar[tuple[str, ...]] = ()


@keras.saving.register_keras_serializable("tests")
class NumberShift(Shift):
    """One whose shift may be a tensor."""

    in_weights: ClassVar[tuple[str, ...]] = ()
    numbers: ClassVar[tuple[str, ...]] = ("by",)


class Inherits(PlainShift):
    """One whose base says so."""


class Hides(PlainShift):
    """One with a regularizer where nobody looks for it."""

    in_weights: ClassVar[tuple[str, ...]] = ()

    def get_config(self) -> dict[str, object]:
        own = keras.regularizers.serialize(keras.regularizers.L2(self.by))
        return {**super().get_config(), "hidden": own}


def network(*layers: keras.layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((1,), name="x"), *layers], name="same")


def test_layers_that_share_say_so() -> None:
    """One inside another too."""
    assert can_share(network(keras.layers.Dense(1), PlainShift()))
    for other in (Shift(), keras.Sequential([Shift()]), Inherits()):
        assert not can_share(network(other))
        assert signature(network(other)) is None


@pytest.mark.parametrize("kind", [PlainShift, NumberShift])
def test_only_numbers_may_differ(kind: type[Shift]) -> None:
    one, other, same, zero = (
        signature(network(kind(by, name="shift"))) for by in (1.0, 2.0, 1.0, 0.0)
    )
    assert one == same != zero
    assert (one == other) is (kind is NumberShift)


def test_a_number_out_of_sight_is_not_shared() -> None:
    assert signature(network(Hides(1.0))) is None


def test_a_class_that_is_defined_again_is_another_one() -> None:
    """As in a notebook, whose cell is run again after a change."""

    def again() -> keras.layers.Layer:
        @keras.saving.register_keras_serializable("tests", name="Again")
        class Again(PlainShift):
            in_weights: ClassVar[tuple[str, ...]] = ()

        return Again(1.0, name="shift")

    assert signature(network(again())) != signature(network(again()))


def test_numbers_are_replaced_and_restored() -> None:
    layer = keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(0.5))
    rate = keras.optimizers.schedules.CosineDecay(0.1, 30)
    numbers = numbers_of(network(layer), keras.optimizers.AdamW(rate))
    values = [number.value for number in numbers]
    assert values == [0.5, 0.004, 0.1, 30]
    with replaced(numbers, range(4)):
        assert [number.value for number in numbers] == list(range(4))
    assert [number.value for number in numbers] == values


@by_name
def test_families_share(model: NeuralModel, ratings: Ratings) -> None:
    """Penalties, dropout and learning rates are numbers; other sizes are not."""
    encoder = FeatureEncoder.fit(ratings, np.arange(500))
    rows = encode(ratings, encoder, np.arange(500))

    def of(model: NeuralModel, rate: float) -> object:
        keras.utils.clear_session(free_memory=False)
        optimizer = keras.optimizers.Adam(rate)
        return signature(model.build(encoder.spec, rows), optimizer)

    numbers = {"l2", "bias_l2", "mlp_l2", "history_l2", "kernel_l2", "sparsity"}
    numbers |= {"id_dropout", "dropout"}
    changed = {
        n: getattr(model, n) * 1.5 for n in numbers & type(model).model_fields.keys()
    }
    assert of(model, 0.1) == of(model.replace(**changed), 0.2) is not None
    size = "embed_dim" if hasattr(model, "embed_dim") else "units"
    assert of(model, 0.1) != of(model.replace(**{size: 5}), 0.1)
    assert of(model, 0.1) != of(model.replace(bias_l2=0.0), 0.1)


def test_features_are_part_of_it(ratings: Ratings) -> None:
    """But not their values in the training rows, nor their penalty."""
    genres = (Declared("item", "genres"), Declared("row", "day"))

    def of(rows: int, *declared: Declared, l2: float = 1.0) -> object:
        keras.utils.clear_session(free_memory=False)
        encoder = FeatureEncoder.fit(ratings, np.arange(rows), declared)
        encoded = encode(ratings, encoder, np.arange(rows))
        spec = dataclasses.replace(encoder.spec, item_l2=l2)
        return signature(named("dot").build(spec, encoded))

    assert of(500, *genres) == of(60, *genres, l2=2.0) != of(500)
    assert of(500, genres[0]) != of(500, genres[1])
