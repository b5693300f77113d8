"""Declared features: columns of users and movies, and the day of a rating."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from pydantic import Field

from cfexp.data.columns import GENRES, ITEM, RATING, TIMESTAMP, TITLE, USER
from cfexp.data.encoding import Of
from cfexp.data.learn import texts_of
from cfexp.data.ratings import Ratings
from cfexp.data.side_tables import further
from cfexp.errors import DataError, did_you_mean
from cfexp.spec import Spec

DAY = "day"
RESERVED = (USER, ITEM, RATING, TIMESTAMP, TITLE, DAY)
ALL: Literal["all"] = "all"
Factor = Annotated[float, Field(ge=0)]


class Declared(NamedTuple):
    """A declared feature: whose it is, and its column."""

    of: Of
    column: str


class Features(Spec):
    """What a model knows of users, movies and ratings besides the ids.

    Attributes:
        user: Columns of users, such as ``age``; ``all``: each that users share values
            of.
        item: Columns of movies, such as ``year``; ``all`` as for users; None: those
            that the model's family takes by default.
        time: ``day``: the day of the rating.
        user_l2: Penalty of the vectors of users' features and of the day, times the
            family's penalty of those of ids.
        item_l2: The same of movies' features.
    """

    group: ClassVar[str] = "features"

    user: tuple[str, ...] | Literal["all"] = ()
    item: tuple[str, ...] | Literal["all"] | None = None
    time: Literal["day"] | None = None
    user_l2: Factor = 10.0
    item_l2: Factor = 0.3

    def problems(self) -> list[str]:
        found = []
        names = {"user": self.user, "item": self.item or ()}
        lists = {side: () if own == ALL else own for side, own in names.items()}
        for side, columns in lists.items():
            for column in columns:
                if column in RESERVED:
                    found.append(f"{side} must name columns besides {column}")
                if columns.count(column) > 1:
                    found.append(f"{side} names {column} twice")
        found += [
            f"item={column} is a column of users too; a request could not tell them"
            " apart: rename one"
            for column in lists["item"]
            if column in lists["user"]
        ]
        return found

    def declared(
        self, ratings: Ratings, default: Sequence[str] = ()
    ) -> tuple[Declared, ...]:
        """Returns the features of a dataset that are declared.

        Args:
            ratings: The dataset.
            default: Columns of movies if `item` is None.

        Raises:
            DataError: The dataset has no such column.
        """
        item = default if self.item is None else self.item
        of_users = _chosen("user", self.user, ratings.users, ratings.name)
        of_items = _chosen("item", item, ratings.movies, ratings.name)
        both = sorted(set(of_users) & set(of_items))
        if both:
            raise DataError(
                f"{ratings.name}: users and movies both have a column {both[0]}; a"
                " request could not tell them apart. Rename one, or list others in"
                " features.user and features.item"
            )
        if self.time and TIMESTAMP not in ratings.frame.columns:
            raise DataError(
                f"features.time=day needs timestamps, which {ratings.name} has not. Map"
                " them in dataset.columns.timestamp, or set features.time=null"
            )
        users = [Declared("user", column) for column in of_users]
        items = [Declared("item", column) for column in of_items]
        return (*users, *items, *([Declared("row", DAY)] if self.time else []))


def _chosen(
    side: str, wanted: Sequence[str], table: pd.DataFrame, name: str
) -> list[str]:
    """Returns the columns of a table that are wanted.

    Raises:
        DataError: There is no such column.
    """
    own = [GENRES] if side == "item" else []
    there = [*own, *further(table)]
    if wanted == ALL:
        return [c for c in there if c not in RESERVED and _repeats(table[c])]
    for column in wanted:
        if column not in there:
            what = "users" if side == "user" else "movies"
            have = f"They have: {', '.join(there)}" if there else "They have none"
            more = "" if there else f"; dataset=csv takes them as dataset.{what}=FILE"
            raise DataError(
                f"features.{side}={column}: {name}'s {what} have no column {column}"
                f"{did_you_mean(column, there)}. {have}{more}"
            )
    return list(wanted)


def _repeats(column: pd.Series) -> bool:
    """Returns whether a column is one of numbers, or of texts that mostly repeat."""
    if is_numeric_dtype(column):
        return bool(np.isfinite(column).any())
    return len(texts_of(column)) <= len(column) / 2
