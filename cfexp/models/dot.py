"""Matrix factorisation: the dot product of user and movie embeddings."""

from typing import TYPE_CHECKING, ClassVar

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.models.base import EmbedDim, NeuralModel, Penalty, Rate

if TYPE_CHECKING:
    import keras


class Dot(NeuralModel):
    """Biased matrix factorisation (Koren, Bell and Volinsky, 2009, eq. 4).

    ``rating = mean + b_u + b_i + p_u . q_i``

    Attributes:
        embed_dim: Width of the embeddings.
        l2: Penalty of the looked-up embedding rows.
        bias_l2: Penalty of the looked-up biases.
        id_dropout: Share of ids shown as unknown in training.
    """

    name: ClassVar[str] = "dot"
    can_rank: ClassVar[bool] = True

    embed_dim: EmbedDim = 32
    l2: Penalty = 0.12
    bias_l2: Penalty = 0.02
    id_dropout: Rate = 0.005

    def build(self, features: FeatureSpec, train: Encoded) -> "keras.Model":
        from cfexp.models.layers.inputs import Inputs
        from cfexp.models.layers.sums import RowDots

        inputs = Inputs(features, id_dropout=self.id_dropout)
        user, item = inputs.embed("embedding", self.embed_dim, l2=self.l2)
        product = RowDots(name="dot")([user, item])
        return inputs.model([product], bias_l2=self.bias_l2, name=self.name)
