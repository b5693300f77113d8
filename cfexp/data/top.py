"""The highest scores of each row, in a fixed order of equal ones."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from cfexp.errors import TrainingError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
# No column: a row has fewer than places.
NONE = -1
# Scores of all columns, shape ``(rows, columns)``, of the rows at some positions: a new
# array, in which what must not be ranked is then marked.
Scores = Callable[[IntArray], npt.NDArray[np.floating]]
BLOCK = 4_000_000  # scores in memory at once


def best_of_rows(
    scores: Scores, left_out: csr_matrix, tie: IntArray, k: int
) -> IntArray:
    """Returns the columns of the highest scores of all rows, a block after the other.

    Args:
        scores: The scores of some rows.
        left_out: What must not be ranked, shape ``(n, columns)``.
        tie: As in `top_k`.
        k: As in `top_k`.

    Returns:
        As `top_k`, shape ``(n, k)``.
    """
    n, columns = left_out.shape
    size = max(1, BLOCK // max(1, columns))
    found = [np.empty((0, k), np.int64)]
    for start in range(0, n, size):
        block = np.arange(start, min(start + size, n))
        score = np.asarray(scores(block), np.float32)
        score[left_out[block].nonzero()] = -np.inf
        found.append(top_k(score, tie, k))
    return np.concatenate(found)


def top_k(score: npt.NDArray[np.floating], tie: IntArray, k: int) -> IntArray:
    """Returns the columns of the highest scores, best first, shape ``(n, k)``.

    Args:
        score: Scores, ``-inf`` for what must not be ranked, shape ``(n, columns)``.
        tie: A permutation of the columns: of equal scores, the higher one is first.
        k: Number of places; those without a column are `NONE`.

    Raises:
        TrainingError: A score is not a number.
    """
    score = np.asarray(score, np.float32)
    places = min(k, score.shape[1])
    lowest = _below_places(score, places)
    if np.isnan(lowest).any():
        raise TrainingError("ranking: a predicted rating is not a number")
    # Few scores are left, which are sorted: a sort of all would take far longer.
    flat = np.flatnonzero(score >= lowest[:, None])
    row, column = np.divmod(flat, score.shape[1])
    order = np.lexsort((-tie[column], -score.ravel()[flat], row))
    row, column = row[order], column[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    found = np.full((len(score), k), NONE)
    found[row[place < k], place[place < k]] = column[place < k]
    return found


def _below_places(score: npt.NDArray[np.float32], places: int) -> FloatArray:
    """Returns a score of each row that at least `places` scores reach, NaN if one is.

    The columns are dealt into groups; so many groups have a maximum that is as high.
    It is finite: what must not be ranked does not reach it.
    """
    columns = score.shape[1]
    groups = min(columns, max(1024, 8 * places))
    whole = columns - columns % groups
    highest = score[:, :whole].reshape(len(score), -1, groups).max(1)
    rest = score[:, whole:]
    part = highest[:, : rest.shape[1]]
    np.maximum(part, rest, out=part)
    found = np.partition(highest, groups - places, axis=1)[:, groups - places]
    found[np.isnan(highest).any(1)] = np.nan
    return np.maximum(found, np.finfo(np.float32).min)
