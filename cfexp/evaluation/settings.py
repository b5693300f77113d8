"""Options of evaluation."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from cfexp.spec import Spec


class EvaluationSettings(Spec):
    """Options of evaluation.

    Attributes:
        ranking: Rank movies for each user, too, see `cfexp.evaluation.ranking`.
        k: Number of movies that are recommended to each user.
        relevant_from: Lowest rating of a relevant movie; ``mean``, the user's mean
            training rating; None, four fifths of the highest rating: 4 of 5 stars.
        sampled_negatives: Rank each relevant test movie against so many drawn ones,
            too, only to compare with published figures; None: not.
    """

    group: ClassVar[str] = "evaluation"

    ranking: bool = False
    k: Annotated[int, Field(ge=1, le=1000)] = 10
    relevant_from: float | Literal["mean"] | None = None
    sampled_negatives: Annotated[int, Field(ge=1, le=1000)] | None = None
