"""The base class of datasets."""

from abc import abstractmethod
from typing import ClassVar

from cfexp.data.ratings import Ratings
from cfexp.spec import Spec


class Dataset(Spec):
    """Base class of datasets: where ratings come from, and how they are read."""

    group: ClassVar[str] = "dataset"

    @abstractmethod
    def load(self) -> Ratings:
        """Returns the ratings and movies.

        Raises:
            DataError: They cannot be read, or cannot be used.
        """
