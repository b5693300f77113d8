"""Samples of the vectors of one side of the ratings: users, movies or sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cfexp.data.encoding import Encoded, Feature
from cfexp.runtime.memo import read_only

FloatArray = npt.NDArray[np.floating]
KEYS = "keys"


@dataclass(frozen=True, eq=False, kw_only=True)
class SampledSide:
    """Samples of the biases and factors of users, of movies, or of sessions.

    A session is a user's ratings with one value of a feature of ratings: of one day.

    Attributes:
        of: ``user``, ``item``, or the feature of ratings that makes sessions.
        vectors: Biases, then factors, without the effects of features, shape
            ``(samples, n, 1 + width)``.
        effects: Effect of each value of each feature, by name, shape ``(samples,
            values, 1 + width)``.
        keys: Of sessions: the key of each, from 1, sorted; see `session_keys`.
    """

    of: str
    vectors: FloatArray
    effects: dict[str, FloatArray]
    keys: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        # What is saved is what predicts: half of the digits are far more than needed.
        vectors = read_only(self.vectors.astype(np.float16))
        effects = {n: read_only(e.astype(np.float16)) for n, e in self.effects.items()}
        object.__setattr__(self, "vectors", vectors)
        object.__setattr__(self, "effects", effects)

    @classmethod
    def joined(cls, samples: Sequence["SampledSide"]) -> "SampledSide":
        """Returns all samples together."""
        first = samples[0]
        names = first.effects
        return cls(
            of=first.of,
            vectors=np.concatenate([sample.vectors for sample in samples]),
            effects={n: np.concatenate([s.effects[n] for s in samples]) for n in names},
            keys=first.keys,
        )

    def of_rows(self, rows: Encoded, part: slice) -> FloatArray:
        """Returns the vectors of some rows, shape ``(samples, n, 1 + width)``."""
        found = self.vectors[:, self._index(rows, part)].astype(np.float32)
        for name, effect in self.effects.items():
            feature = rows.features[name]
            # Far fewer different rows of features than ratings.
            used, place = np.unique(feature.row[part], return_inverse=True)
            found += _effect(effect, feature.values[used])[:, place]
        return found

    def _index(self, rows: Encoded, part: slice) -> npt.NDArray[np.integer]:
        if self.of == "user":
            return rows.user[part]
        if self.of == "item":
            return rows.item[part]
        keys = session_keys(rows.user[part], rows.features[self.of], part)
        place = np.searchsorted(self.keys, keys).clip(0, len(self.keys) - 1)
        return np.where(self.keys[place] == keys, place + 1, 0)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Returns what `from_arrays` needs, by name."""
        effects = {f"effect/{name}": each for name, each in self.effects.items()}
        return {"vectors": self.vectors, KEYS: self.keys, **effects}

    @classmethod
    def from_arrays(cls, of: str, arrays: dict[str, npt.NDArray[Any]]) -> "SampledSide":
        """Returns the samples that `arrays` describes."""
        effects = {
            name.removeprefix("effect/"): values
            for name, values in arrays.items()
            if name.startswith("effect/")
        }
        return cls(of=of, vectors=arrays["vectors"], effects=effects, keys=arrays[KEYS])


def ratings_of_vectors(vectors: Sequence[FloatArray]) -> FloatArray:
    """Returns the rating that each sample gives, shape ``(samples, n)``.

    Args:
        vectors: The vectors of each side, shape ``(samples, n, 1 + width)``.
    """
    total = np.sum(vectors, axis=0)
    products = [_squared(total), *(-_squared(each) for each in vectors)]
    rating: FloatArray = total[..., 0] + np.sum(products, axis=0) / 2
    return rating


def _squared(vectors: FloatArray) -> FloatArray:
    factors = vectors[..., 1:]
    found: FloatArray = np.einsum("snk,snk->sn", factors, factors)
    return found


def session_keys(
    user: npt.NDArray[np.int32], feature: Feature, part: slice = slice(None)
) -> npt.NDArray[np.int64]:
    """Returns the key of the session of each row, shape ``(n,)``.

    Args:
        user: The user's index.
        feature: A feature of ratings, of which each row has one value.
        part: The rows.
    """
    value = feature.values[feature.row[part], 0].astype(np.int64)
    return user.astype(np.int64) * feature.table.shape[1] + value


def _effect(effect: FloatArray, values: npt.NDArray[np.int32]) -> FloatArray:
    """Returns the summed effects of values, of which those of -1 do not exist."""
    total = np.zeros((effect.shape[0], len(values), effect.shape[2]), np.float32)
    for column in values.T:
        there = column >= 0
        total[:, there] += effect[:, column[there]]
    return total
