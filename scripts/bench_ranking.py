"""Seconds and memory of ranking: python scripts/bench_ranking.py [name=value ...].

An untrained neural model (what it has learned changes no time), both protocols, one
process; without options, dot on 25 million synthetic ratings. Prints the seconds of
each part and the peak memory.
"""

import argparse
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import cfexp
from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.evaluation.settings import EvaluationSettings
from cfexp.models.base import NeuralModel
from cfexp.models.scorer import KerasScorer
from cfexp.models.trained_on import FittedBaseline, fit_baselines
from cfexp.runtime.console import print_lines
from cfexp.training.held_out import BIAS, HeldOut

T = TypeVar("T")


def main() -> None:
    """Prints the seconds of each part, and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    given = "dataset.n_ratings=25000000 model=dot embed_dim=64"
    parser.add_argument("options", nargs="*", default=given.split())
    args = parser.parse_args()
    lines: list[tuple[str, str]] = []

    def timed(label: str, make: Callable[[], T]) -> T:
        start = time.perf_counter(), time.process_time()
        made = make()
        wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        lines.append(
            (label, f"{wall:.1f} s, processors {cpu:.1f} s, so far {peak:.2f} GB")
        )
        print_lines(lines[-1:])
        return made

    experiment = cfexp.compose(*args.options)
    data = timed("data", experiment.load)
    ratings, split = data
    encoder = timed("encoder", lambda: FeatureEncoder.fit(ratings, split.train))
    assert isinstance(experiment.model, NeuralModel)
    few = encode(ratings, encoder, split.train[:1000])
    scorer = KerasScorer(experiment.model.build(encoder.spec, few))
    model = FittedBaseline(encoder, scorer)
    bias = timed("bias", lambda: fit_baselines(ratings, split.train, encoder)[BIAS])
    settings = EvaluationSettings(ranking=True)
    held = timed("catalogue", lambda: HeldOut.of(data, settings, 0))
    lists = timed("model's lists", lambda: held.lists(model))
    score = timed("model's scores of test rows", lambda: held.scores(model))
    timed("measures", lambda: held.ranked(lists, score))
    timed("bias, popular and random movies", lambda: held.references(bias))
    n_users, n_items = len(held.catalogue.users), len(held.catalogue.items)
    print_lines([("ranked", f"{n_items:,} movies for {n_users:,} users")])


if __name__ == "__main__":
    main()
