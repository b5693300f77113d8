"""Held-out rows, by which models and baselines rank movies."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cfexp.data.encoder import encode
from cfexp.data.encoding import Encoded
from cfexp.data.ratings import ITEM, RATING, USER
from cfexp.data.split import Data
from cfexp.data.top import FloatArray, IntArray, Scores
from cfexp.evaluation.catalogue import Catalogue
from cfexp.evaluation.names import FULL, RATED_NDCG
from cfexp.evaluation.ranking import means, rated_ndcg
from cfexp.evaluation.settings import EvaluationSettings
from cfexp.models.all_pairs import scores_of_all
from cfexp.models.base import scores_of
from cfexp.training.recipe import Usable

MODEL = "model"
BIAS, POPULARITY, RANDOM = "bias", "popularity", "random"


@dataclass(frozen=True, eq=False)
class Ranked:
    """How well one system ranks the movies of each user.

    Attributes:
        full: Protocol ``full``: each measure at k of the users of `Catalogue.users`.
        beyond: What its recommendations are like, see `Catalogue.beyond`.
        rated_users: Protocol ``rated``: ids of users with two or more test rows.
        rated: The NDCG of each of them.
    """

    full: Mapping[str, FloatArray]
    beyond: Mapping[str, float]
    rated_users: np.ndarray
    rated: FloatArray

    def means(self) -> dict[str, float]:
        """Returns the measures of the protocol ``full``: means over users, `beyond`."""
        return means(self.full) | dict(self.beyond)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out rows, by which movies are ranked.

    Attributes:
        data: The dataset and a split, whose test rows they are.
        catalogue: The movies to rank for each user, and the relevant ones.
        k: Number of movies that are recommended.
        seed: Seed of random scores and of the order of equal ones.
    """

    data: Data
    catalogue: Catalogue
    k: int
    seed: int

    @classmethod
    def of(cls, data: Data, settings: EvaluationSettings, seed: int) -> "HeldOut":
        """Returns the test rows of a split; the catalogue is shared by a process."""
        ratings, split = data
        catalogue = ratings.shared.of_rows(
            ("catalogue", settings, seed),
            [split.train, split.valid, split.test],
            lambda: Catalogue.of(ratings, split, settings, seed),
        )
        return cls(data, catalogue, settings.k, seed)

    def scores(self, model: Usable) -> FloatArray:
        """Returns a model's scores of the rows, shape ``(n,)``."""
        rows = encode(self.data.ratings, model.encoder, self.data.split.test)
        return scores_of(model.scorer, rows)

    def lists(self, model: Usable) -> IntArray:
        """Returns the movies that a model recommends to each user of the catalogue."""
        found = self.catalogue
        return found.recommended(scores(model, found, self.data), self.k)

    def ranked(self, lists: IntArray, score: FloatArray) -> Ranked:
        """Returns the measures of a system, from its lists and its scores of rows."""
        users, ndcg = self.rated(score)
        return Ranked(
            full=self.catalogue.measures(lists),
            beyond=self.catalogue.beyond(lists),
            rated_users=users,
            rated=ndcg,
        )

    def metrics(self, model: Usable) -> dict[str, float]:
        """Returns a model's measures as metrics, such as ``full_ndcg_10``."""
        lists, (_, ndcg) = self.lists(model), self.rated(self.scores(model))
        full = means(self.catalogue.measures(lists))
        found = {f"{FULL}{name}_{self.k}": value for name, value in full.items()}
        return found | means({RATED_NDCG: ndcg})

    def rated(self, score: FloatArray) -> tuple[np.ndarray, FloatArray]:
        """Returns the users of protocol ``rated``, and the NDCG of each by scores."""
        rows = self.data.ratings.frame.iloc[self.data.split.test]
        user, ids = pd.factorize(rows[USER])
        rating = rows[RATING].to_numpy(np.float64)
        if not np.ptp(rating):  # any order of implicit data is the best one
            return np.empty(0), np.empty(0)
        users, ndcg = rated_ndcg(user, rating, score, self.seed)
        return np.asarray(ids)[users], ndcg

    def references(self, bias: Usable) -> dict[str, Ranked]:
        """Returns bias, popular and random movies, shared by models with this bias."""
        (ratings, split), catalogue = self.data, self.catalogue

        def make() -> dict[str, Ranked]:
            item = ratings.frame[ITEM].iloc[split.test]
            item = pd.Index(catalogue.items).get_indexer(item)
            # All users have the same order: that of the movies' biases.
            rng, value = np.random.default_rng(self.seed), catalogue.count
            count = value
            if len(catalogue.users):
                value = scores(bias, catalogue, self.data)(np.zeros(1, np.int64))[0]
            drawn = catalogue.recommended(catalogue.random(self.seed), self.k)
            systems = {
                BIAS: (catalogue.in_order(value, self.k), self.scores(bias)),
                POPULARITY: (
                    catalogue.in_order(count, self.k),
                    count[item].astype(np.float64),
                ),
                RANDOM: (drawn, rng.random(len(item))),
            }
            return {name: self.ranked(*each) for name, each in systems.items()}

        key = ("references", catalogue, self.k, bias)
        return ratings.shared.of_rows(key, [split.test], make)


def scores(model: Usable, catalogue: Catalogue, data: Data) -> Scores:
    """Returns a function that scores all movies of a catalogue for some users."""
    encoder, ratings = model.encoder, data.ratings
    tables = ratings.movies, ratings.users

    def encoded(user: object, item: object) -> Encoded:
        rows = pd.DataFrame({USER: user, ITEM: item})
        return encoder.transform(rows, *tables, whole=True)

    users = encoded(catalogue.users, catalogue.items[0])
    items = encoded(ratings.frame[USER].iloc[0], catalogue.items)
    return scores_of_all(model.scorer, users, items)
