"""AutoRec: an autoencoder of all ratings of a movie, or of a user."""

from typing import TYPE_CHECKING, ClassVar, Literal

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.models.base import NeuralModel, Penalty, Rate, Units

if TYPE_CHECKING:
    import keras


class AutoRec(NeuralModel):
    """AutoRec (Sedhain et al., 2015, eq. 2), with biases and dropout.

    ``rating = mean + b_u + b_i + w_u . sigmoid(V r_i + c)`` for ``of=item``, where r_i
    are the movie's training ratings, scaled to 1 to 5, and 0 where there is none.
    Trained by whole rows of the matrix: a batch has all ratings of some movies, or
    users, about ``training.batch_size`` ratings in all. To leave out the rating to be
    predicted instead, exactly, was less accurate and slower: see
    ``docs/models.md``.

    Attributes:
        of: ``item``, a movie's ratings by all users; or ``user``, a user's ratings of
            all movies.
        units: Width of the hidden layer.
        input_dropout: Share of a row's ratings that are left out of the input, so that
            ratings are predicted from others.
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
    input_dropout: Rate = 0.5
    dropout: Rate = 0.5
    l2: Penalty = 0.1
    kernel_l2: Penalty = 0.0003
    bias_l2: Penalty = 0.02
    id_dropout: Rate = 0.005

    def build(self, features: FeatureSpec, train: Encoded) -> "keras.Model":
        import keras

        from cfexp.models.layers.autoencoder import per_rating, row_sums
        from cfexp.models.layers.bias import Bias
        from cfexp.models.layers.dropout import Dropout
        from cfexp.models.layers.inputs import Inputs
        from cfexp.models.layers.sums import RowDots

        inputs = Inputs(features, id_dropout=self.id_dropout)
        encoded = row_sums(
            inputs,
            self.of,
            self.units,
            rate=self.input_dropout,
            l2=self.kernel_l2,
            id_dropout=self.id_dropout,
        )
        encoded = Bias(name="encoder_bias")(encoded)
        hidden = keras.layers.Activation("sigmoid", name="sigmoid")(encoded)
        hidden = per_rating(inputs, Dropout(self.dropout, name="dropout")(hidden))
        # Of a movie, one output for each user.
        other = "user" if self.of == "item" else "item"
        decoder = inputs.lookup(other, "decoder", self.units, l2=self.l2)
        product = RowDots(name="dot")([hidden, decoder])
        return inputs.model([product], bias_l2=self.bias_l2, name=self.name)
