"""A whole run in relation to `import tensorflow`: python scripts/bench_start.py.

Both in processes of their own, in turn; after a first run, which is not measured and
makes the database and the caches. Each ratio is that of the quickest of each, and, in
brackets, that of the medians.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

MAIN = ("model=ncf", "embed_dim=64")


def seconds(arguments: list[str], folder: str) -> tuple[float, float]:
    """Returns the wall seconds and the processor seconds of a Python process."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wall, after = (
        time.perf_counter() - started,
        resource.getrusage(resource.RUSAGE_CHILDREN),
    )
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, spent


def main() -> None:
    """Prints both times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("overrides", nargs="*", default=MAIN)
    args = parser.parse_args()
    run = ["-m", "cfexp", *args.overrides]
    each: dict[str, list[tuple[float, float]]] = {"import": [], "run": []}
    with tempfile.TemporaryDirectory() as folder:
        seconds(run, folder)
        for _ in range(args.rounds):
            each["import"].append(seconds(["-c", "import tensorflow"], folder))
            each["run"].append(seconds(run, folder))
    for i, kind in enumerate(("wall", "processor")):
        bare, whole = ([one[i] for one in each[name]] for name in ("import", "run"))
        print(
            f"{kind} seconds: import tensorflow {min(bare):.1f}, cfexp"
            f" {' '.join(args.overrides)} {min(whole):.1f}: ratio"
            f" {min(whole) / min(bare):.2f}"
            f" ({statistics.median(whole) / statistics.median(bare):.2f})"
        )
    print(f"load average: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
