"""New users of models in closed form: ridge regression on the movies' vectors."""

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


def sums_of(design: Values, target: Values) -> tuple[Values, Values]:
    """Returns what ridge regression needs of rows: the sum of that of each row.

    Args:
        design: Shape ``(samples, n, width)``.
        target: Shape ``(samples, n)``.

    Returns:
        Shape ``(samples, width, width)`` and ``(samples, width, 1)``.
    """
    turned = np.swapaxes(design, 1, 2)
    return turned @ design, turned @ target[..., None]


def ridge(
    sums: tuple[Values, Values], *, mean: Values, precision: Values, weight: Values
) -> Values:
    """Returns the mean of each sample's normal posterior of a vector w.

    ``target = design w + noise`` with a normal prior of w (Bishop, 2006, Pattern
    Recognition and Machine Learning, eq. 3.50).

    Args:
        sums: Those of all rows, see `sums_of`.
        mean: Prior means, shape ``(samples, width)``.
        precision: Prior precisions, shape ``(samples, width, width)``.
        weight: Precision of the noise, shape ``(samples,)``.

    Returns:
        Shape ``(samples, width)``.
    """
    left = precision + weight[:, None, None] * sums[0]
    right = precision @ mean[..., None] + weight[:, None, None] * sums[1]
    return np.asarray(np.linalg.solve(left, right)[..., 0], np.float64)


def prior_of(vectors: npt.NDArray[np.floating]) -> tuple[Values, Values]:
    """Returns the means and precisions of users' vectors, as a prior of a new one.

    Args:
        vectors: Shape ``(samples, users, width)``.
    """
    values: Values = vectors.astype(np.float64)
    mean = values.mean(1)
    away = values - mean[:, None]
    covariance = np.swapaxes(away, 1, 2) @ away / max(values.shape[1] - 1, 1)
    # Of very few users it would have no inverse.
    width = covariance.shape[-1]
    scale = np.trace(covariance, axis1=1, axis2=2)[:, None, None] / width
    return mean, np.linalg.inv(covariance + (1e-3 * scale + 1e-9) * np.eye(width))
