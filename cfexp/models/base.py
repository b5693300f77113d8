"""What a model family, and a trained model, is to the rest of cfexp."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.runtime.tensorflow import import_tensorflow
from cfexp.spec import Spec

if TYPE_CHECKING:
    import keras

# Units of a layer, at most: wider ones would need tens of gigabytes.
WIDEST = 65_536


class Scorer(Protocol):
    """A trained model."""

    @property
    def n_parameters(self) -> int:
        """Number of trained values."""
        ...

    def predict(self, rows: Encoded) -> npt.NDArray[np.float64]:
        """Returns ratings within the scale, shape ``(n,)``."""
        ...

    def trained(self) -> list[npt.NDArray[Any]]:
        """Returns all trained values."""
        ...

    def save(self, folder: Path) -> None:
        """Writes the model into `folder`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Model(Spec):
    """Hyper-parameters of a model family.

    Attributes:
        name: Name of the family.
    """

    name: str

    def prepare(self) -> None:
        """Imports what the family needs, which takes seconds for TensorFlow."""


class NeuralModel(Model):
    """A family that is trained by gradient descent."""

    def prepare(self) -> None:
        """Imports TensorFlow, with compiled programs kept for the next run."""
        # Not at the top: a model that is served needs none of this.
        from cfexp.runtime.xla_cache import keep_programs

        keep_programs()
        import_tensorflow()

    def build(self, features: FeatureSpec, train: Encoded) -> "keras.Model":
        """Returns a fresh model; `train` are the rows that it will be trained on.

        It takes a dict of ``user`` and ``item`` indices, shape ``(batch,)``, and, if
        it wants them, ``genres``, shape ``(batch, n_genres)``; it returns ratings,
        shape ``(batch, 1)``.
        """
        raise NotImplementedError


class Baseline(Model):
    """A family that is fitted in one go, without TensorFlow."""

    def fit(self, train: Encoded, features: FeatureSpec) -> Scorer:
        """Returns the fitted model."""
        raise NotImplementedError
