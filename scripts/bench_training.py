"""Times the compiled engine against `Model.fit`: python scripts/bench_training.py.

Same model, batch size and data, in one process; the best of some epochs each.
"""

import time

import keras
import numpy as np
from hydra import compose, initialize_config_dir

from cfexp import config
from cfexp.features import FeatureEncoder
from cfexp.fitting import encode
from cfexp.training.engines import CompiledEngine, epoch_order, model_inputs

BATCH = 256
EPOCHS = 5


def main() -> None:
    """Prints ratings a second for each model and engine, and their ratio."""
    config.register()
    with initialize_config_dir(str(config.conf_dir()), version_base="1.3"):
        for name in ("dot", "ncf", "deep"):
            cfg = compose("config", [f"model={name}", "embed_dim=64"])
            specs = config.build(cfg)
            ratings = specs["dataset"].load()
            encoder = FeatureEncoder.fit(ratings, np.arange(80_000))
            rows = encode(ratings, encoder, np.arange(80_000))

            def fresh(specs=specs, encoder=encoder):  # type: ignore[no-untyped-def]
                keras.utils.set_random_seed(0)
                built = specs["optimizer"].build(steps_per_epoch=313, epochs=10)
                return specs["model"].build(encoder.spec), built

            model, optimizer = fresh()
            engine = CompiledEngine(model, optimizer, rows, BATCH)
            rng = np.random.default_rng(0)
            compiled = []
            for _ in range(EPOCHS + 1):
                started = time.perf_counter()
                engine.run_epoch(epoch_order(len(rows), BATCH, rng))
                compiled.append(time.perf_counter() - started)

            model, optimizer = fresh()
            model.compile(optimizer, "mse")
            inputs = model_inputs(model, rows, slice(None))
            plain = []
            for _ in range(3):
                started = time.perf_counter()
                model.fit(inputs, rows.rating, batch_size=BATCH, verbose=0)
                plain.append(time.perf_counter() - started)

            fast, slow = len(rows) / min(compiled[1:]), len(rows) / min(plain[1:])
            print(
                f"{name}: compiled {fast:,.0f} ratings/s (first epoch"
                f" {compiled[0]:.1f} s), Model.fit {slow:,.0f} ratings/s:"
                f" {fast / slow:.1f} times",
                flush=True,
            )


if __name__ == "__main__":
    main()
