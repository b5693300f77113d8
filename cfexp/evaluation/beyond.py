"""What recommended movies are like, besides relevant."""

import numpy as np
import numpy.typing as npt

from cfexp.data.top import NONE, FloatArray, IntArray

COVERAGE, NOVELTY, DIVERSITY, GINI = "coverage", "novelty", "diversity", "gini"


def beyond_accuracy(
    recommended: IntArray, count: IntArray, n_users: int, genres: npt.NDArray[np.bool_]
) -> dict[str, float]:
    """Returns coverage, novelty, diversity and concentration of recommended movies.

    - coverage: the share of all movies that somebody is recommended.
    - novelty: the mean of ``-log2(share of users who rated the movie)``, in bits (Zhou
      et al., 2010); a movie that nobody rated counts as rated once.
    - diversity: the mean over users and pairs of their movies of the Jaccard distance
      of the genres (intra-list distance, Ziegler et al., 2005); of lists of two or more
      movies.
    - Gini: the concentration of recommendations on few movies, from 0, all equally
      often, to almost 1, all the same.

    Args:
        recommended: Movie at each place of each user's list, `NONE` for none, shape
            ``(n_lists, k)``.
        count: Number of training ratings of each movie, shape ``(n_items,)``.
        n_users: Number of users in training.
        genres: Whether a movie has a genre, shape ``(n_items, n_genres)``.
    """
    shown = recommended[recommended != NONE]
    times = np.bincount(shown, minlength=len(count))
    share = np.maximum(count, 1) / max(n_users, 1)
    novelty = -np.log2(share[shown])
    return {
        COVERAGE: float(np.mean(times > 0)),
        NOVELTY: float(np.mean(novelty)) if len(shown) else float("nan"),
        DIVERSITY: _diversity(recommended, genres.astype(np.float32)),
        GINI: _gini(times),
    }


def _diversity(recommended: IntArray, genres: npt.NDArray[np.float32]) -> float:
    """Returns the mean Jaccard distance of the pairs of each list."""
    total, lists = 0.0, 0
    for start in range(0, len(recommended), 4096):
        block = recommended[start : start + 4096]
        there = block != NONE
        own = genres[block]
        both = own @ own.transpose(0, 2, 1)
        sizes = own.sum(2)
        either = sizes[:, :, None] + sizes[:, None, :] - both
        # Two movies without genres are alike.
        distance = 1 - np.divide(both, either, out=np.ones_like(both), where=either > 0)
        pair = there[:, :, None] & there[:, None, :]
        pair &= ~np.eye(block.shape[1], dtype=bool)
        pairs = pair.sum((1, 2))
        several = pairs > 0
        sums = (distance * pair).sum((1, 2))[several] / pairs[several]
        total, lists = total + float(sums.sum()), lists + int(several.sum())
    return total / lists if lists else float("nan")


def _gini(times: IntArray) -> float:
    """Returns the Gini coefficient of how often each movie is recommended."""
    ordered: FloatArray = np.sort(times).astype(np.float64)
    n, total = len(ordered), ordered.sum()
    if not total:
        return float("nan")
    rank = np.arange(1, n + 1)
    return float(2 * (rank * ordered).sum() / (n * total) - (n + 1) / n)
