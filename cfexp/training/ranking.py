"""Ranks movies with a fitted model and with baselines."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from cfexp.data.encoder import encode
from cfexp.data.encoding import Encoded, crossed
from cfexp.data.ratings import ITEM, RATING, USER
from cfexp.data.split import Data
from cfexp.evaluation.catalogue import Catalogue, Scores
from cfexp.evaluation.names import RANKING
from cfexp.evaluation.ranking import NDCG, FloatArray, IntArray, rated_ndcg
from cfexp.evaluation.settings import EvaluationSettings
from cfexp.models.base import scores_of
from cfexp.training.recipe import Usable

MODEL, BIAS, POPULARITY, RANDOM = "model", "bias", "popularity", "random"


@dataclass(frozen=True, eq=False)
class Ranking:
    """How well a model and baselines rank movies, by both protocols.

    Attributes:
        catalogue: What was ranked by the protocol ``full``.
        k: Number of movies at the top.
        full: By system, ``model`` first, the mean of each measure at k, see
            `Catalogue.summary`.
        rated: By system the mean NDCG of the protocol ``rated``.
        rated_users: Number of users of that protocol.
        users: The model's measures of each user of the protocol ``full``.
    """

    catalogue: Catalogue
    k: int
    full: Mapping[str, Mapping[str, float]]
    rated: Mapping[str, float]
    rated_users: int
    users: pd.DataFrame

    @property
    def below_popularity(self) -> bool:
        """Whether popular movies are better recommendations than the model's."""
        return self.full[MODEL][NDCG] < self.full[POPULARITY][NDCG]

    def metrics(self) -> dict[str, float]:
        """Returns the means as metrics, such as ``ranking/full_ndcg_10``."""
        found = {}
        for system, measures in self.full.items():
            which = "" if system == MODEL else f"{system}_"
            for name, value in measures.items():
                found[f"{RANKING}{which}full_{name}_{self.k}"] = value
            found[f"{RANKING}{which}rated_{NDCG}"] = self.rated[system]
        found[f"{RANKING}full_users"] = float(len(self.catalogue.users))
        found[f"{RANKING}rated_users"] = float(self.rated_users)
        return {name: value for name, value in found.items() if not np.isnan(value)}


def rank(
    model: Usable,
    baselines: Mapping[str, Usable],
    data: Data,
    settings: EvaluationSettings,
    seed: int,
) -> Ranking | None:
    """Ranks movies for the users of the test rows; None without ``ranking``.

    Args:
        model: The model.
        baselines: Baselines by name; the bias baseline is compared with it, and so
            are popular and random movies.
        data: The dataset and its split.
        settings: Whether to rank, what is relevant, and how many are recommended.
        seed: Seed of random scores and of the order of equal ones.
    """
    if not settings.ranking:
        return None
    ratings, split = data
    key = ("catalogue", settings, seed)
    catalogue = ratings.shared.of_rows(
        key,
        [split.train, split.valid, split.test],
        lambda: Catalogue.of(ratings, split, settings, seed),
    )
    models = {MODEL: model, BIAS: baselines[BIAS]}
    systems = {name: scores(each, catalogue, data) for name, each in models.items()}
    systems[POPULARITY] = catalogue.popularity
    systems[RANDOM] = partial(catalogue.random, seed=seed)
    lists = {name: catalogue.recommended(s, settings.k) for name, s in systems.items()}
    rated = _rated(models, catalogue, data, seed)
    return Ranking(
        catalogue=catalogue,
        k=settings.k,
        full={name: catalogue.summary(found) for name, found in lists.items()},
        rated={name: float(np.mean(ndcg)) for name, (_, ndcg) in rated.items()},
        rated_users=len(rated[MODEL][0]),
        users=pd.DataFrame({USER: catalogue.users, **catalogue.measures(lists[MODEL])}),
    )


def scores(model: Usable, catalogue: Catalogue, data: Data) -> Scores:
    """Returns a function that scores all movies of a catalogue for some users."""
    encoder, ratings = model.encoder, data.ratings
    tables = ratings.movies, ratings.users

    def encoded(user: object, item: object) -> Encoded:
        rows = pd.DataFrame({USER: user, ITEM: item})
        return encoder.transform(rows, *tables, whole=True)

    users = encoded(catalogue.users, catalogue.items[0])
    items = encoded(catalogue.users[0], catalogue.items)

    def of_users(block: IntArray) -> FloatArray:
        rows = crossed(users.at(block), items)
        return scores_of(model.scorer, rows).reshape(len(block), -1)

    return of_users


def _rated(
    models: Mapping[str, Usable], catalogue: Catalogue, data: Data, seed: int
) -> dict[str, tuple[IntArray, FloatArray]]:
    """Returns the NDCG of each user's test rows, for each model and baseline."""
    ratings, split = data
    rows = ratings.frame.iloc[split.test]
    user = pd.factorize(rows[USER])[0]
    rating = rows[RATING].to_numpy(np.float64)
    item = pd.Index(catalogue.items).get_indexer(rows[ITEM])
    found = {
        name: scores_of(model.scorer, encode(ratings, model.encoder, split.test))
        for name, model in models.items()
    }
    found[POPULARITY] = catalogue.count[item].astype(np.float64)
    found[RANDOM] = np.random.default_rng(seed).random(len(rows))
    return {name: rated_ndcg(user, rating, s, seed) for name, s in found.items()}
