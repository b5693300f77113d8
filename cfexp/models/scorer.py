"""A trained Keras model that predicts encoded rows."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cfexp.data.encoding import Encoded
from cfexp.errors import ConfigError
from cfexp.models.base import Factors
from cfexp.models.factors import factors_of as network_factors
from cfexp.models.foldable import FoldIn
from cfexp.models.folding import Folding
from cfexp.models.forward import Predict, forward_of, model_inputs
from cfexp.models.item_vectors import item_vectors
from cfexp.models.keras_attributes import remember_attributes
from cfexp.models.layers.head import RatingHead
from cfexp.models.layers.padding import unused
from cfexp.models.layers.ranking import RankingHead
from cfexp.models.signature import named_parts
from cfexp.runtime.building import one_at_a_time

CHUNK = 65_536


class KerasScorer:
    """Predicts ratings with a Keras model.

    Args:
        model: A model built by `NeuralModel.build`.
    """

    FILE = "model.keras"

    def __init__(self, model: keras.Model):
        self.model = model
        self._predict: Predict | None = None
        self._score: Predict | None = None

    @property
    def n_parameters(self) -> int:
        """Number of trainable weights, without the unused rows of padded tables."""
        found = sum(int(np.prod(v.shape)) for v in self.model.trainable_variables)
        return found - sum(unused(layer) for layer in self.model.layers)

    def predict(self, rows: Encoded) -> npt.NDArray[np.float64]:
        """Returns ratings within the scale, shape ``(n,)``."""
        # When first used; a `cached_property` would hold a lock that all scorers share.
        forward = self._predict = self._predict or forward_of(self.model)
        return self._values(forward, rows)

    def scores(self, rows: Encoded) -> npt.NDArray[np.float64]:
        """Returns ratings that are not cut to the scale, shape ``(n,)``."""
        # Once for all blocks of users whose movies are ranked.
        self._score = self._score or forward_of(unclipped(self.model))
        return self._values(self._score, rows)

    def factors(self, users: Encoded, items: Encoded) -> Factors | None:
        """Returns the vectors whose products are the scores; None if there are none."""
        return network_factors(unclipped(self.model), users, items)

    def folding(self, movies: Encoded) -> FoldIn:
        """Returns a function that fits the vectors of a new user; see `Folding`."""
        folding = Folding(self.model, movies)
        found = type(self)(folding.network)

        def fold_in(rows: Encoded, *, near: bool = False) -> "KerasScorer":
            folding.fit(rows, near=near)
            return found

        return fold_in

    def item_vectors(self, items: Encoded) -> npt.NDArray[np.float32] | None:
        """Returns the movies' embeddings side by side, None if it has none."""
        return item_vectors(self.model, items)

    def _values(self, forward: Predict, rows: Encoded) -> npt.NDArray[np.float64]:
        rating = np.empty(len(rows))
        for start in range(0, len(rows), CHUNK):
            part = slice(start, start + CHUNK)
            inputs = {
                name: tf.constant(values)
                for name, values in model_inputs(self.model, rows, part).items()
            }
            rating[part] = forward(inputs).numpy()[:, 0]
        return rating

    def trained(self) -> list[npt.NDArray[Any]]:
        """Returns all trainable weights."""
        return [v.numpy() for v in self.model.trainable_variables]

    def save(self, folder: Path) -> None:
        """Writes the model into `folder`, in the Keras format, without pickle."""
        remember_attributes()
        self.model.save(folder / self.FILE)

    def parts(self) -> list[Any]:
        """Returns the registered classes and functions that the network names."""
        return [part for part in named_parts(self.model.get_config()) if part]

    @classmethod
    def load(cls, folder: Path) -> "KerasScorer":
        """Reads a model written by `save`; see `cfexp.runtime.building`."""
        with one_at_a_time:  # MLflow, too, loads models in a thread of its own
            remember_attributes()
            return cls(keras.saving.load_model(folder / cls.FILE, compile=False))


def unclipped(model: keras.Model) -> keras.Model:
    """Returns a network without its last layer, if that cuts ratings to the scale."""
    head = model.layers[-1]
    if not isinstance(head, RatingHead | RankingHead):
        return model
    with one_at_a_time:
        return keras.Model(model.input, head.input, name=model.name)


def check_loadable(network: keras.Model) -> None:
    """Checks, before it is trained, that a network can be loaded by another process.

    Raises:
        ConfigError: A class of it is not registered, or it holds Python code.
    """
    layers = list(network._flatten_layers(include_self=False))
    said = f"model={network.name} could not be loaded again:"
    for layer in layers:
        if isinstance(layer, keras.layers.Lambda):
            raise ConfigError(
                f"{said} its layer {layer.name} is a Lambda, whose Python code Keras"
                " does not load. Write a class of keras.layers.Layer instead"
            )
    if None in named_parts(network.get_config()):
        registered = set(keras.saving.get_custom_objects().values())
        names = {
            type(layer).__name__
            for layer in layers
            if not type(layer).__module__.startswith("keras.")
            and type(layer) not in registered
        }
        raise ConfigError(
            f"{said} {', '.join(sorted(names)) or 'a part of it'} is not registered"
            " with Keras. Write @keras.saving.register_keras_serializable() above the"
            " class"
        )
