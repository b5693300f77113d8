"""The inputs of a model, its embeddings, and the parts that families share."""

from collections.abc import Sequence

import keras

from cfexp.data.encoding import FeatureSpec, feature_input
from cfexp.models.layers.dropout import Dropout, IdDropout
from cfexp.models.layers.features import FeatureDropout, FeatureEmbedding
from cfexp.models.layers.head import RatingHead
from cfexp.models.layers.history import HistorySum
from cfexp.models.layers.ordinal import OrdinalHead
from cfexp.models.layers.padding import Padded, normal
from cfexp.models.layers.ranking import RankingHead
from cfexp.models.layers.sums import L2

# Whose embedding a feature adds to: the rating's own, such as its day, to the user's.
SIDE = {"user": "user", "item": "item", "row": "user"}


class Inputs:
    """The inputs of a model, with dropout of ids and features in training.

    Args:
        features: Properties of the training data.
        id_dropout: Share of ids, and of each feature, replaced by unknown.

    Attributes:
        by_name: The Keras inputs before dropout; those of features come after the ids.
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
        self._values: dict[str, list[keras.KerasTensor]] = {"user": [], "item": []}
        self._sizes: dict[str, list[int]] = {"user": [], "item": []}
        for number, size in enumerate(features.features.values()):
            name = feature_input(number)
            self.by_name[name] = keras.Input((None,), dtype="int32", name=name)
            dropout = FeatureDropout(id_dropout, name=f"{name}_dropout")
            kind = SIDE[size.of]
            self._values[kind].append(dropout(self.by_name[name]))
            self._sizes[kind].append(size.rows)

    def embed(
        self, name: str, width: int, *, l2: float, stddev: float = 0.05
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Returns the users' and movies' embeddings, shape ``(batch, width)`` each.

        Each is the sum of the embeddings of the id and of the features.

        Args:
            name: Suffix of the layers' names.
            width: Width of the embeddings.
            l2: Penalty of the squared rows that a batch looks up, so that a row is
                penalised as often as it is used (Funk, 2006, Try This at Home).
            stddev: Standard deviation of the initial values.
        """
        found = []
        for kind in ("user", "item"):
            # An initializer each, lest both get the same values.
            ids = self.lookup(kind, name, width, l2=l2, initializer=normal(stddev))
            found.append(self._with_features(kind, ids, name, l2, stddev))
        return found[0], found[1]

    def lookup(
        self,
        kind: str,
        name: str,
        width: int,
        *,
        l2: float = 0.0,
        initializer: keras.initializers.Initializer | None = None,
    ) -> keras.KerasTensor:
        """Returns the embeddings of one kind, ``user`` or ``item``; see `embed`."""
        ids, known, rows = self.table(kind)
        return keras.layers.Embedding(
            rows,
            width,
            embeddings_initializer=Padded(known, initializer or normal()),
            activity_regularizer=L2(l2) if l2 else None,
            name=f"{kind}_{name}",
        )(ids)

    def _with_features(
        self, kind: str, ids: keras.KerasTensor, name: str, l2: float, stddev: float
    ) -> keras.KerasTensor:
        """Returns the sum of the embeddings of ids and their features, if any."""
        if not self._values[kind]:
            return ids
        factor = self.features.user_l2 if kind == "user" else self.features.item_l2
        features = FeatureEmbedding(
            self._sizes[kind],
            int(ids.shape[-1]),
            l2=l2 * factor,
            stddev=stddev,
            name=f"{kind}_features_{name}",
        )(self._values[kind])
        return keras.layers.Add(name=f"{kind}_and_features_{name}")([ids, features])

    def table(self, kind: str) -> tuple[keras.KerasTensor, int, int]:
        """Returns the indices of a kind, and the used and all rows of its tables.

        Args:
            kind: ``user`` or ``item``.
        """
        features = self.features
        if kind == "user":
            return self.user, features.n_users, features.user_rows
        return self.item, features.n_items, features.item_rows

    def history(
        self,
        of: str,
        width: int,
        *,
        initializer: keras.initializers.Initializer | None = None,
        regularizer: keras.regularizers.Regularizer | None = None,
    ) -> keras.KerasTensor:
        """Returns the sums of vectors over histories, shape ``(batch, width)``.

        Args:
            of: ``user``: over the movies that a user rated; ``item``: over the users
                that rated a movie.
            width: Width of the vectors.
            initializer: Initialises the vectors.
            regularizer: Penalty of all vectors.
        """
        other = "item" if of == "user" else "user"
        index, _, rows = self.table(of)
        _, known, others = self.table(other)
        layer = HistorySum(
            of=of,
            size=(rows, others, width),
            initializer=Padded(known, initializer or normal()),
            regularizer=regularizer,
            name=f"{of}_history",
        )
        return layer([index, self.by_name[other]])

    def model(
        self, offsets: list[keras.KerasTensor], *, bias_l2: float, name: str
    ) -> keras.Model:
        """Returns the model ``mean + user bias + item bias + sum of offsets``.

        With an ordinal loss the sum of biases and offsets is a latent rating; with a
        loss of rankings it is the output, without the mean.

        Args:
            offsets: Terms of shape ``(batch, 1)``.
            bias_l2: Penalty of the looked-up biases.
            name: Name of the model.
        """
        biases = self.embed("bias", 1, l2=bias_l2, stddev=0.0)
        total = keras.layers.Add(name="sum")([*biases, *offsets])
        return keras.Model(self.by_name, self._head()(total), name=name)

    def _head(self) -> keras.layers.Layer:
        features = self.features
        if (ranking := features.ranking) is not None:
            return RankingHead(
                ranking.loss,
                ranking.negatives,
                by_popularity=ranking.by_popularity,
                item_rows=features.item_rows,
                name="score",
            )
        if features.levels:
            return OrdinalHead(features.levels, features.shares, name="rating")
        return RatingHead(features.mean_rating, features.scale, name="rating")


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
