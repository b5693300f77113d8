"""A new user of a trained model, known by a few ratings."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cfexp.data.checks import ratings_of, require_pairs
from cfexp.data.encoding import Encoded
from cfexp.data.ids import as_ids, positions
from cfexp.data.ratings import ITEM, RATING, USER
from cfexp.data.relevance import lowest_relevant_rating
from cfexp.errors import DataError
from cfexp.models.base import scores_of
from cfexp.models.foldable import FoldIn, folding_of
from cfexp.models.recommending import Recommending, check_k
from cfexp.models.trained import Trained

# The id of a user whom no model knows.
NOBODY = "\0"
# What a rating must raise a prediction by, to be a reason, and how many ratings may be
# one: each takes a fit of its own.
LEAST, CANDIDATES = 0.005, 100


class NewUser:
    """A user whom a model was not trained on, folded in from ratings.

    The model's other weights stay as they are. A user that the model does know may be
    given as well: only the given ratings count.

    Args:
        predictor: The trained model.
        ratings: Columns ``movieId`` and ``rating``.
        fold_in: The model's function for new users; made if None.
        ranked: What recommends movies; made if None.

    Raises:
        ConfigError: The model cannot take new users.
        DataError: A rating is missing, wrong, or given twice, the model knows none of
            the movies, or it learned to rank and none of them is relevant.
    """

    def __init__(
        self,
        predictor: Trained,
        ratings: pd.DataFrame,
        *,
        fold_in: FoldIn | None = None,
        ranked: Recommending | None = None,
    ):
        self._predictor = predictor
        self._ranked = ranked or Recommending(predictor)
        self._fold_in = fold_in or folding_of(
            predictor.scorer, predictor.origin.model, self._ranked.items
        )
        self.ratings = _checked(predictor, ratings)
        rows = self.ratings
        if predictor.origin.ranks:
            rows = rows.assign(**{RATING: _relevance(predictor, rows[RATING])})
        self._rows = self._encoded(rows)

    def _encoded(self, rows: pd.DataFrame) -> Encoded:
        return self._ranked.encoded(rows.assign(**{USER: NOBODY}))

    def predict(self, movies: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Predicts the user's ratings, within the scale, shape ``(n,)``.

        Scores if the model learned to rank.

        Args:
            movies: A column ``movieId``, and those of features of new movies.
        """
        require_pairs(movies, (ITEM,))
        return self._fold_in(self._rows).predict(self._encoded(movies))

    def recommend(self, *, k: int = 10, explain: bool = False) -> pd.DataFrame:
        """Returns the `k` movies that the user would rate highest, best first.

        Args:
            k: Number of movies.
            explain: Whether to add a column ``because``, see `reasons`.

        Returns:
            Columns ``movieId``, ``title``, ``genres``, and ``rating``, or ``score`` if
            the model learned to rank.
        """
        users = pd.Series([NOBODY])
        pairs = self.ratings[[ITEM]].assign(**{USER: NOBODY})
        seen = self._ranked.seen(users, pairs)
        scorer = self._fold_in(self._rows)
        top = self._ranked.best(users, seen, check_k(k), scorer).iloc[:, 2:]
        return top.assign(because=self.reasons(top[[ITEM]])) if explain else top

    def reasons(self, movies: pd.DataFrame, *, most: int = 2) -> list[str]:
        """Returns which of the user's ratings raise the prediction of each movie.

        A rating raises it by what it is lower without that rating. Of many ratings, the
        100 are tried that lie highest above what is predicted of unknown users; of a
        model that learned to rank, the first 100 of relevant movies.

        Args:
            movies: A column ``movieId``.
            most: The most ratings to name.

        Returns:
            Such as ``Heat (1995) +0.21, Casino (1995) +0.12``, one for each movie.
        """
        wanted = self._encoded(movies)
        whole = scores_of(self._fold_in(self._rows), wanted)
        pull = np.zeros((len(movies), len(self._rows)))
        for i in self._candidates():
            others = self._rows.at(np.delete(np.arange(len(self._rows)), i))
            pull[:, i] = whole - scores_of(self._fold_in(others, near=True), wanted)
        titles = self._predictor.titles(self.ratings[ITEM])
        names = np.where(titles == "", self.ratings[ITEM].astype(str), titles)
        first = np.argsort(-pull, axis=1, kind="stable")[:, :most]
        return [
            ", ".join(f"{names[i]} +{row[i]:.2f}" for i in order if row[i] >= LEAST)
            for row, order in zip(pull, first, strict=True)
        ]

    def _candidates(self) -> npt.NDArray[np.int64]:
        """Returns the positions of the ratings that may be reasons."""
        if self._predictor.origin.ranks:
            return np.flatnonzero(self._rows.rating > 0)[:CANDIDATES]
        above = self._rows.rating - self._predictor.scorer.predict(self._rows)
        return np.argsort(-above, kind="stable")[:CANDIDATES]


def _relevance(predictor: Trained, rating: pd.Series) -> pd.Series:
    """Returns 1 for the ratings of relevant movies, else 0, as in training.

    Raises:
        DataError: None is relevant.
    """
    evaluation: Any = predictor.origin.config.get("evaluation", {})
    lowest = lowest_relevant_rating(
        evaluation.get("relevant_from"),
        highest=predictor.encoder.scale[1],
        mean=float(rating.mean()),
    )
    relevant = rating >= lowest
    if not relevant.any():
        raise DataError(
            f"none of the {len(rating)} ratings is at least {lowest:g}: the model"
            " learned to rank by movies that are rated so. Give one"
        )
    return relevant.astype("float64")


def _checked(predictor: Trained, ratings: pd.DataFrame) -> pd.DataFrame:
    """Returns a user's ratings of movies that the model knows.

    Raises:
        DataError: See `NewUser`.
    """
    require_pairs(ratings, (ITEM, RATING))
    found = pd.DataFrame({ITEM: as_ids(ratings[ITEM])}).reset_index(drop=True)
    found[RATING] = ratings_of("the user", ratings, RATING).to_numpy()
    low, high = predictor.encoder.scale
    outside = found[(found[RATING] < low) | (found[RATING] > high)]
    if len(outside):
        raise DataError(
            f"the rating {outside[RATING].iloc[0]:g} of movie {outside[ITEM].iloc[0]}"
            f" lies outside of the model's scale, {low:g} to {high:g}"
        )
    if (twice := found[ITEM].duplicated()).any():
        raise DataError(f"movie {found[ITEM][twice].iloc[0]} is rated more than once")
    known = positions(found[ITEM], predictor.encoder.items) >= 0
    if not known.any():
        raise DataError(
            f"the model knows none of the {len(found)} rated movies, such as"
            f" {found[ITEM].iloc[0] if len(found) else 'none'}. Give ratings of movies"
            " that it was trained on"
        )
    return found[known].reset_index(drop=True)
