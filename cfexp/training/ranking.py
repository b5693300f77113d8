"""How well a fitted model ranks movies, beside baselines."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cfexp.data.ratings import USER
from cfexp.data.split import Data
from cfexp.data.top import FloatArray
from cfexp.evaluation.catalogue import Catalogue
from cfexp.evaluation.names import FULL, RANKING, RATED_NDCG, SAMPLED
from cfexp.evaluation.ranking import NDCG, means
from cfexp.evaluation.settings import EvaluationSettings
from cfexp.training.held_out import BIAS, MODEL, POPULARITY, HeldOut, Ranked
from cfexp.training.recipe import Usable
from cfexp.training.sampled import rank_sampled


@dataclass(frozen=True, eq=False)
class Ranking:
    """How well a model and baselines rank movies, by both protocols.

    Attributes:
        catalogue: What was ranked by the protocol ``full``.
        k: Number of movies at the top.
        full: By system, ``model`` first, each measure at k, see `Ranked.means`.
        rated: By system the mean NDCG of the protocol ``rated``.
        rated_users: Number of users of that protocol.
        users: The model's measures of each user, NaN outside of a protocol.
        score: The model's scores of the test rows.
        negatives: Number of movies drawn for each user; None if they were not ranked
            so, too.
        sampled: By system, hit rate and NDCG among them; see `Candidates.means`.
    """

    catalogue: Catalogue
    k: int
    full: Mapping[str, Mapping[str, float]]
    rated: Mapping[str, float]
    rated_users: int
    users: pd.DataFrame
    score: FloatArray
    negatives: int | None = None
    sampled: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def below_popularity(self) -> bool:
        """Whether popular movies are better recommendations than the model's."""
        return self.full[MODEL][NDCG] < self.full[POPULARITY][NDCG]

    def metrics(self) -> dict[str, float]:
        """Returns the means as metrics, such as ``ranking/full_ndcg_10``."""
        found = {}
        for system, measures in self.full.items():
            which = RANKING if system == MODEL else f"{RANKING}{system}_"
            for name, value in measures.items():
                found[f"{which}{FULL}{name}_{self.k}"] = value
            found[f"{which}{RATED_NDCG}"] = self.rated[system]
            for name, value in self.sampled.get(system, {}).items():
                found[f"{which}{SAMPLED}{self.negatives}_{name}_{self.k}"] = value
        found[f"{RANKING}full_users"] = float(len(self.catalogue.users))
        found[f"{RANKING}rated_users"] = float(self.rated_users)
        return {name: value for name, value in found.items() if not np.isnan(value)}


def rank(
    model: Usable,
    baselines: Mapping[str, Usable],
    data: Data,
    settings: EvaluationSettings,
    seed: int,
) -> Ranking | None:
    """Ranks movies for the users of the test rows; None without ``ranking``.

    Args:
        model: The model.
        baselines: Baselines by name, of which bias is ranked, too.
        data: The dataset and its split.
        settings: Whether to rank, how many movies, and what is relevant.
        seed: Seed of random scores and of the order of equal ones.
    """
    if not settings.ranking:
        return None
    held = HeldOut.of(data, settings, seed)
    score = held.scores(model)
    own = held.ranked(held.lists(model), score)
    negatives = settings.sampled_negatives
    systems = {MODEL: own, **held.references(baselines[BIAS])}
    return Ranking(
        catalogue=held.catalogue,
        k=settings.k,
        full={name: one.means() for name, one in systems.items()},
        rated=means({name: one.rated for name, one in systems.items()}),
        rated_users=len(own.rated),
        users=_by_user(own, held),
        score=score,
        negatives=negatives,
        sampled=rank_sampled(model, baselines[BIAS], held, negatives)
        if negatives
        else {},
    )


def _by_user(own: Ranked, held: HeldOut) -> pd.DataFrame:
    """Returns the measures of each user, named as in `Ranking.metrics`."""
    names = {f"{FULL}{name}_{held.k}": values for name, values in own.full.items()}
    full = pd.DataFrame({USER: held.catalogue.users, **names})
    rated = pd.DataFrame({USER: own.rated_users, RATED_NDCG: own.rated})
    return full.merge(rated, on=USER, how="outer", sort=True)
