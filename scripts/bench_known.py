"""What it costs to know a model's pairs, by size: python scripts/bench_known.py.

Synthetic data (from the cache), split=random: 72 % of the pairs are train rows, 8 %
validation rows; the 20 % test rows are looked up.
"""

import argparse
import itertools
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cfexp.config.build import build
from cfexp.config.compose import compose
from cfexp.models.known import KnownPairs


def main() -> None:
    """Prints a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100_000,1_000_000,25_000_000")
    args = parser.parse_args()
    steps = ("collect s", "write s", "read s", "look up s")
    table = Table("ratings", "pairs", "MB", "bytes a pair", *steps)
    for size in args.sizes.split(","):
        table.add_row(*measure(int(size)))
    Console(width=120).print(table)


def measure(size: int) -> list[str]:
    """Returns one size's numbers as text."""
    experiment = build(compose([f"dataset.n_ratings={size}"])).experiment
    ratings, split = experiment.load()
    seconds = [time.perf_counter()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.parquet"
        known = KnownPairs.of(ratings, split.train, split.valid)
        seconds.append(time.perf_counter())
        known.save(path)
        seconds.append(time.perf_counter())
        again = KnownPairs.load(path)
        seconds.append(time.perf_counter())
        tested = ratings.frame.iloc[split.test]
        if again.among(tested, trained_only=False).any():
            raise SystemExit("a test row is known")
        seconds.append(time.perf_counter())
        held = path.stat().st_size
    steps = [f"{b - a:.2f}" for a, b in itertools.pairwise(seconds)]
    return [
        f"{size:,}",
        f"{len(known):,}",
        f"{held / 1e6:.2f}",
        f"{held / len(known):.2f}",
        *steps,
    ]


if __name__ == "__main__":
    main()
