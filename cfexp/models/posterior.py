"""Samples of a factorisation model's posterior, which predict together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from cfexp.data.encoding import Encoded
from cfexp.runtime.memo import read_only

FloatArray = npt.NDArray[np.floating]
# Numbers that a block of predictions holds in memory.
CELLS = 8_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Posterior:
    """Samples of the posterior; a prediction is the mean of theirs.

    Attributes:
        vectors: Biases and factors of users, then of movies, shape ``(samples, n, 1 +
            width)`` each.
        precision: Precision of each user's ratings, shape ``(samples, n_users)``.
        cutpoints: Cutpoints between levels, shape ``(samples, levels - 1)``.
        levels: The ratings that an ordinal likelihood knows; empty for a normal one.
        offset: Added to a normal likelihood's ratings.
        scale: Lowest and highest rating.
    """

    FILE: ClassVar[str] = "posterior.npz"

    vectors: tuple[FloatArray, ...]
    precision: FloatArray
    cutpoints: FloatArray
    levels: FloatArray
    offset: float
    scale: tuple[float, float]

    def __post_init__(self) -> None:
        # What is saved is what predicts: half of the digits are far more than needed.
        vectors = tuple(read_only(v.astype(np.float16)) for v in self.vectors)
        object.__setattr__(self, "vectors", vectors)

    @classmethod
    def joined(cls, samples: Sequence["Posterior"]) -> "Posterior":
        """Returns one posterior with all samples."""
        first = samples[0]
        sides = zip(*(sample.vectors for sample in samples), strict=True)
        return cls(
            vectors=tuple(np.concatenate(side) for side in sides),
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
        mean, square = self._moments(rows)
        return np.sqrt(np.maximum(square - mean**2, 0.0))

    def _moments(
        self, rows: Encoded
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Returns the mean of each rating and of its square."""
        mean, square = np.empty(len(rows)), np.empty(len(rows))
        for part in self._blocks(len(rows)):
            user = rows.user[part]
            rating = self._ratings((user, rows.item[part]))
            precision = self.precision[:, user].astype(np.float32)
            if len(self.levels):
                first, second = self._of_levels(rating, np.sqrt(precision))
            else:
                first = np.clip(rating + self.offset, *self.scale)
                second = first**2 + 1 / precision
            mean[part], square[part] = first.mean(0), second.mean(0)
        return mean, square

    def _ratings(self, indices: Sequence[npt.NDArray[np.int32]]) -> FloatArray:
        """Returns the rating that each sample gives, shape ``(samples, n)``."""
        found = [
            side[:, index].astype(np.float32)
            for side, index in zip(self.vectors, indices, strict=True)
        ]
        total = np.sum(found, axis=0)
        squares = np.sum(
            [np.einsum("snk,snk->sn", *[v[..., 1:]] * 2) for v in found], 0
        )
        both = np.einsum("snk,snk->sn", *[total[..., 1:]] * 2)
        return total[..., 0] + (both - squares) / 2

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
        size = max(1, CELLS // sum(v.shape[0] * v.shape[2] for v in self.vectors))
        for start in range(0, n_rows, size):
            yield slice(start, start + size)

    def trained(self) -> list[npt.NDArray[Any]]:
        """Returns all sampled values."""
        return [*self.vectors, self.precision, self.cutpoints]

    def save(self, folder: Path) -> None:
        """Writes the samples into `folder`, without pickle."""
        arrays: dict[str, Any] = {
            **{f"vectors_{i}": side for i, side in enumerate(self.vectors)},
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
            sides = sorted(name for name in saved if name.startswith("vectors_"))
            return cls(
                vectors=tuple(saved[name] for name in sides),
                precision=saved["precision"],
                cutpoints=saved["cutpoints"],
                levels=saved["levels"],
                offset=float(saved["offset"]),
                scale=tuple(saved["scale"].tolist()),
            )
