"""Samples of a factorisation model's posterior, which predict together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from cfexp.data.encoding import Encoded
from cfexp.models.base import WithStd
from cfexp.models.foldable import FoldIn
from cfexp.models.posterior_folding import Likelihood, PosteriorFolding
from cfexp.models.sampled_side import FloatArray, SampledSide, ratings_of_vectors

# Numbers that a block of predictions holds in memory.
CELLS = 8_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Posterior:
    """Samples of the posterior; a prediction is the mean of theirs.

    Attributes:
        sides: Users, then movies, then sessions if there are any.
        precision: Precision of each user's ratings, shape ``(samples, n_users)``.
        cutpoints: Cutpoints between levels, shape ``(samples, levels - 1)``.
        levels: The ratings that an ordinal likelihood knows; empty for a normal one.
        offset: Added to a normal likelihood's ratings.
        scale: Lowest and highest rating.
    """

    FILE: ClassVar[str] = "posterior.npz"

    sides: tuple[SampledSide, ...]
    precision: FloatArray
    cutpoints: FloatArray
    levels: FloatArray
    offset: float
    scale: tuple[float, float]

    @classmethod
    def joined(cls, samples: Sequence["Posterior"]) -> "Posterior":
        """Returns one posterior with all samples."""
        first = samples[0]
        sides = zip(*(sample.sides for sample in samples), strict=True)
        return cls(
            sides=tuple(map(SampledSide.joined, sides)),
            precision=np.concatenate([sample.precision for sample in samples]),
            cutpoints=np.concatenate([sample.cutpoints for sample in samples]),
            levels=first.levels,
            offset=first.offset,
            scale=first.scale,
        )

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.precision)

    @property
    def n_parameters(self) -> int:
        """Number of values in one sample."""
        return sum(values.size for values in self.trained()) // self.n_samples

    def predict(self, rows: Encoded) -> npt.NDArray[np.float64]:
        """Returns ratings within the scale, shape ``(n,)``."""
        return self._moments(rows)[0]

    def std(self, rows: Encoded) -> npt.NDArray[np.float64]:
        """Returns the standard deviation of each rating, shape ``(n,)``.

        Both of what the model does not know, and of what users leave to chance.
        """
        return self.predict_with_std(rows)[1]

    def predict_with_std(self, rows: Encoded) -> WithStd:
        """Returns both, see `predict` and `std`."""
        mean, square = self._moments(rows)
        return mean, np.sqrt(np.maximum(square - mean**2, 0.0))

    def _moments(
        self, rows: Encoded
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Returns the mean of each rating and of its square."""
        mean, square = np.empty(len(rows)), np.empty(len(rows))
        for part in self._blocks(len(rows)):
            rating = ratings_of_vectors(
                [side.of_rows(rows, part) for side in self.sides]
            )
            precision = self.precision[:, rows.user[part]]
            if len(self.levels):
                first, second = self._of_levels(rating, np.sqrt(precision))
            else:
                first = np.clip(rating + self.offset, *self.scale)
                second = first**2 + 1 / precision
            mean[part], square[part] = first.mean(0), second.mean(0)
        return mean, square

    def folding(self, movies: Encoded) -> FoldIn:
        """Returns a function that gives a new user a vector in each sample."""
        likelihood = Likelihood(self.offset, self.levels, self.cutpoints)
        folding = PosteriorFolding(self.sides, self.precision, likelihood)
        # Nobody but the unknown user, of index 0, is predicted with what it returns.
        precision = folding.precision[:, None]

        def fold_in(rows: Encoded, *, near: bool = False) -> "Posterior":
            vector = folding.fit(rows, near=near)
            side = replace(self.sides[0], vectors=vector[:, None])
            sides = (side, *self.sides[1:])
            return replace(self, sides=sides, precision=precision)

        return fold_in

    def _of_levels(
        self, rating: FloatArray, root: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Returns the mean of each rating and of its square, over its levels."""
        first = np.full_like(rating, self.levels[0])
        second = np.full_like(rating, self.levels[0] ** 2)
        steps = zip(self.cutpoints.T, self.levels[:-1], self.levels[1:], strict=True)
        for cutpoint, low, high in steps:
            above = ndtr((rating - cutpoint[:, None]) * root)
            first += (high - low) * above
            second += (high**2 - low**2) * above
        return first, second

    def _blocks(self, n_rows: int) -> Iterator[slice]:
        width = sum(side.vectors.shape[2] for side in self.sides)
        size = max(1, CELLS // (self.n_samples * width))
        for start in range(0, n_rows, size):
            yield slice(start, start + size)

    def item_vectors(self, items: Encoded) -> FloatArray:
        """Returns the movies' factors of all samples, side by side.

        Factors of different samples are turned against each other; products of two
        movies' factors are not.
        """
        factors = self.sides[1].of_rows(items, slice(None))[..., 1:]
        return np.concatenate(list(factors), axis=1)

    def trained(self) -> list[npt.NDArray[Any]]:
        """Returns all sampled values."""
        sides = [[s.vectors, *s.effects.values()] for s in self.sides]
        return [*chain.from_iterable(sides), self.precision, self.cutpoints]

    def save(self, folder: Path) -> None:
        """Writes the samples into `folder`, without pickle."""
        arrays: dict[str, Any] = {
            f"{side.of}/{name}": values
            for side in self.sides
            for name, values in side.arrays().items()
        }
        arrays |= {
            "sides": [side.of for side in self.sides],
            "precision": self.precision,
            "cutpoints": self.cutpoints,
            "levels": self.levels,
            "offset": self.offset,
            "scale": self.scale,
        }
        np.savez(folder / self.FILE, **arrays)

    def parts(self) -> list[Any]:
        """Returns nothing: it is loaded with its own class."""
        return []

    @classmethod
    def load(cls, folder: Path) -> "Posterior":
        """Reads samples written by `save`."""
        with np.load(folder / cls.FILE, allow_pickle=False) as saved:
            arrays = dict(saved)
        return cls(
            sides=tuple(_side(str(of), arrays) for of in arrays["sides"]),
            precision=arrays["precision"],
            cutpoints=arrays["cutpoints"],
            levels=arrays["levels"],
            offset=float(arrays["offset"]),
            scale=tuple(arrays["scale"].tolist()),
        )


def _side(of: str, arrays: dict[str, npt.NDArray[Any]]) -> SampledSide:
    own = f"{of}/"
    each = arrays.items()
    found = {n.removeprefix(own): v for n, v in each if n.startswith(own)}
    return SampledSide.from_arrays(of, found)
