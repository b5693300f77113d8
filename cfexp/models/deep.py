"""Deep MLP over user, movie and genre features."""

from typing import TYPE_CHECKING, ClassVar

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.models.base import EmbedDim, NeuralModel, Penalty, Rate, Units

if TYPE_CHECKING:
    import keras


class Deep(NeuralModel):
    """Wide & Deep (Cheng et al., 2016, eq. 3): a wide linear part and a deep tower.

    ``rating = mean + b_u + b_i + p_u . (q_i + g_i) + h . mlp([p_u, q_i, g_i, p_u * (q_i
    + g_i)])``, with ``g_i`` the mean embedding of the movie's genres, which is all that
    is known of a new movie.

    Attributes:
        embed_dim: Width of the user, movie and genre embeddings.
        layers: Widths of the tower.
        dropout: Dropout rate of the tower.
        l2: Penalty of the looked-up embedding rows.
        kernel_l2: Penalty of the tower's weights.
        bias_l2: Penalty of the looked-up biases.
        id_dropout: Share of ids and genres shown as unknown in training.
    """

    name: ClassVar[str] = "deep"

    embed_dim: EmbedDim = 32
    layers: tuple[Units, ...] = (128, 64)
    dropout: Rate = 0.3
    l2: Penalty = 0.12
    kernel_l2: Penalty = 0.01
    bias_l2: Penalty = 0.02
    id_dropout: Rate = 0.005

    def build(self, features: FeatureSpec, train: Encoded) -> "keras.Model":
        import keras

        from cfexp.models.layers.genres import GenreMean
        from cfexp.models.layers.inputs import Inputs, mlp, weighted_sum
        from cfexp.models.layers.sums import L2, RowDots

        inputs = Inputs(features, id_dropout=self.id_dropout)
        genres = GenreMean(name="genre_mean")(inputs.with_genres())
        user, item = inputs.embed("embedding", self.embed_dim, l2=self.l2)
        genre = weighted_sum(
            genres,
            self.embed_dim,
            name="genre_embedding",
            activity_regularizer=L2(self.l2),
        )
        movie = keras.layers.Add(name="movie")([item, genre])
        product = keras.layers.Multiply(name="product")([user, movie])
        features_ = keras.layers.Concatenate(name="features")(
            [user, item, genre, product]
        )
        tower = mlp(features_, self.layers, dropout=self.dropout, l2=self.kernel_l2)
        dot = RowDots(name="dot")([user, movie])
        head = keras.layers.Dense(1, use_bias=False, name="h")(tower)
        return inputs.model([dot, head], bias_l2=self.bias_l2, name=self.name)
