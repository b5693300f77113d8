"""Trained models that can take new users without training again."""

from typing import Protocol, runtime_checkable

from cfexp.data.encoding import Encoded
from cfexp.errors import ConfigError
from cfexp.models.base import Scorer


class FoldIn(Protocol):
    """Folds in one user after the other."""

    def __call__(self, rows: Encoded, *, near: bool = False) -> Scorer:
        """Returns a model whose unknown user, of index 0, has some ratings.

        It is valid until the next call.

        Args:
            rows: The ratings; 1 and 0, relevant or not, if the model learned to rank.
            near: Whether they are almost those of the last call, so that a fit in steps
                may start from its result.
        """
        ...


@runtime_checkable
class Foldable(Protocol):
    """A trained model that can take a new user's ratings without training again."""

    def folding(self, movies: Encoded) -> FoldIn:
        """Returns a function that folds in a new user; see `FoldIn`.

        Args:
            movies: A row for each movie that the model knows; its user does not count.

        Raises:
            ConfigError: The model cannot.
        """
        ...


def folding_of(scorer: Scorer, name: str, movies: Encoded) -> FoldIn:
    """Returns a function that folds in a new user; see `FoldIn`.

    Args:
        scorer: The trained model.
        name: The name of its family, for messages.
        movies: A row for each movie that it knows; its user does not count.

    Raises:
        ConfigError: The model cannot take new users.
    """
    if isinstance(scorer, Foldable):
        return scorer.folding(movies)
    raise ConfigError(f"model={name} cannot take new users from their ratings")
