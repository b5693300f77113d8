"""Seconds of training to a good model, by batch size and learning rate.

``python scripts/bench_quality.py`` gives, for each model on synthetic data, the
lowest validation RMSE of each setting, and the seconds of its fastest epoch times the
epochs until it came within 0.5 % of the best setting's: how the defaults were chosen.
"""

import argparse

from rich.console import Console
from rich.table import Table

from cfexp.config.build import build
from cfexp.config.compose import compose
from cfexp.training.fit import fit_model
from cfexp.training.history import History

WITHIN = 1.005


def main() -> None:
    """Prints a line for each model and setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="dot,ncf,deep")
    parser.add_argument("--batches", default="256,1024,4096")
    parser.add_argument("--rates", default="0.003,0.01,0.03")
    parser.add_argument("overrides", nargs="*", help="Hydra overrides for every run")
    args = parser.parse_args()
    table = Table("model", "batch", "learning rate", "best RMSE", "epoch", "seconds")
    for model in args.models.split(","):
        found = {
            (batch, rate): history(
                f"model={model}",
                f"training.batch_size={batch}",
                f"optimizer.learning_rate={rate}",
                *args.overrides,
            )
            for batch in args.batches.split(",")
            for rate in args.rates.split(",")
        }
        goal = WITHIN * min(one.best.val_rmse for one in found.values())
        for setting, one in found.items():
            epochs = [e.epoch for e in one.epochs if e.val_rmse <= goal]
            each = min(e.seconds for e in one.epochs)
            reached = f"{epochs[0] * each:.2f}" if epochs else "never"
            best = f"{one.best.val_rmse:.4f}", str(one.best.epoch)
            table.add_row(model, *setting, *best, reached)
        table.add_section()
    Console(width=100).print(table)


def history(*overrides: str) -> History:
    """Trains once and returns the epochs."""
    cfg = compose(list(overrides))
    experiment = build(cfg).experiment
    found = fit_model(experiment, *experiment.load()).history
    assert found is not None
    return found


if __name__ == "__main__":
    main()
