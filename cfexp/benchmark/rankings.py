"""Fits models on one split and measures how well they rank the full catalogue."""

import logging
from collections.abc import Mapping

import pandas as pd

from cfexp.benchmark.clock import Clock
from cfexp.benchmark.implicit import Peer, fit_peer
from cfexp.data.ratings import IntArray, Ratings
from cfexp.evaluation.ranking import means
from cfexp.experiment import Experiment
from cfexp.runtime import tensorflow
from cfexp.training.fit import fit_model
from cfexp.training.held_out import POPULARITY, HeldOut

log = logging.getLogger(__name__)


def rank_fold(
    experiments: Mapping[str, Experiment], peers: Mapping[str, Peer], ratings: Ratings
) -> list[dict[str, object]]:
    """Returns the measures of all systems on the test rows of one split.

    Each is fitted to train and validation rows in the end; the seconds are those of
    its fits, the choice of the epoch included.

    Args:
        experiments: The experiments by name, all with the same split and seed.
        peers: Models of implicit.
        ratings: The dataset.
    """
    first = next(iter(experiments.values()))
    data, settings = first.load(ratings), first.ranked
    held = HeldOut.of(data, settings, first.seed)
    found, k = [], settings.k

    def add(system: str, lists: IntArray, spent: tuple[float, float]) -> None:
        measures = means(held.catalogue.measures(lists))
        named = {f"{name}@{k}": value for name, value in measures.items()}
        times = {"seconds": spent[0], "processor": spent[1]}
        found.append({"system": system, **named, **times})

    tensorflow.start()
    for name, experiment in experiments.items():
        log.info("%s", name)
        clock = Clock()
        fitted = fit_model(experiment, *data)
        spent = clock.read()
        add(name, held.lists(fitted), spent)
    for name, peer in peers.items():
        log.info("%s", name)
        clock = Clock()
        scores = fit_peer(peer, data, settings, first.seed)
        spent = clock.read()
        add(name, held.catalogue.recommended(scores(held.catalogue), k), spent)
    add(POPULARITY, held.catalogue.in_order(held.catalogue.count, k), (0.0, 0.0))
    return found


def summary(folds: pd.DataFrame) -> pd.DataFrame:
    """Returns means over folds, the highest NDCG first."""
    numbers = folds.drop(columns="fold").groupby("system", sort=False)
    table = numbers.mean().reset_index()
    (first,) = [name for name in table if name.startswith("ndcg@")]
    return table.sort_values(first, ascending=False, ignore_index=True)
