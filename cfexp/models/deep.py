"""Deep MLP over the embeddings of user and movie, genres included."""

from typing import TYPE_CHECKING, ClassVar

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.models.base import EmbedDim, NeuralModel, Penalty, Rate, Units

if TYPE_CHECKING:
    import keras


class Deep(NeuralModel):
    """Wide & Deep (Cheng et al., 2016, eq. 3): a wide linear part and a deep tower.

    ``rating = mean + b_u + b_i + p_u . q_i + h . mlp([p_u, q_i, p_u * q_i])``, where
    ``b_i`` and ``q_i`` are sums of those of the movie and of its genres, which is all
    that is known of a new movie.

    Attributes:
        embed_dim: Width of the embeddings.
        layers: Widths of the tower.
        dropout: Dropout rate of the tower.
        l2: Penalty of the looked-up embedding rows.
        kernel_l2: Penalty of the tower's weights.
        bias_l2: Penalty of the looked-up biases.
        id_dropout: Share of ids and features shown as unknown in training.
    """

    name: ClassVar[str] = "deep"
    can_rank: ClassVar[bool] = True
    item_features: ClassVar[tuple[str, ...]] = ("genres",)

    embed_dim: EmbedDim = 32
    layers: tuple[Units, ...] = (128, 64)
    dropout: Rate = 0.3
    l2: Penalty = 0.12
    kernel_l2: Penalty = 0.01
    bias_l2: Penalty = 0.02
    id_dropout: Rate = 0.005

    def build(self, features: FeatureSpec, train: Encoded) -> "keras.Model":
        import keras

        from cfexp.models.layers.inputs import Inputs, mlp
        from cfexp.models.layers.sums import RowDots

        inputs = Inputs(features, id_dropout=self.id_dropout)
        user, item = inputs.embed("embedding", self.embed_dim, l2=self.l2)
        product = keras.layers.Multiply(name="product")([user, item])
        both = keras.layers.Concatenate(name="pair")([user, item, product])
        tower = mlp(both, self.layers, dropout=self.dropout, l2=self.kernel_l2)
        dot = RowDots(name="dot")([user, item])
        head = keras.layers.Dense(1, use_bias=False, name="h")(tower)
        return inputs.model([dot, head], bias_l2=self.bias_l2, name=self.name)
