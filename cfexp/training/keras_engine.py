"""Runs an epoch with Keras' fit, over the same batches as a program."""

import keras
import numpy as np
import numpy.typing as npt

from cfexp.data.encoding import Encoded
from cfexp.models.forward import model_inputs
from cfexp.models.layers.ordinal import ordinal_head
from cfexp.training.engines import EpochErrors
from cfexp.training.updates import Optimizers


class KerasEngine:
    """Runs each epoch with `keras.Model.fit`; arguments as in `CompiledEngine`."""

    name = "keras"

    def __init__(
        self,
        model: keras.Model,
        optimizers: Optimizers,
        data: Encoded,
        batch_size: int,
    ):
        head = ordinal_head(model)
        model.compile(
            optimizer=optimizers.batchwise,
            loss=head.loss if head else "mse",
            metrics=[head.mse if head else "mse"],
        )
        self._model = model
        self._data = data
        self._batch_size = batch_size

    def run_epoch(self, order: npt.NDArray[np.int32]) -> EpochErrors:
        """Trains on rows in `order`, split into full batches."""
        history = self._model.fit(
            model_inputs(self._model, self._data, order),
            self._data.rating[order],
            batch_size=self._batch_size,
            shuffle=False,
            verbose=0,
        )
        found = history.history
        return EpochErrors.of(float(found["loss"][0]), float(found["mse"][0]))

    def settle(self) -> None:
        """Does nothing: the optimizer is Keras' own."""
