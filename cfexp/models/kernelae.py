"""A kernel autoencoder: AutoRec with weights that decrease with a learned distance."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.models.base import NeuralModel, Penalty, Rate, Units

if TYPE_CHECKING:
    import keras


class KernelAutoEncoder(NeuralModel):
    """Kernelised autoencoder, the first stage of GLocal-K (Han et al., 2021, eq. 1).

    Each weight ``w_ij`` is multiplied by the kernel ``max(0, 1 - |a_i - b_j|^2)`` of
    two learned positions (Muller, Martel and Indiveri, 2018), in both hidden layers and
    in the output. Trained by whole rows of the matrix, as `AutoRec` is. The second
    stage of GLocal-K, a convolution over the rating matrix, is left out.

    Attributes:
        of: ``item``, a movie's ratings by all users; or ``user``, a user's ratings of
            all movies.
        units: Width of both hidden layers.
        kernel_dim: Dimensions of the positions.
        input_dropout: Share of a row's ratings that are left out of the input.
        dropout: Dropout rate of the hidden layers.
        l2: Penalty of the looked-up output weights.
        kernel_l2: Penalty of the hidden layers' weights, after the kernel.
        sparsity: Penalty of the mean squared kernel.
        bias_l2: Penalty of the looked-up biases.
        id_dropout: Share of ids shown as unknown in training.
    """

    name: ClassVar[str] = "kernelae"
    has_histories: ClassVar[bool] = True

    of: Literal["item", "user"] = "item"
    units: Units = 256
    kernel_dim: Units = 5
    input_dropout: Rate = 0.5
    dropout: Rate = 0.3
    l2: Penalty = 0.03
    kernel_l2: Penalty = 0.00003
    sparsity: Penalty = 0.01
    bias_l2: Penalty = 0.02
    id_dropout: Rate = 0.005

    def build(self, features: FeatureSpec, train: Encoded) -> "keras.Model":
        import keras

        from cfexp.models.layers.autoencoder import per_rating, row_sums
        from cfexp.models.layers.bias import Bias
        from cfexp.models.layers.dropout import Dropout
        from cfexp.models.layers.inputs import Inputs
        from cfexp.models.layers.kernels import (
            KernelDense,
            KernelOutput,
            KernelRowSum,
            nearby,
        )

        inputs = Inputs(features, id_dropout=self.id_dropout)
        penalties: dict[str, Any] = {"l2": self.kernel_l2, "sparsity": self.sparsity}
        x = row_sums(
            inputs,
            self.of,
            self.units,
            kind=KernelRowSum,
            rate=self.input_dropout,
            id_dropout=self.id_dropout,
            kernel_dim=self.kernel_dim,
            **penalties,
        )
        x = keras.layers.Activation("sigmoid", name="sigmoid_1")(Bias(name="bias")(x))
        x = Dropout(self.dropout, name="dropout_1")(x)
        x = KernelDense(self.units, self.kernel_dim, name="encoder", **penalties)(x)
        x = keras.layers.Activation("sigmoid", name="sigmoid_2")(x)
        x = per_rating(inputs, Dropout(self.dropout, name="dropout_2")(x))
        # Of a movie, one output for each user.
        other = "user" if self.of == "item" else "item"
        weights = inputs.lookup(other, "decoder", self.units, l2=self.l2)
        position = inputs.lookup(
            other, "position", self.kernel_dim, initializer=nearby()
        )
        output = KernelOutput(name="output")([x, weights, position])
        return inputs.model([output], bias_l2=self.bias_l2, name=self.name)
