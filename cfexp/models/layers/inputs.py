"""The inputs of a model, its embeddings, and the parts that families share."""

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from cfexp.data.encoding import FeatureSpec
from cfexp.models.layers.dropout import Dropout, GenreDropout, IdDropout
from cfexp.models.layers.head import RatingHead


@keras.saving.register_keras_serializable(package="cfexp")
class Padded(keras.initializers.Initializer):
    """Initialises the first rows of a table from a normal distribution, others with 0.

    Args:
        rows: Number of first rows.
        stddev: Standard deviation of their normal distribution.
        seed: Seed. None: drawn from Python's `random`, which
            `keras.utils.set_random_seed` seeds.
    """

    in_weights: ClassVar[tuple[str, ...]] = ("rows", "seed")

    def __init__(self, rows: int, stddev: float, seed: int | None = None):
        self.rows = rows
        self.stddev = stddev
        self.inner = keras.initializers.RandomNormal(stddev=stddev, seed=seed)

    def __call__(self, shape: Any, dtype: Any = None) -> tf.Tensor:
        """Returns a table of `shape`."""
        own = self.inner((self.rows, *shape[1:]), dtype=dtype)
        return tf.pad(own, [[0, shape[0] - self.rows], [0, 0]])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the initializer."""
        seed = self.inner.get_config()["seed"]
        return {"rows": self.rows, "stddev": self.stddev, "seed": seed}


class Inputs:
    """The inputs of a model, with dropout of ids and genres in training.

    Args:
        features: Properties of the training data.
        id_dropout: Share of ids, and of rows' genres, replaced by unknown.

    Attributes:
        by_name: The Keras inputs before dropout.
        user: User indices after dropout, shape ``(batch,)``.
        item: Movie indices after dropout, shape ``(batch,)``.
    """

    def __init__(self, features: FeatureSpec, *, id_dropout: float):
        self.features = features
        self.by_name = {
            "user": keras.Input((), dtype="int32", name="user"),
            "item": keras.Input((), dtype="int32", name="item"),
        }
        self.user = IdDropout(id_dropout, name="user_dropout")(self.by_name["user"])
        self.item = IdDropout(id_dropout, name="item_dropout")(self.by_name["item"])
        self._id_dropout = id_dropout

    def with_genres(self) -> keras.KerasTensor:
        """Adds the input ``genres``; returns it after dropout."""
        genres = keras.Input((self.features.n_genres,), name="genres")
        self.by_name["genres"] = genres
        return GenreDropout(self._id_dropout, name="genre_dropout")(genres)

    def embed(
        self, name: str, width: int, *, l2: float, stddev: float = 0.05
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Returns the users' and movies' embeddings, shape ``(batch, width)`` each.

        Args:
            name: Suffix of the layers' names.
            width: Width of the embeddings.
            l2: Penalty of the squared rows that a batch looks up, so that a row is
                penalised as often as it is used (Funk, 2006, Try This at Home).
            stddev: Standard deviation of the initial values.
        """
        features = self.features
        return tuple(
            keras.layers.Embedding(
                rows,
                width,
                embeddings_initializer=Padded(known, stddev),
                activity_regularizer=keras.regularizers.L2(l2) if l2 else None,
                name=f"{kind}_{name}",
            )(ids)
            for kind, known, rows, ids in (
                ("user", features.n_users, features.user_rows, self.user),
                ("item", features.n_items, features.item_rows, self.item),
            )
        )

    def model(
        self, offsets: list[keras.KerasTensor], *, bias_l2: float, name: str
    ) -> keras.Model:
        """Returns the model ``mean + user bias + item bias + sum of offsets``.

        Args:
            offsets: Terms of shape ``(batch, 1)``.
            bias_l2: Penalty of the looked-up biases.
            name: Name of the model.
        """
        biases = self.embed("bias", 1, l2=bias_l2, stddev=0.0)
        total = keras.layers.Add(name="sum")([*biases, *offsets])
        head = RatingHead(self.features.mean_rating, self.features.scale, name="rating")
        return keras.Model(self.by_name, head(total), name=name)


def weighted_sum(
    x: keras.KerasTensor,
    width: int,
    *,
    name: str,
    **penalty: keras.regularizers.Regularizer,
) -> keras.KerasTensor:
    """Returns the embeddings of a row's elements, summed with their weights `x`.

    Args:
        x: Weights, shape ``(batch, n_elements)``.
        width: Width of the embeddings.
        name: Name of the layer.
        penalty: Regularizers, as arguments of `keras.layers.Dense`.
    """
    return keras.layers.Dense(
        width,
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.05),
        name=name,
        **penalty,
    )(x)


def mlp(
    x: keras.KerasTensor, layers: Sequence[int], *, dropout: float, l2: float
) -> keras.KerasTensor:
    """Returns `x` after ReLU layers of the given widths, each followed by dropout."""
    for i, width in enumerate(layers, start=1):
        x = keras.layers.Dense(
            width,
            activation="relu",
            kernel_initializer="he_normal",
            kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
            name=f"dense_{i}",
        )(x)
        x = Dropout(dropout, name=f"dropout_{i}")(x)
    return x
