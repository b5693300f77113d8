"""MovieTweetings' densest part, which lies in the package."""

from pathlib import Path

import pandas as pd

from cfexp.data.cache import cached, file_state
from cfexp.data.dataset import Dataset
from cfexp.data.movielens_files import with_year
from cfexp.data.ratings import ITEM, Ratings, canonical
from cfexp.data.tables import UNREADABLE, reason
from cfexp.errors import DataError

FOLDER = Path(__file__).parent / "movietweetings-10core"
# As published, where 0 is rare.
SCALE = (0.0, 10.0)


class MovieTweetings(Dataset):
    """Ratings of movies in tweets (Dooms, De Pessemier and Martens, 2013).

    It is the 10-core of the first 100,000 ratings: the largest part in which each user
    and each movie has 10 ratings or more. ``movieId`` is IMDb's number, seven digits of
    text. `scripts/cut_movietweetings` makes the files; licence and citation lie beside
    them.
    """

    def load(self) -> Ratings:
        """Reads the files of the package.

        Raises:
            DataError: They are missing or damaged.
        """
        state = [file_state(path) for path in sorted(FOLDER.glob("*.csv.gz"))]
        return cached(self, state, self._parse)

    def _parse(self) -> Ratings:
        movies = with_year(_read("movies"))
        return canonical("movietweetings", _read("ratings"), movies, scale=SCALE)


def _read(table: str) -> pd.DataFrame:
    path = FOLDER / f"{table}.csv.gz"
    try:
        return pd.read_csv(path, dtype={ITEM: "str"})
    except UNREADABLE as error:
        raise DataError(
            f"movietweetings: cannot read {path}: {reason(error)}. Install cfexp again."
        ) from error
