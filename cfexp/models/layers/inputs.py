"""The inputs of a model, its embeddings, and the parts that families share."""

from collections.abc import Sequence

import keras

from cfexp.data.encoding import FeatureSpec
from cfexp.models.layers.dropout import Dropout, GenreDropout, IdDropout
from cfexp.models.layers.head import RatingHead
from cfexp.models.layers.padding import Padded, normal
from cfexp.models.layers.sums import L2


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
        found = []
        for kind in ("user", "item"):
            ids, known, rows = self.table(kind)
            table = keras.layers.Embedding(
                rows,
                width,
                embeddings_initializer=Padded(known, normal(stddev)),
                activity_regularizer=L2(l2) if l2 else None,
                name=f"{kind}_{name}",
            )
            found.append(table(ids))
        return found[0], found[1]

    def table(self, kind: str) -> tuple[keras.KerasTensor, int, int]:
        """Returns the indices of a kind, and the used and all rows of its tables.

        Args:
            kind: ``user`` or ``item``.
        """
        features = self.features
        if kind == "user":
            return self.user, features.n_users, features.user_rows
        return self.item, features.n_items, features.item_rows

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
    rows: int | None = None,
    **penalty: keras.regularizers.Regularizer,
) -> keras.KerasTensor:
    """Returns the embeddings of a row's elements, summed with their weights `x`.

    Args:
        x: Weights, shape ``(batch, n_elements)``.
        width: Width of the embeddings.
        name: Name of the layer.
        rows: Number of the first elements that exist, if the others are always 0.
        penalty: Regularizers, as arguments of `keras.layers.Dense`.
    """
    return keras.layers.Dense(
        width,
        use_bias=False,
        kernel_initializer=Padded(rows or int(x.shape[-1]), normal()),
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
