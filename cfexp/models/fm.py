"""A factorisation machine over users, movies, genres and history; or DeepFM."""

from typing import TYPE_CHECKING, ClassVar

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.models.base import EmbedDim, NeuralModel, Penalty, Rate, Units

if TYPE_CHECKING:
    import keras


class Fm(NeuralModel):
    """DeepFM (Guo et al., 2017); with no `layers`, FM (Rendle, 2010, eq. 1).

    ``rating = mean + b_u + b_i + w . g_i + sum of v_a . v_b over pairs + mlp([v...])``

    The vectors v are those of the user, the movie, its genres (their mean), and the
    other movies the user rated, as in SVD++.

    Attributes:
        embed_dim: Width of the vectors.
        layers: Widths of the tower; empty for a plain factorisation machine.
        dropout: Dropout rate of the tower.
        l2: Penalty of the looked-up vectors.
        history_l2: Penalty of all vectors of the history.
        kernel_l2: Penalty of the tower's weights.
        bias_l2: Penalty of the looked-up biases.
        id_dropout: Share of ids and features shown as unknown in training.
    """

    name: ClassVar[str] = "fm"
    item_features: ClassVar[tuple[str, ...]] = ("genres",)
    has_histories: ClassVar[bool] = True

    embed_dim: EmbedDim = 32
    layers: tuple[Units, ...] = (64, 32)
    dropout: Rate = 0.3
    l2: Penalty = 0.12
    history_l2: Penalty = 0.003
    kernel_l2: Penalty = 0.01
    bias_l2: Penalty = 0.02
    id_dropout: Rate = 0.005

    def build(self, features: FeatureSpec, train: Encoded) -> "keras.Model":
        import keras

        from cfexp.models.layers.inputs import Inputs, mlp
        from cfexp.models.layers.products import PairwiseProducts

        inputs = Inputs(features, id_dropout=self.id_dropout)
        history = inputs.history(
            "user",
            self.embed_dim,
            regularizer=keras.regularizers.L2(self.history_l2),
        )
        vectors = [*inputs.embed("embedding", self.embed_dim, l2=self.l2)]
        vectors.append(history)
        offsets = [PairwiseProducts(name="pairs")(vectors)]
        if self.layers:
            every = keras.layers.Concatenate(name="vectors")(vectors)
            tower = mlp(every, self.layers, dropout=self.dropout, l2=self.kernel_l2)
            offsets.append(keras.layers.Dense(1, use_bias=False, name="h")(tower))
        return inputs.model(offsets, bias_l2=self.bias_l2, name=self.name)
