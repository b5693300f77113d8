"""What a model of another library is fitted to, and how it is called."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from cfexp.data.features import Declared
from cfexp.data.ratings import ITEM, RATING, USER, IntArray, Ratings
from cfexp.evaluation.metrics import FloatArray

Predict = Callable[[], FloatArray]
Note = Callable[[Predict], None]


@dataclass(frozen=True)
class Task:
    """What a peer is fitted to and tested on.

    Attributes:
        ratings: The dataset.
        train: Positions of the rows to fit a model to.
        test: Positions of the test rows.
        declared: Features besides ids, for peers that take some.
        seed: Seed of the model.
    """

    ratings: Ratings
    train: IntArray
    test: IntArray
    declared: tuple[Declared, ...] = ()
    seed: int = 0

    @property
    def triples(self) -> pd.DataFrame:
        """The users, movies and ratings of the training rows."""
        return self.ratings.frame[[USER, ITEM, RATING]].iloc[self.train]

    @property
    def pairs(self) -> pd.DataFrame:
        """The users and movies of the test rows."""
        return self.ratings.frame[[USER, ITEM]].iloc[self.test]

    @property
    def numbers(self) -> tuple[IntArray, IntArray]:
        """Numbers of the user and of the movie of all rows, those of test rows, too."""
        frame = self.ratings.frame
        return pd.factorize(frame[USER])[0], pd.factorize(frame[ITEM])[0]

    @property
    def scale(self) -> tuple[float, float]:
        """Lowest and highest rating."""
        return self.ratings.scale


Fit = Callable[[Task, int, Note], Predict]


@dataclass(frozen=True)
class Peer:
    """A model of another library.

    Attributes:
        package: Name of its package for pip.
        modules: Modules to import before the time is measured.
        fit: Takes a task, a number of epochs (or sweeps), and a function that may be
            called during the fit, with a function that predicts the test rows; returns
            the latter for the fitted model. Predictions are clipped to the scale.
        epochs: Numbers of epochs to fit it with; the last is its usual number.
    """

    package: str
    modules: tuple[str, ...]
    fit: Fit
    epochs: tuple[int, ...]
