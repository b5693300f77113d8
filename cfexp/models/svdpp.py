"""SVD++: matrix factorisation with the movies that a user rated as a feature."""

from typing import TYPE_CHECKING, ClassVar

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.models.base import EmbedDim, NeuralModel, Penalty, Rate

if TYPE_CHECKING:
    import keras


class Svdpp(NeuralModel):
    """SVD++ (Koren, Factorization Meets the Neighborhood, 2008, eq. 15).

    ``rating = mean + b_u + b_i + q_i . (p_u + |N(u)|^-1/2 sum of y_j over N(u))``

    N(u) are the movies that the user rated in training; while training, without movie
    i itself.

    Attributes:
        embed_dim: Width of the embeddings.
        l2: Penalty of the looked-up embedding rows.
        history_l2: Penalty of all y_j.
        bias_l2: Penalty of the looked-up biases.
        id_dropout: Share of ids shown as unknown in training.
    """

    name: ClassVar[str] = "svdpp"
    has_histories: ClassVar[bool] = True

    embed_dim: EmbedDim = 32
    l2: Penalty = 0.12
    history_l2: Penalty = 0.001
    bias_l2: Penalty = 0.02
    id_dropout: Rate = 0.005

    def build(self, features: FeatureSpec, train: Encoded) -> "keras.Model":
        import keras

        from cfexp.models.layers.inputs import Inputs
        from cfexp.models.layers.sums import RowDots

        inputs = Inputs(features, id_dropout=self.id_dropout)
        user, item = inputs.embed("embedding", self.embed_dim, l2=self.l2)
        implicit = inputs.history(
            "user",
            self.embed_dim,
            regularizer=keras.regularizers.L2(self.history_l2),
        )
        whole = keras.layers.Add(name="user_and_history")([user, implicit])
        product = RowDots(name="dot")([whole, item])
        return inputs.model([product], bias_l2=self.bias_l2, name=self.name)
