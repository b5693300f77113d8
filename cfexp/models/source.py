"""A trained model whose weights a new training starts from."""

from dataclasses import dataclass, replace

from cfexp.data.complete import completed
from cfexp.data.split import Data
from cfexp.models.overlap import check_related, unknown_split
from cfexp.models.predictor import Predictor


@dataclass(frozen=True)
class Source:
    """A trained model to fine-tune.

    Attributes:
        predictor: The model.
        name: Its run id, or its folder.
        known_rows: What to do with test and validation rows that it knows: ``error``
            or ``drop``.
        same_ids: Whether the same ids in other data mean the same users and movies.
    """

    predictor: Predictor
    name: str
    known_rows: str = "error"
    same_ids: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the models it was fine-tuned from, and its own, the last."""
        return (*self.predictor.origin.sources, self.name)

    def checked(self, data: Data) -> Data:
        """Returns the data without rows that the model knows; see `unknown_split`.

        Users and movies are described by what the model knows of them, too, so that it
        does not forget it: other data may lack some of them, or columns of features.
        The fingerprints are those of the dataset.

        Raises:
            DataError: It knows some and `known_rows` is ``error``, or the dataset's ids
                may stand for other users and movies.
        """
        ratings, split = data
        check_related(self.predictor, ratings, same_ids=self.same_ids)
        known = self.predictor.trained_on.known
        split = unknown_split(split, ratings, known, policy=self.known_rows)
        found = replace(
            ratings,
            movies=completed(ratings.movies, self.predictor.movies),
            users=completed(ratings.users, self.predictor.users),
        )
        for name in ("fingerprint", "rated_fingerprint"):
            found.__dict__[name] = getattr(ratings, name)
        return Data(found, split)
