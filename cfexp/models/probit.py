"""New users of ordinal models: probit regression on the movies' vectors."""

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Values = npt.NDArray[np.float64]

STEPS, CHANGE = 200, 1e-4  # most steps, and the change of a vector that ends them
LEAST_MASS = 1e-290  # of an interval, below which its mean is its nearer bound


def probit(
    design: Values,
    base: Values,
    bounds: tuple[Values, Values],
    *,
    mean: Values,
    precision: Values,
    weight: Values,
) -> Values:
    """Returns the mode of each sample's posterior of a vector w.

    A latent rating ``base + design w + noise`` lies within the bounds of its level, and
    the prior of w is normal. By expectation maximisation (Dempster, Laird and Rubin,
    1977) with the latent ratings of Albert and Chib (1993, sec. 4) as what is missing:
    their mean given w, then ridge regression on it.

    Args:
        design: Shape ``(samples, n, width)``.
        base: Shape ``(samples, n)``.
        bounds: Lower and upper bounds, shape ``(samples, n)`` each.
        mean: Prior means, shape ``(samples, width)``.
        precision: Prior precisions, shape ``(samples, width, width)``.
        weight: Precision of the noise, shape ``(samples,)``.

    Returns:
        Shape ``(samples, width)``.
    """
    turned = weight[:, None, None] * np.swapaxes(design, 1, 2)
    inverse = np.linalg.inv(precision + turned @ design)
    fixed = precision @ mean[..., None]
    root = np.sqrt(weight)[:, None]
    found = mean[..., None]
    for _ in range(STEPS):
        latent = base + (design @ found)[..., 0]
        low, high = (root * (bound - latent) for bound in bounds)
        away = latent + _mean_between(low, high) / root - base
        before, found = found, inverse @ (fixed + turned @ away[..., None])
        if np.max(np.abs(found - before), initial=0.0) < CHANGE:
            break
    return np.asarray(found[..., 0], np.float64)


def _mean_between(low: Values, high: Values) -> Values:
    """Returns the mean of a standard normal variable between two bounds."""
    # In the lower tail, where differences of the distribution function are exact.
    turned = low > 0
    below, above = np.where(turned, -high, low), np.where(turned, -low, high)
    mass = ndtr(above) - ndtr(below)
    rise = (np.exp(-(below**2) / 2) - np.exp(-(above**2) / 2)) / np.sqrt(2 * np.pi)
    is_far = mass < LEAST_MASS
    found = np.where(is_far, above, rise / np.where(is_far, 1.0, mass))
    return np.where(turned, -found, found)
