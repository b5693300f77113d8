"""The base classes of model families, and the interface of trained models."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.data.features import Declared, Features
from cfexp.data.ratings import Ratings
from cfexp.spec import Spec

if TYPE_CHECKING:
    import keras

EmbedDim = Annotated[int, Field(ge=1, le=4096)]
# Wider layers would need tens of gigabytes.
Units = Annotated[int, Field(ge=1, le=65_536)]
Penalty = Annotated[float, Field(ge=0)]
# Dropout rate: the share of values that are dropped.
Rate = Annotated[float, Field(ge=0, lt=1)]


class Scorer(Protocol):
    """A trained model."""

    @property
    def n_parameters(self) -> int:
        """Number of trained parameters."""
        ...

    def predict(self, rows: Encoded) -> npt.NDArray[np.float64]:
        """Returns ratings within the scale, shape ``(n,)``."""
        ...

    def trained(self) -> list[npt.NDArray[Any]]:
        """Returns all trained parameters."""
        ...

    def save(self, folder: Path) -> None:
        """Writes the model into `folder`."""
        ...

    def parts(self) -> Sequence[Any]:
        """Returns classes and functions whose modules must be imported to load it."""
        ...


WithStd = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


@runtime_checkable
class Uncertain(Protocol):
    """A trained model that knows how far off its predictions may be."""

    def predict_with_std(self, rows: Encoded) -> WithStd:
        """Returns ratings, and the standard deviation of each, shape ``(n,)`` each."""
        ...


def predict_with_std(
    scorer: Scorer, rows: Encoded
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64] | None]:
    """Returns ratings and their standard deviations, None if they are not known."""
    if isinstance(scorer, Uncertain):
        return scorer.predict_with_std(rows)
    return scorer.predict(rows), None


@runtime_checkable
class Ranks(Protocol):
    """A trained model that orders movies whose ratings it predicts alike."""

    def scores(self, rows: Encoded) -> npt.NDArray[np.float64]:
        """Returns ratings that may lie outside of the scale, shape ``(n,)``."""
        ...


def scores_of(scorer: Scorer, rows: Encoded) -> npt.NDArray[np.float64]:
    """Returns what to rank movies by: ratings, if possible not cut to the scale."""
    return scorer.scores(rows) if isinstance(scorer, Ranks) else scorer.predict(rows)


# Vectors of users and of movies, shape ``(users, width)`` and ``(movies, width)``.
Factors = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


@runtime_checkable
class Factored(Protocol):
    """A trained model whose scores may be dot products of factors."""

    def factors(self, users: Encoded, items: Encoded) -> Factors | None:
        """Returns the vectors whose products are the scores; None if there are none.

        Args:
            users: A row for each user; its movie does not count.
            items: A row for each movie; its user does not count.
        """
        ...


def factors_of(scorer: Scorer, users: Encoded, items: Encoded) -> Factors | None:
    """Returns the factors whose products are `scores_of` all pairs, if there are."""
    return scorer.factors(users, items) if isinstance(scorer, Factored) else None


class Model(Spec):
    """Hyperparameters of a model family.

    Attributes:
        name: Name of the family; the class name in lower case if not set.
    """

    group: ClassVar[str] = "model"
    name: ClassVar[str]

    def declared(self, features: Features, ratings: Ratings) -> tuple[Declared, ...]:
        """Returns the features of a dataset that it takes: none, if not overridden.

        Raises:
            DataError: The dataset has no such column.
        """
        return ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in vars(cls):
            cls.name = cls.__name__.lower()

    @classmethod
    def label(cls) -> str:
        return f"model={cls.name}"


class NeuralModel(Model):
    """A family that is trained by gradient descent.

    Attributes:
        item_features: Columns of movies that it takes if ``features.item`` is null.
        has_histories: Whether it sums histories, or whole rows of ratings, which one
            device trains only.
        can_rank: Whether it can be trained to rank: its last layer is that of
            `Inputs.model`, and all others take values of a movie, or of pairs.
    """

    item_features: ClassVar[tuple[str, ...]] = ()
    has_histories: ClassVar[bool] = False
    can_rank: ClassVar[bool] = False

    def declared(self, features: Features, ratings: Ratings) -> tuple[Declared, ...]:
        return features.declared(ratings, self.item_features)

    @abstractmethod
    def build(self, features: FeatureSpec, train: Encoded) -> "keras.Model":
        """Returns a new Keras model.

        Its inputs are ``user`` and ``item`` indices, shape ``(batch,)``, and for each
        feature the indices of its values, filled up with -1, shape ``(batch, most)``;
        of an autoencoder also ``target``, the rating itself, and ``slot``, of its row
        in a training batch, shape ``(batch,)``; its output are ratings, shape
        ``(batch, 1)``. See `cfexp.models.layers.inputs.Inputs`.

        Args:
            features: Properties of the training data.
            train: The rows that the model will be trained on.
        """


class Baseline(Model):
    """A family that is fitted without epochs and without TensorFlow."""

    @abstractmethod
    def fit(self, train: Encoded, features: FeatureSpec) -> Scorer:
        """Returns a model fitted to the rows `train`."""


class Sampler(Protocol):
    """Draws one sample of a posterior after the other."""

    def sweep(self) -> float:
        """Moves to the next sample; returns its mean squared error in training."""
        ...

    def sample(self) -> Scorer:
        """Returns the present sample."""
        ...

    def average(self, samples: Sequence[Any]) -> Scorer:
        """Returns a model that predicts the mean of some samples of `sample`."""
        ...


class SampledModel(Model):
    """A family whose predictions are the mean of samples of its posterior.

    Attributes:
        sweeps: Number of samples.
        burn_in: Number of first samples, which are dropped.
        keep: Samples to predict with, evenly spaced over those after `burn_in`.
    """

    def declared(self, features: Features, ratings: Ratings) -> tuple[Declared, ...]:
        return features.declared(ratings)

    sweeps: Annotated[int, Field(ge=2)]
    burn_in: Annotated[int, Field(ge=0)]
    keep: Annotated[int, Field(ge=1)]

    @abstractmethod
    def sampler(self, train: Encoded, features: FeatureSpec, seed: int) -> Sampler:
        """Returns a sampler of the posterior, given the rows `train`."""

    @property
    def kept(self) -> frozenset[int]:
        """Numbers of the samples to predict with, from 1; the last is one of them."""
        left = self.sweeps - self.burn_in
        n = min(self.keep, left)
        return frozenset(self.sweeps - left * i // n for i in range(n))
