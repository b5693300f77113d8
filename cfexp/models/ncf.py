"""Neural collaborative filtering with a regression head."""

from typing import TYPE_CHECKING, ClassVar

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.models.base import EmbedDim, NeuralModel, Penalty, Rate, Units

if TYPE_CHECKING:
    import keras


class Ncf(NeuralModel):
    """NeuMF (He et al., Neural Collaborative Filtering, 2017, eq. 12) for ratings.

    ``rating = mean + b_u + b_i + h . [p_u * q_i, mlp([p'_u, q'_i])]``

    Each tower has its own embeddings, as in the paper. Mean and biases replace the
    sigmoid of the paper, which predicts clicks.

    Attributes:
        embed_dim: Width of each tower's embeddings.
        layers: Widths of the MLP tower.
        dropout: Dropout rate of the MLP tower.
        l2: Penalty of the looked-up embedding rows of the GMF tower.
        mlp_l2: Penalty of the looked-up embedding rows of the MLP tower.
        kernel_l2: Penalty of the MLP tower's weights.
        bias_l2: Penalty of the looked-up biases.
        id_dropout: Share of ids shown as unknown in training.
    """

    name: ClassVar[str] = "ncf"
    can_rank: ClassVar[bool] = True

    embed_dim: EmbedDim = 32
    layers: tuple[Units, ...] = (64, 32)
    dropout: Rate = 0.2
    l2: Penalty = 0.12
    mlp_l2: Penalty = 0.1
    kernel_l2: Penalty = 0.01
    bias_l2: Penalty = 0.02
    id_dropout: Rate = 0.005

    def build(self, features: FeatureSpec, train: Encoded) -> "keras.Model":
        import keras

        from cfexp.models.layers.inputs import Inputs, mlp

        inputs = Inputs(features, id_dropout=self.id_dropout)
        gmf_user, gmf_item = inputs.embed("gmf", self.embed_dim, l2=self.l2)
        mlp_user, mlp_item = inputs.embed("mlp", self.embed_dim, l2=self.mlp_l2)
        gmf = keras.layers.Multiply(name="gmf")([gmf_user, gmf_item])
        # The paper's h, in two parts. GMF starts as the dot product; the norm of h is
        # limited to 1, since larger values would only undo the penalty of p_u and q_i.
        gmf = keras.layers.Dense(
            1,
            use_bias=False,
            kernel_initializer="ones",
            kernel_constraint=keras.constraints.MaxNorm(1.0, axis=1),
            name="h_gmf",
        )(gmf)
        tower = mlp(
            keras.layers.Concatenate(name="pair")([mlp_user, mlp_item]),
            self.layers,
            dropout=self.dropout,
            l2=self.kernel_l2,
        )
        tower = keras.layers.Dense(1, use_bias=False, name="h_mlp")(tower)
        return inputs.model([gmf, tower], bias_l2=self.bias_l2, name=self.name)
