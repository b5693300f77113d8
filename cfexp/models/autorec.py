"""AutoRec: an autoencoder of all ratings of a movie, or of a user."""

from typing import TYPE_CHECKING, ClassVar, Literal

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.models.base import NeuralModel, Penalty, Rate, Units

if TYPE_CHECKING:
    import keras


class AutoRec(NeuralModel):
    """AutoRec (Sedhain et al., 2015, eq. 2), with biases.

    ``rating = mean + b_u + b_i + w_u . sigmoid(V r_i + c)`` for ``of=item``, where r_i
    are the movie's training ratings minus the mean; in training without the one to be
    predicted, unlike in the paper, whose autoencoder sees it.

    Attributes:
        of: ``item``, a movie's ratings by all users; or ``user``, a user's ratings of
            all movies.
        units: Width of the hidden layer.
        dropout: Dropout rate of the hidden layer.
        l2: Penalty of the looked-up rows of w, the decoder.
        kernel_l2: Penalty of V, the encoder.
        bias_l2: Penalty of the looked-up biases.
        id_dropout: Share of ids shown as unknown in training.
    """

    name: ClassVar[str] = "autorec"
    has_histories: ClassVar[bool] = True

    of: Literal["item", "user"] = "item"
    units: Units = 256
    dropout: Rate = 0.2
    l2: Penalty = 0.02
    kernel_l2: Penalty = 0.003
    bias_l2: Penalty = 0.02
    id_dropout: Rate = 0.005

    def build(self, features: FeatureSpec, train: Encoded) -> "keras.Model":
        import keras

        from cfexp.models.layers.dropout import Dropout
        from cfexp.models.layers.history import Bias
        from cfexp.models.layers.inputs import Inputs
        from cfexp.models.layers.sums import RowDots

        inputs = Inputs(features, id_dropout=self.id_dropout)
        encoded = inputs.history(
            self.of,
            self.units,
            ratings=True,
            initializer=keras.initializers.GlorotUniform(),
            regularizer=keras.regularizers.L2(self.kernel_l2),
        )
        encoded = Bias(name="encoder_bias")(encoded)
        hidden = keras.layers.Activation("sigmoid", name="sigmoid")(encoded)
        hidden = Dropout(self.dropout, name="dropout")(hidden)
        # Of a movie, one output for each user.
        other = "user" if self.of == "item" else "item"
        decoder = inputs.lookup(other, "decoder", self.units, l2=self.l2)
        product = RowDots(name="dot")([hidden, decoder])
        return inputs.model([product], bias_l2=self.bias_l2, name=self.name)
