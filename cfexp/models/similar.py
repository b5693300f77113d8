"""Movies that are like a movie, by the cosine of their embeddings."""

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from cfexp.data.encoding import Encoded
from cfexp.errors import ConfigError
from cfexp.models.base import Scorer

Vectors = npt.NDArray[np.floating]


@runtime_checkable
class HasItemVectors(Protocol):
    """A trained model that may have vectors of movies."""

    def item_vectors(self, items: Encoded) -> Vectors | None:
        """Returns a vector of each movie, shape ``(n, width)``; None if it has none.

        Args:
            items: A row for each movie; its user does not count.
        """
        ...


def unit_vectors(scorer: Scorer, items: Encoded) -> Vectors | None:
    """Returns the movies' vectors, of length 1, shape ``(n, width)``; None without any.

    Args:
        scorer: The trained model.
        items: A row for each movie; its user does not count.
    """
    if not isinstance(scorer, HasItemVectors):
        return None
    vectors = scorer.item_vectors(items)
    if vectors is None:
        return None
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def require_vectors(scorer: Scorer, items: Encoded, name: str) -> Vectors:
    """Returns the result of `unit_vectors`.

    Args:
        scorer: The trained model.
        items: A row for each movie; its user does not count.
        name: The name of the model's family, for messages.

    Raises:
        ConfigError: The model has no vectors of movies.
    """
    vectors = unit_vectors(scorer, items)
    if vectors is None:
        raise ConfigError(
            f"model={name} has no embeddings of movies to compare. Models such as dot,"
            " ncf, deep, svdpp, fm and bayes have, and ensembles of them"
        )
    return vectors


def most_similar(
    vectors: Vectors, own: int, k: int
) -> tuple[npt.NDArray[np.int64], Vectors]:
    """Returns the positions of the vectors nearest to one of them, and their cosines.

    Args:
        vectors: Of length 1, shape ``(n, width)``.
        own: The position of the one, which is left out.
        k: How many.
    """
    cosine = vectors @ vectors[own]
    order = np.argsort(-cosine, kind="stable")
    nearest = order[order != own][:k]
    return nearest, cosine[nearest]
