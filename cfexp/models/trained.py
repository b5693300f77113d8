"""A trained model with what it knows of users and movies."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cfexp.data.encoder import FeatureEncoder
from cfexp.data.ids import positions
from cfexp.data.ratings import ITEM, TITLE
from cfexp.models.base import Scorer
from cfexp.models.origin import Origin

if TYPE_CHECKING:
    from cfexp.models.trained_on import TrainedOn


class Trained(ABC):
    """A trained model with what it knows of users and movies.

    Attributes:
        encoder: The encoder fitted with the model.
        scorer: The trained model.
        movies: Columns ``movieId``, ``title``, ``genres``, and those of features.
        users: Columns ``userId``, and those of features.
        origin: Where the model comes from.
    """

    encoder: FeatureEncoder
    scorer: Scorer
    movies: pd.DataFrame
    users: pd.DataFrame
    origin: Origin

    @property
    @abstractmethod
    def trained_on(self) -> "TrainedOn":
        """The pairs that the model knows."""

    def titles(self, movies: pd.Series) -> pd.Series:
        """Returns the title of each movie, empty where it is not known.

        Args:
            movies: Ids, as `cfexp.data.ids.as_ids` returns them.
        """
        known = np.append(self.movies[TITLE].to_numpy(object), "")
        found = known[positions(movies, self.movies[ITEM])]
        return pd.Series(found, movies.index, dtype="str")
