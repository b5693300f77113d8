"""How well a model and baselines rank relevant movies against a few drawn ones."""

import numpy as np
import pandas as pd

from cfexp.data.ratings import ITEM, USER
from cfexp.data.top import BLOCK, FloatArray
from cfexp.evaluation.sampled import Candidates
from cfexp.models.base import scores_of
from cfexp.training.held_out import BIAS, MODEL, POPULARITY, RANDOM, HeldOut
from cfexp.training.recipe import Usable

ByModel = dict[str, dict[str, float]]


def rank_sampled(model: Usable, bias: Usable, held: HeldOut, negatives: int) -> ByModel:
    """Returns hit rate and NDCG among drawn movies, of ``model`` and each baseline.

    The movies drawn are the same for all models of one seed.

    Args:
        model: The model.
        bias: The bias baseline.
        held: The test rows.
        negatives: Number of movies to draw for each user.

    Raises:
        DataError: A user has rated too many movies for that.
    """
    ratings, catalogue = held.data.ratings, held.catalogue
    found = ratings.shared.of_rows(
        ("candidates", catalogue, negatives, held.seed),
        [],
        lambda: Candidates.of(ratings, catalogue, negatives, held.seed),
    )
    rng = np.random.default_rng(held.seed)
    scores = {
        MODEL: _scores(model, found, held),
        BIAS: _scores(bias, found, held),
        POPULARITY: catalogue.count[found.item].astype(np.float64),
        RANDOM: rng.random(found.item.shape),
    }
    return {system: found.means(score, held.k) for system, score in scores.items()}


def _scores(model: Usable, candidates: Candidates, held: HeldOut) -> FloatArray:
    """Returns a model's scores of all candidates, a block of users at a time."""
    (ratings, _), catalogue = held.data, held.catalogue
    found = np.empty(candidates.item.shape)
    rows = max(1, BLOCK // candidates.item.shape[1])
    for start in range(0, len(found), rows):
        part = slice(start, start + rows)
        item = candidates.item[part]
        user = np.repeat(catalogue.users[candidates.user[part]], item.shape[1])
        pairs = pd.DataFrame({USER: user, ITEM: catalogue.items[item.ravel()]})
        encoded = model.encoder.transform(
            pairs, ratings.movies, ratings.users, whole=True
        )
        found[part] = scores_of(model.scorer, encoded).reshape(item.shape)
    return found
