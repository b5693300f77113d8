"""Trained models that can take new users without training again."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from cfexp.data.encoding import Encoded
from cfexp.errors import ConfigError
from cfexp.models.base import Scorer

# Returns a model whose unknown user, of index 0, has some ratings; it is valid until
# the next call.
FoldIn = Callable[[Encoded], Scorer]


@runtime_checkable
class Foldable(Protocol):
    """A trained model that can take a new user's ratings without training again."""

    def folding(self) -> FoldIn:
        """Returns a function that folds in a new user; see `FoldIn`.

        Raises:
            ConfigError: The model cannot.
        """
        ...


def folding_of(scorer: Scorer, name: str) -> FoldIn:
    """Returns a function that folds in a new user; see `FoldIn`.

    Args:
        scorer: The trained model.
        name: The name of its family, for messages.

    Raises:
        ConfigError: The model cannot take new users.
    """
    if isinstance(scorer, Foldable):
        return scorer.folding()
    raise ConfigError(f"model={name} cannot take new users from their ratings")
