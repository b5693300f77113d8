"""LIBMF (parallel stochastic gradient descent): how cfexp's rows become its triples."""

import os

import numpy as np

from cfexp.benchmark.task import Note, Predict, Task
from cfexp.data.ratings import RATING, IntArray
from cfexp.evaluation.metrics import FloatArray


def matrix_factorization(task: Task, epochs: int, note: Note) -> Predict:
    """Fits LIBMF's factors without biases (Chin et al., 2015) to ids.

    It takes no seed. Its threads change vectors without waiting for each other, so
    that two fits differ a little.
    """
    from libmf.mf import MF

    user, item = task.numbers
    rating = task.ratings.frame[RATING].to_numpy(np.float64)[task.train]
    model = MF(nr_iters=epochs, nr_threads=os.cpu_count() or 1, quiet=True)
    model.fit(np.column_stack([user[task.train], item[task.train], rating]))

    def predict() -> FloatArray:
        # Not by its own `predict`, which mistakes rows for columns (libmf 0.9.2).
        vectors = _rows(model.p_factors(), user), _rows(model.q_factors(), item)
        dots = np.einsum("nk,nk->n", *(of[task.test] for of in vectors))
        return np.nan_to_num(dots, nan=rating.mean()).clip(*task.scale)

    return predict


def _rows(vectors: FloatArray, number: IntArray) -> FloatArray:
    """Returns the vector of each row, NaN if its user or movie has no rating."""
    found = np.full((number.max() + 1, vectors.shape[1]), np.nan)
    found[: len(vectors)] = vectors
    return found[number]
