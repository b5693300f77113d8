"""Principal components: the directions in which vectors differ most."""

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.floating]


def principal_components(vectors: Matrix, k: int = 2) -> tuple[Matrix, Matrix]:
    """Returns the first principal components of vectors (Pearson, 1901).

    By singular value decomposition of the vectors less their mean. The sign of each
    component is that of the largest entry of its direction, so that it is always the
    same.

    Args:
        vectors: Shape ``(n, width)``.
        k: How many components; those that the vectors lack are 0.

    Returns:
        The components of each vector, shape ``(n, k)``; and the share of the vectors'
        variance that each component has, shape ``(k,)``.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    u, s, directions = np.linalg.svd(centred, full_matrices=False)
    largest = np.abs(directions).argmax(axis=1)
    sign = np.where(directions[np.arange(len(directions)), largest] < 0, -1, 1)
    there = min(k, len(s))
    found, shares = np.zeros((len(vectors), k)), np.zeros(k)
    found[:, :there] = (u * s * sign)[:, :there]
    if total := (s**2).sum():
        shares[:there] = (s**2)[:there] / total
    return found, shares
