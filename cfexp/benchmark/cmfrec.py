"""cmfrec (collective matrix factorisation): how cfexp's rows become its matrices."""

import numpy as np
from scipy.sparse import coo_matrix, hstack

from cfexp.benchmark.task import Note, Predict, Task
from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.encoding import Encoded, Of
from cfexp.data.ratings import RATING, IntArray
from cfexp.evaluation.metrics import FloatArray


def on_ids(task: Task, epochs: int, note: Note) -> Predict:
    """Fits matrix factorisation with biases by alternating least squares."""
    return _fitted(task, epochs, features=False)


def on_features(task: Task, epochs: int, note: Note) -> Predict:
    """Fits it together with tables of users and movies, and with who rated what."""
    return _fitted(task, epochs, features=True)


def _fitted(task: Task, epochs: int, *, features: bool) -> Predict:
    from cmfrec import CMF

    user, item = task.numbers
    rating = task.ratings.frame[RATING].to_numpy(np.float64)[task.train]
    shape = user.max() + 1, item.max() + 1
    known = coo_matrix((rating, (user[task.train], item[task.train])), shape)
    tables = {}
    if features:
        encoder = FeatureEncoder.fit(task.ratings, task.train, task.declared)
        rows = encode(task.ratings, encoder, np.arange(len(user)))
        tables = {"U": _table(rows, "user", user), "I": _table(rows, "item", item)}
    model = CMF(
        niter=epochs,
        add_implicit_features=features,
        random_state=task.seed,
        verbose=False,
    ).fit(known, **tables)

    a, p = _known(model.user_bias_, model.A_, known.getnnz(1), features)
    b, q = _known(model.item_bias_, model.B_, known.getnnz(0), features)

    def predict() -> FloatArray:
        u, i = user[task.test], item[task.test]
        found = model.glob_mean_ + a[u] + b[i] + np.einsum("nk,nk->n", p[u], q[i])
        return np.asarray(found, np.float64).clip(*task.scale)

    return predict


def _known(
    bias: FloatArray, factors: FloatArray, count: IntArray, features: bool
) -> tuple[FloatArray, FloatArray]:
    """Returns the biases and factors of users or movies.

    Without ratings, a bias is 0, and so are factors, if they do not come from features:
    cmfrec 3.5.1 leaves there what it started from.

    Args:
        bias: All biases.
        factors: All factors.
        count: Number of ratings.
        features: Whether there are features.
    """
    rated = count > 0
    factors = np.where(rated[:, None] | features, factors, 0)
    return np.where(rated, bias, 0), factors


def _table(rows: Encoded, of: Of, number: IntArray) -> FloatArray | None:
    """Returns the features of users or movies, None if there are none.

    Args:
        rows: All rows.
        of: Whose features.
        number: The number of each row's user or movie, from 0.

    Returns:
        1 where one has a value, else 0, shape ``(n_users, n_values)``.
    """
    first = np.unique(number, return_index=True)[1]
    own = [f.table[f.row[first]] for f in rows.features.values() if f.of == of]
    return hstack(own).toarray().astype(np.float64) if own else None
