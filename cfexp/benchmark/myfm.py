"""myFM (Bayesian factorization machines): how cfexp's rows become its matrices."""

from contextlib import redirect_stderr
from functools import cache
from io import StringIO
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack

from cfexp.benchmark.learning import RunningMean
from cfexp.benchmark.task import Note, Predict, Task
from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.encoding import Encoded
from cfexp.data.features import Declared


def on_ids(task: Task, epochs: int, note: Note) -> Predict:
    """Fits myFM to ids alone."""
    return _fitted(task, (), epochs, note)


def on_features(task: Task, epochs: int, note: Note) -> Predict:
    """Fits myFM to ids, declared features, and who rated what, both ways."""
    return _fitted(task, task.declared, epochs, note, rank=10, histories=True)


def _fitted(
    task: Task,
    declared: tuple[Declared, ...],
    epochs: int,
    note: Note,
    *,
    rank: int = 8,
    histories: bool = False,
) -> Predict:
    from myfm import MyFMRegressor

    encoder = FeatureEncoder.fit(task.ratings, task.train, declared)
    train = encode(task.ratings, encoder, task.train)
    sizes = encoder.spec.n_users, encoder.spec.n_items
    shared = _histories(train, sizes) if histories else []
    ids, blocks = _relational(train, sizes, shared)

    @cache
    def tested() -> tuple[csr_matrix, list[Any]]:
        return _relational(encode(task.ratings, encoder, task.test), sizes, shared)

    mean = RunningMean()

    def add_sample(number: int, machine: Any, *_: Any) -> tuple[bool, None]:
        note(lambda: mean.including(machine.predict_score(*tested())).clip(*task.scale))
        return False, None

    widths = [*(size - 1 for size in sizes), *(block.feature_size for block in blocks)]
    with redirect_stderr(StringIO()):  # its own progress bar
        model = MyFMRegressor(rank=rank, random_seed=task.seed).fit(
            ids,
            train.rating.astype(np.float64),
            X_rel=blocks,
            n_iter=epochs,
            n_kept_samples=epochs,
            group_shapes=widths,
            callback=add_sample,
        )
    return lambda: np.asarray(model.predict(*tested())).clip(*task.scale)


def _histories(train: Encoded, sizes: tuple[int, int]) -> list[csr_matrix]:
    """Returns who rated what of each user and movie, divided by the root of how many.

    As in SVD++ (Koren, 2008, eq. 15).
    """
    ones = np.ones(len(train))
    of_users = csr_matrix((ones, (train.user, train.item)), shape=sizes)
    found = []
    for table in (of_users, of_users.T.tocsr()):
        root = np.sqrt(np.maximum(np.diff(table.indptr), 1))
        found.append(table.multiply(1 / root[:, None]).tocsr())
    return found


def _relational(
    rows: Encoded, sizes: tuple[int, int], histories: list[csr_matrix]
) -> tuple[csr_matrix, list[Any]]:
    """Returns rows as myFM takes them: ids, and tables of features with rows' places.

    Args:
        rows: The rows; an unknown id, 0, has no 1.
        sizes: Number of users and of movies, those of 0 included.
        histories: The histories of users and movies; or nothing.
    """
    from myfm import RelationBlock

    ids = []
    for index, size in zip((rows.user, rows.item), sizes, strict=True):
        known = np.flatnonzero(index)
        entries = np.ones(len(known)), (known, index[known] - 1)
        ids.append(csr_matrix(entries, shape=(len(rows), size - 1)))
    tables = [(f.row, f.table) for f in rows.features.values()]
    tables += zip((rows.user, rows.item), histories, strict=False)
    blocks = [
        RelationBlock(place.tolist(), table.astype(np.float64))
        for place, table in tables
    ]
    return hstack(ids, format="csr"), blocks
