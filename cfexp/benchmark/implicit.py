"""Ranking by implicit (B. Frederickson): ALS and BPR, tuned on validation rows.

Settings were chosen by NDCG@10 of the full catalogue on the validation rows of fold 1
of ml-100k (``split.valid_size=0.1``) and, those of ALS, of a random split of ml-1m, as
cfexp's were.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from cfexp.data.ratings import ITEM, USER
from cfexp.data.split import Data
from cfexp.data.top import Scores
from cfexp.evaluation.catalogue import Catalogue
from cfexp.evaluation.relevance import relevant_rows
from cfexp.evaluation.settings import EvaluationSettings
from cfexp.training.fit import train_and_valid


class Peer(NamedTuple):
    """A model of implicit.

    Attributes:
        make: Returns the model, not fitted, given options and a seed.
        options: Its options, by dataset.
        usual: Its options for other datasets.
    """

    make: Callable[[Mapping[str, Any], int], Any]
    options: Mapping[str, Mapping[str, Any]]
    usual: Mapping[str, Any]


def _als(options: Mapping[str, Any], seed: int) -> Any:
    from implicit.als import AlternatingLeastSquares

    return AlternatingLeastSquares(**options, random_state=seed)


def _bpr(options: Mapping[str, Any], seed: int) -> Any:
    from implicit.bpr import BayesianPersonalizedRanking

    return BayesianPersonalizedRanking(**options, random_state=seed)


ALS_100K = {"factors": 128, "regularization": 10, "alpha": 1}
BPR = {
    "factors": 64,
    "learning_rate": 0.01,
    "regularization": 0.01,
    "iterations": 50,
}
ALS_1M = {"factors": 256, "regularization": 100, "alpha": 10}
PEERS = {
    "implicit-als": Peer(_als, {"ml-100k": ALS_100K, "ml-1m": ALS_1M}, ALS_100K),
    "implicit-bpr": Peer(_bpr, {}, BPR),
}


def fit_peer(
    peer: Peer, data: Data, settings: EvaluationSettings, seed: int
) -> Callable[[Catalogue], Scores]:
    """Fits a model to the positives of train and validation rows.

    Args:
        peer: The model.
        data: The dataset and its split.
        settings: What is relevant, and so a positive.
        seed: The model's seed.

    Returns:
        A function that returns the model's scores of a catalogue.
    """
    ratings, rows = data.ratings, train_and_valid(data.split)
    own = ratings.frame.iloc[rows[relevant_rows(settings, ratings, rows)]]
    users, user = np.unique(own[USER], return_inverse=True)
    items, item = np.unique(own[ITEM], return_inverse=True)
    ones = np.ones(len(own), np.float32)
    matrix = csr_matrix((ones, (user, item)), (len(users), len(items)))
    model = peer.make(peer.options.get(ratings.name, peer.usual), seed)
    model.fit(matrix, show_progress=False)

    def scores(catalogue: Catalogue) -> Scores:
        p = _by_id(users, model.user_factors, catalogue.users)
        q = _by_id(items, model.item_factors, catalogue.items)
        return lambda block: p[block] @ q.T

    return scores


def _by_id(ids: np.ndarray, vectors: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Returns the vector of each wanted id, 0 where it is unknown."""
    at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return np.where((ids[at] == wanted)[:, None], vectors[at], 0)
