"""Deep MLP over user, movie and genre features."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.models.base import WIDEST, NeuralModel
from cfexp.spec import number

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, kw_only=True)
class Deep(NeuralModel):
    """Wide & Deep (Cheng et al., 2016): a wide linear part and a deep tower.

    ``rating = mean + b_u + b_i + mlp([p_u, q_i, g_i, p_u * (q_i + g_i)])``

    with ``g_i`` the mean of the embeddings of the movie's genres, so that a new
    movie is placed by its genres.

    Attributes:
        embed_dim: Width of the user, movie and genre embeddings.
        layers: Widths of the tower.
        dropout: Dropout rate of the tower.
        l2: Penalty of the looked-up embedding rows.
        kernel_l2: Penalty of the tower's weights.
        bias_l2: Penalty of the looked-up biases.
        id_dropout: Share of ids and genres shown as unknown in training.
    """

    embed_dim: int = number(ge=1, le=4096)
    layers: list[int] = number(ge=1, le=WIDEST)
    dropout: float = number(ge=0, lt=1)
    l2: float = number(ge=0)
    kernel_l2: float = number(ge=0)
    bias_l2: float = number(ge=0)
    id_dropout: float = number(ge=0, lt=1)

    def build(self, features: FeatureSpec, train: Encoded) -> "keras.Model":
        import keras

        from cfexp.models.layers.genres import GenreMean
        from cfexp.models.layers.inputs import Inputs, mlp, weighted_sum

        inputs = Inputs(features, id_dropout=self.id_dropout)
        genres = GenreMean(name="genre_mean")(inputs.with_genres())
        user, item = inputs.embed("embedding", self.embed_dim, l2=self.l2)
        genre = weighted_sum(
            genres,
            self.embed_dim,
            name="genre_embedding",
            activity_regularizer=keras.regularizers.L2(self.l2),
        )
        movie = keras.layers.Add(name="movie")([item, genre])
        product = keras.layers.Multiply(name="product")([user, movie])
        features_ = keras.layers.Concatenate(name="features")(
            [user, item, genre, product]
        )
        tower = mlp(features_, self.layers, dropout=self.dropout, l2=self.kernel_l2)
        dot = keras.layers.Dot(axes=-1, name="dot")([user, movie])
        head = keras.layers.Dense(1, use_bias=False, name="h")(tower)
        return inputs.model([dot, head], bias_l2=self.bias_l2, name=self.name)
