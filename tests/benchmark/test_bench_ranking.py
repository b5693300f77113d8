"""``cfexp bench --ranking``: peers of implicit, on the same catalogue."""

from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import cfexp
from scipy.sparse import csr_matrix
from small_data import synthetic

from cfexp.benchmark.implicit import Peer, fit_peer
from cfexp.data.ratings import ITEM, RATING, USER
from cfexp.data.split import Data
from cfexp.data.splitters import RandomHoldout
from cfexp.evaluation.catalogue import Catalogue
from cfexp.evaluation.settings import EvaluationSettings


class Remembers:
    """Scores a pair by whether it is in the matrix that it was fitted to."""

    def fit(self, matrix: csr_matrix, show_progress: bool) -> None:
        self.user_factors = matrix.toarray()
        self.item_factors = np.eye(matrix.shape[1])


def test_a_peer_is_fitted_to_positives_and_scores_by_id() -> None:
    ratings = synthetic().load()
    data = Data(ratings, RandomHoldout().split(ratings, seed=0))
    settings = EvaluationSettings(ranking=True)
    peer = Peer(lambda options, seed: Remembers(), {}, {})
    catalogue = Catalogue.of(*data, settings, 0)
    found = fit_peer(peer, data, settings, 0)(catalogue)(np.arange(3))
    known = ratings.frame.iloc[np.r_[data.split.train, data.split.valid]]
    liked = known[known[RATING] >= 4]
    for user, row in zip(catalogue.users[:3], found, strict=True):
        expected = set(liked.loc[liked[USER] == user, ITEM])
        assert expected
        assert set(catalogue.items[row > 0]) == expected


def test_what_is_missing_is_told(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find: Any = util.find_spec
    monkeypatch.setattr(
        util, "find_spec", lambda name, *a: None if name == "implicit" else find(name)
    )
    said = cfexp("bench", "--ranking", cwd=workdir).stderr
    assert "bench --ranking needs implicit, which is not installed" in said
    assert "pip install 'cfexp[bench]'" in said
    said = cfexp("bench", "--ranking", "--peers", "implicit-asl", cwd=workdir).stderr
    assert (
        "peer implicit-asl is not in the benchmark (did you mean implicit-als" in said
    )
