"""A new user of a trained model, known by a few ratings."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from cfexp.data.checks import ratings_of, require_pairs
from cfexp.data.encoding import Encoded
from cfexp.data.ids import as_ids, positions
from cfexp.data.ratings import ITEM, RATING, USER
from cfexp.errors import ConfigError, DataError
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
        DataError: A rating is missing, wrong, or given twice, or the model knows none
            of the movies.
    """

    def __init__(
        self,
        predictor: Trained,
        ratings: pd.DataFrame,
        *,
        fold_in: FoldIn | None = None,
        ranked: Recommending | None = None,
    ):
        if predictor.origin.ranks:
            raise ConfigError(
                f"this {predictor.origin.model} learned to rank, and cannot take new"
                " users from ratings. Train a model with training.loss=mse, or train"
                " this one again with their ratings"
            )
        self._predictor = predictor
        self._ranked = ranked or Recommending(predictor)
        self._fold_in = fold_in or folding_of(predictor.scorer, predictor.origin.model)
        self.ratings = _checked(predictor, ratings)
        self._rows = self._encoded(self.ratings)

    def _encoded(self, rows: pd.DataFrame) -> Encoded:
        return self._ranked.encoded(rows.assign(**{USER: NOBODY}))

    def predict(self, movies: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Predicts the user's ratings, within the scale, shape ``(n,)``.

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
            Columns ``movieId``, ``title``, ``genres``, ``rating``.
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
        100 are tried that lie highest above what is predicted of unknown users.

        Args:
            movies: A column ``movieId``.
            most: The most ratings to name.

        Returns:
            Such as ``Heat (1995) +0.21, Casino (1995) +0.12``, one for each movie.
        """
        wanted = self._encoded(movies)
        whole = scores_of(self._fold_in(self._rows), wanted)
        pull = np.zeros((len(movies), len(self._rows)))
        above = self._rows.rating - self._predictor.scorer.predict(self._rows)
        for i in np.argsort(-above, kind="stable")[:CANDIDATES]:
            others = self._rows.at(np.delete(np.arange(len(self._rows)), i))
            pull[:, i] = whole - scores_of(self._fold_in(others), wanted)
        titles = self._predictor.titles(self.ratings[ITEM])
        names = np.where(titles == "", self.ratings[ITEM].astype(str), titles)
        first = np.argsort(-pull, axis=1, kind="stable")[:, :most]
        return [
            ", ".join(f"{names[i]} +{row[i]:.2f}" for i in order if row[i] >= LEAST)
            for row, order in zip(pull, first, strict=True)
        ]


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
