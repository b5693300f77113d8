"""Looks up what tables of users and movies, or rows themselves, say of features."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_numeric_dtype
from scipy.sparse import identity

from cfexp.data.checks import seconds_of
from cfexp.data.columns import GENRES, ITEM, TIMESTAMP, USER
from cfexp.data.encoding import Feature
from cfexp.data.ids import IntArray, positions
from cfexp.data.text import as_genres
from cfexp.data.vocabulary import Vocabulary, days_of


class Lookup:
    """Looks up features of some rows.

    Args:
        rows: ``userId``, ``movieId`` and perhaps columns of features.
        movies: The movies, as in `Ratings`.
        users: The users, as in `Ratings`.
        whole: Whether features have the whole tables, or those that the rows need.
    """

    def __init__(
        self,
        rows: pd.DataFrame,
        *,
        movies: pd.DataFrame,
        users: pd.DataFrame,
        whole: bool,
    ):
        self._rows, self._whole = rows, whole
        self._tables = {"user": (users, USER), "item": (movies, ITEM)}
        self._places: dict[str, tuple[npt.NDArray[np.int32], IntArray]] = {}

    def feature(self, known: Vocabulary) -> Feature:
        """Returns the values of a feature; those in the rows themselves go first."""
        if known.of == "row":
            return self._day(known)
        row, used = self._place(known.of)
        column = self._column(known, used)
        if known.column in self._rows.columns:
            given = self._rows[known.column]
            there = column.iloc[row].set_axis(given.index)
            column = known.read(given).where(given.notna(), there)
            row = np.arange(len(column), dtype=np.int32)
        return Feature(known.of, row, known.encode(column))

    def described(self, vocabularies: Collection[Vocabulary]) -> pd.DataFrame:
        """Returns ids of the rows, and what tables say in the columns of features."""
        # An ensemble may have several features of one column.
        own = list({known.column: 0 for known in vocabularies if known.of == "row"})
        found = self._rows[[USER, ITEM, *own]].reset_index(drop=True)
        for known in vocabularies:
            if known.of != "row":
                row, used = self._place(known.of)
                column = self._column(known, used).iloc[row]
                found[known.column] = column.reset_index(drop=True)
        return found

    def _place(self, of: str) -> tuple[npt.NDArray[np.int32], IntArray]:
        """Returns each row's position among some rows of a table, and these rows.

        The position after the last one is that of unknown users or movies.
        """
        if of not in self._places:
            table, id_column = self._tables[of]
            place = positions(self._rows[id_column], table[id_column])
            used = np.arange(len(table))
            if not self._whole:
                used = np.unique(place[place >= 0])
                place = np.where(place < 0, -1, np.searchsorted(used, place))
            row = np.where(place < 0, len(used), place).astype(np.int32)
            self._places[of] = row, used
        return self._places[of]

    def _column(self, known: Vocabulary, used: IntArray) -> pd.Series:
        """Returns a column at some rows of its table, and one more, unknown value."""
        table, _ = self._tables[known.of]
        kind, missing = ("str", "") if known.kind == "text" else ("float64", np.nan)
        last = pd.Series([missing], dtype=kind)
        if known.column not in table.columns:  # of other data than in training
            return last.iloc[np.zeros(len(used) + 1, np.int64)].reset_index(drop=True)
        column = table[known.column].iloc[used]
        if is_numeric_dtype(column) != (kind == "float64"):
            column = known.read(column)
        return pd.concat([column, last], ignore_index=True)

    def _day(self, known: Vocabulary) -> Feature:
        table = identity(known.size.width, np.float32, format="csr")
        seconds = np.full(len(self._rows), np.nan)
        if TIMESTAMP in self._rows.columns:
            has = self._rows[TIMESTAMP].notna().to_numpy()
            given = self._rows.loc[has, [TIMESTAMP]]
            if len(given):
                seconds[has] = seconds_of("the rows", given, TIMESTAMP)
        return Feature(known.of, known.index(days_of(seconds)), table)


def genres_of(rows: pd.DataFrame, movies: pd.DataFrame) -> pd.Series:
    """Returns each row's genres, joined by ``|``, empty where unknown."""
    texts = np.append(movies[GENRES].to_numpy(object), "")
    known = texts[positions(rows[ITEM], movies[ITEM])]
    text = pd.Series(known, index=rows.index, dtype="str")
    if GENRES in rows.columns:
        own = rows[GENRES]
        text = as_genres(own).where(own.notna(), text)
    return text
