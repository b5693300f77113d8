"""New users of a posterior, whose vector is fitted in each of its samples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cfexp.data.encoding import Encoded
from cfexp.models.probit import Values, probit
from cfexp.models.ridge import prior_of, ridge, sums_of
from cfexp.models.sampled_side import FloatArray, SampledSide, ratings_of_vectors


@dataclass(frozen=True, eq=False)
class Likelihood:
    """What is known of ratings given a sample, see `cfexp.models.posterior.Posterior`.

    Attributes:
        offset: Added to a normal likelihood's ratings.
        levels: The ratings that an ordinal likelihood knows; empty for a normal one.
        cutpoints: Cutpoints between levels, shape ``(samples, levels - 1)``.
    """

    offset: float
    levels: FloatArray
    cutpoints: FloatArray

    def bounds(self, rating: npt.NDArray[np.floating]) -> tuple[Values, Values]:
        """Returns the cutpoints around the level that is nearest to each rating."""
        level = np.abs(rating[:, None] - self.levels).argmin(1)
        ends = np.full((len(self.cutpoints), 1), np.inf)
        cuts = np.concatenate([-ends, self.cutpoints, ends], 1)
        return cuts[:, level], cuts[:, level + 1]


class PosteriorFolding:
    """Gives one user after the other a vector in each sample of a posterior.

    Given the movies' vectors of the sample, and with the users' vectors as the prior
    and their mean precision: the mean of the user's posterior, see `ridge`, or, of an
    ordinal likelihood, its mode, see `probit`.

    Args:
        sides: Users, then movies, then sessions if there are any.
        precision: Precision of each user's ratings, shape ``(samples, n_users)``.
        likelihood: What is known of ratings.

    Attributes:
        precision: Precision of a new user's ratings, shape ``(samples,)``.
    """

    def __init__(
        self,
        sides: Sequence[SampledSide],
        precision: FloatArray,
        likelihood: Likelihood,
    ):
        self._sides, self._likelihood = sides, likelihood
        self.precision = precision[:, 1:].mean(1).astype(np.float64)
        mean, inverse = prior_of(sides[0].vectors[:, 1:])
        given = {"mean": mean, "precision": inverse, "weight": self.precision}
        self._given = given
        self._last: tuple[Encoded, tuple[Values, Values]] | None = None

    def fit(self, rows: Encoded, *, near: bool) -> Values:
        """Returns a user's vector in each sample, shape ``(samples, 1 + width)``.

        Arguments as those of `cfexp.models.foldable.FoldIn`.
        """
        if not len(self._likelihood.levels):
            return ridge(self._sums(rows, near), **self._given)
        bounds = self._likelihood.bounds(rows.rating)
        return probit(*self._regression(rows), bounds, **self._given)

    def _regression(self, rows: Encoded) -> tuple[Values, Values]:
        """Returns what a user's vector is multiplied by, and what is added."""
        own, *others = (side.of_rows(rows, slice(None)) for side in self._sides)
        # What features of the user say stays; its own vector is fitted.
        known = own - self._sides[0].vectors[:, rows.user].astype(np.float32)
        rest = np.sum(others, axis=0)
        design = np.concatenate([np.ones_like(rest[..., :1]), rest[..., 1:]], -1)
        base = ratings_of_vectors([known, *others])
        return design.astype(np.float64), base.astype(np.float64)

    def _sums(self, rows: Encoded, near: bool) -> tuple[Values, Values]:
        """Returns the sums of a user's rows; if near, from those of the last one."""

        def of(part: Encoded) -> tuple[Values, Values]:
            design, base = self._regression(part)
            return sums_of(design, part.rating - self._likelihood.offset - base)

        if near and self._last:
            before, (left, right) = self._last
            gone, new = of(_without(before, rows)), of(_without(rows, before))
            found = left - gone[0] + new[0], right - gone[1] + new[1]
        else:
            found = of(rows)
        self._last = rows, found
        return found


def _without(rows: Encoded, others: Encoded) -> Encoded:
    """Returns the rows that are none of the others."""
    there = set(zip(others.item.tolist(), others.rating.tolist(), strict=True))
    pairs = zip(rows.item.tolist(), rows.rating.tolist(), strict=True)
    return rows.at(np.flatnonzero([pair not in there for pair in pairs]))
