"""Times and memory of whole runs, by size: python scripts/bench_scale.py.

Each size is one process: synthetic data (from the cache), one epoch of a model, dot
with ``embed_dim=64`` by default, evaluation. ``--model bayes`` takes three samples of
16 factors instead, without histories; its epoch is the fastest one. Draws the
plot of docs/speed.md where ``--plot`` says.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

BAYES = (
    *("model=bayes", "embed_dim=16", "model.history=[]"),
    *("model.sweeps=3", "model.burn_in=1", "model.keep=1"),
)
STAGES = ("data", "fit", "evaluate", "save")


def main() -> None:
    """Prints a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1_000_000,5_000_000,10_000_000,25_000_000")
    parser.add_argument("--model", default="model=dot embed_dim=64")
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    model = list(BAYES) if args.model == "bayes" else args.model.split()
    rows = [run(int(size), model) for size in args.sizes.split(",")]
    frame = pd.DataFrame(rows)
    table = Table(*frame.columns)
    for row in frame.itertuples(index=False):
        table.add_row(f"{row[0]:,}", *(f"{value:.1f}" for value in row[1:]))
    Console(width=120).print(table)
    if args.plot:
        draw(frame).savefig(args.plot)


def run(size: int, model: list[str]) -> dict[str, float]:
    """Runs one size; returns seconds by stage, of the epoch, and GB at the peak."""
    code = (
        "import sys; from cfexp.config.build import build;"
        "from cfexp.config.compose import compose;"
        "build(compose([sys.argv[1]])).experiment.dataset.load()"
    )
    override = f"dataset.n_ratings={size}"
    subprocess.run([sys.executable, "-c", code, override], check=True)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "cfexp", override, *model]
        command += ["training.epochs=1", "training.batch_size=4096"]
        command += ["training.checkpoint_every=0", "tracking=none"]
        process = subprocess.Popen(
            [*command, f"hydra.run.dir={folder}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{' '.join(command)} failed")
        found = json.loads((Path(folder) / "results/metrics.json").read_text())
    return {
        "ratings": size,
        **{stage: found[f"seconds/{stage}"] for stage in STAGES},
        "epoch": 0.72 * size / found["training/ratings_per_second"],
        "peak GB": usage.ru_maxrss / 1e6,
    }


def draw(frame: pd.DataFrame) -> Figure:
    """Returns seconds and memory by size."""
    figure = Figure(figsize=(8, 3.4), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2)
    millions = frame["ratings"] / 1e6
    for name in ("epoch", *STAGES):
        left.plot(millions, frame[name], marker=".", label=name)
    left.set(xlabel="million ratings", ylabel="seconds", ylim=(0, None))
    left.legend(frameon=False)
    right.plot(millions, frame["peak GB"], marker=".", color="#33475b")
    right.set(xlabel="million ratings", ylabel="peak memory (GB)", ylim=(0, None))
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    main()
