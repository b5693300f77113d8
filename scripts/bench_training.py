"""Times the compiled engine against `Model.fit`: python scripts/bench_training.py.

Same model, batch size and data, in one process; the best of some epochs each, of the
same training rows, 80,000 if not said otherwise. The compiled engine is timed with both
updates; `Model.fit` runs with Keras' own optimizer, as a user would write it. At
ml-1m's size: ``--models dot --sizes 1_000_000 --rows 800_000 dataset.n_users=6040
dataset.n_items=3706``.
"""

import argparse
import time
from collections.abc import Callable

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

from cfexp.config.build import build
from cfexp.config.compose import compose
from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.models.forward import model_inputs
from cfexp.runtime import tensorflow
from cfexp.training.engines import CompiledEngine
from cfexp.training.order import epoch_order
from cfexp.training.rowwise import table_share
from cfexp.training.updates import Optimizers


def main() -> None:
    """Prints ratings a second for each model, size and engine, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="dot,ncf,deep")
    parser.add_argument("--sizes", default="100_000,1_000_000")
    parser.add_argument("--batches", default="256")
    parser.add_argument("--embed-dim", default="64")
    parser.add_argument("--rows", type=int, default=80_000)
    parser.add_argument("--compiled-only", action="store_true", help="no Model.fit")
    parser.add_argument("overrides", nargs="*", help="Hydra overrides for every run")
    args = parser.parse_intermixed_args()
    tensorflow.start()
    table = Table(*("model", "users", "movies", "batch", "dense/s", "rows/s", "fit/s"))
    table.add_column("ratio")
    for size in args.sizes.split(","):
        for name in args.models.split(","):
            for batch in args.batches.split(","):
                overrides = [f"model={name}", f"embed_dim={args.embed_dim}"]
                overrides += [f"dataset.n_ratings={size}", *args.overrides]
                found = time_model(overrides, int(batch), args.rows, args.compiled_only)
                table.add_row(*found)
    Console(width=100).print(table)


def time_model(
    overrides: list[str], batch: int, n_rows: int, compiled_only: bool
) -> list[str]:
    """Returns one line of the table; the ratio is that of ``update=auto``."""
    experiment = build(compose(overrides)).experiment
    ratings = experiment.dataset.load()
    some = np.random.default_rng(0).permutation(len(ratings.frame))
    encoder = FeatureEncoder.fit(ratings, some[: int(0.8 * len(some))])
    rows = encode(ratings, encoder, some[:n_rows])

    def fresh(update: str) -> tuple[keras.Model, Optimizers]:
        keras.utils.set_random_seed(0)
        model = experiment.model.build(encoder.spec, rows)
        recipe = experiment.replace(
            optimizer=experiment.optimizer.replace(update=update),
            training=experiment.training.replace(batch_size=batch),
        )
        return model, Optimizers.of(model, recipe, n_rows)

    def compiled(update: str) -> Callable[[], object]:
        engine = CompiledEngine(*fresh(update), rows, batch)
        rng = np.random.default_rng(0)
        return lambda: engine.run_epoch(epoch_order(n_rows, batch, rng))

    model, optimizers = fresh("dense")
    model.compile(optimizers.batchwise, "mse")
    inputs = model_inputs(model, rows, slice(None))
    engines: dict[str, Callable[[], object]] = {
        "dense": compiled("dense"),
        "rows": compiled("rows"),
        "fit": lambda: model.fit(inputs, rows.rating, batch_size=batch, verbose=0),
    }
    if compiled_only:
        del engines["fit"]
    speed = fastest(engines, n_rows)
    by_rows = experiment.optimizer.by_rows(table_share(model, batch))
    sizes = [f"{encoder.spec.n_users:,}", f"{encoder.spec.n_items:,}", f"{batch:,}"]
    shown = [f"{value:,.0f}" for value in speed.values()]
    if not compiled_only:
        shown.append(f"{speed['rows' if by_rows else 'dense'] / speed['fit']:.1f}")
    return [experiment.model.name, *sizes, *shown]


def fastest(epochs: dict[str, Callable[[], object]], n_rows: int) -> dict[str, float]:
    """Returns ratings a second in the fastest of some epochs after the first.

    They take turns, so that a busy moment of the machine slows them all.
    """
    seconds: dict[str, list[float]] = {name: [] for name in epochs}
    for turn in range(4):
        for name, epoch in epochs.items():
            for _ in range(1 if name == "fit" else 4):
                started = time.perf_counter()
                epoch()
                if turn:
                    seconds[name].append(time.perf_counter() - started)
    return {name: n_rows / min(found) for name, found in seconds.items()}


if __name__ == "__main__":
    main()
