"""The errors of new users of ml-100k, folded in by half of their ratings.

For each model, the first users of a split by users, whom no model was trained on: the
RMSE of the other half of their ratings, once as of unknown users and once folded in.

    python scripts/bench_folding.py --models bias,dot,ncf,deep,svdpp,bayes --users 60
"""

import argparse
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

import cfexp
from cfexp.models.foldable import folding_of
from cfexp.models.new_user import NewUser
from cfexp.models.predictor import Predictor
from cfexp.models.recommending import Recommending

LEAST = 3  # ratings


def halves(
    predictor: Predictor, test: pd.DataFrame, users: int
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yields the given and the other half of each user's ratings of known movies."""
    rng = np.random.default_rng(0)
    for _, own in list(test.groupby("userId"))[:users]:
        rows = own[own["movieId"].isin(predictor.encoder.items)]
        given = rng.random(len(rows)) < 0.5
        if given.sum() >= LEAST:
            yield rows[given], rows[~given]


def measured(name: str, users: int) -> str:
    """Trains a model and returns a line of the table."""
    experiment = cfexp.compose(f"experiment=ml-100k/{name}", "split=cold_user")
    ratings, split = experiment.load()
    predictor = experiment.run().predictor
    ranked = Recommending(predictor)
    fold_in = folding_of(predictor.scorer, name, ranked.items)
    folded, unknown, started, n = [], [], time.process_time(), 0
    for given, rest in halves(predictor, ratings.frame.iloc[split.test], users):
        new = NewUser(predictor, given, fold_in=fold_in, ranked=ranked)
        folded.append(new.predict(rest[["movieId"]]) - rest["rating"])
        pairs = rest[["movieId"]].assign(userId=-1)
        unknown.append(predictor.predict(pairs) - rest["rating"])
        n += 1
    seconds = (time.process_time() - started) / n
    root = (float(np.sqrt(np.mean(np.concatenate(e) ** 2))) for e in (unknown, folded))
    return f"| {name} | {next(root):.4f} | {next(root):.4f} | {seconds:.3f} |"


def main() -> None:
    """Prints the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="bias,dot,ncf,deep,svdpp,bayes")
    parser.add_argument("--users", type=int, default=60)
    args = parser.parse_args()
    print("| model | RMSE, unknown | RMSE, folded in | processor seconds a user |")
    print("|---|---|---|---|")
    for name in args.models.split(","):
        print(measured(name, args.users), flush=True)


if __name__ == "__main__":
    main()
