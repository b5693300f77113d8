"""Jobs a minute of a sweep, one at a time and two at once, by joblib.

Once started: from the end of the first job of each process on, so that the imports of
TensorFlow and MLflow and the first compilation are not counted.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import mlflow


def jobs_per_minute(overrides: list[str], jobs: int, at_once: int) -> float:
    """Runs a sweep over seeds and returns its throughput."""
    launcher = ["hydra/launcher=joblib", f"hydra.launcher.n_jobs={at_once}"]
    seeds = ",".join(str(i) for i in range(jobs))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "cfexp", "-m", *overrides, f"seed={seeds}"]
            + (launcher if at_once > 1 else []),
            cwd=folder,
            check=True,
            capture_output=True,
        )
        mlflow.set_tracking_uri(f"sqlite:///{Path(folder) / 'mlflow.db'}")
        runs = mlflow.search_runs(
            filter_string="tags.`cfexp.kind` = 'train'",
            search_all_experiments=True,
            output_format="list",
        )
    ends = sorted(run.info.end_time / 60_000 for run in runs)
    return (jobs - at_once) / (ends[-1] - ends[at_once - 1])


def main() -> None:
    """Prints both throughputs and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("overrides", nargs="*", default=["model=dot"])
    args = parser.parse_args()
    for _ in range(args.rounds):
        one = jobs_per_minute(args.overrides, args.jobs, 1)
        two = jobs_per_minute(args.overrides, args.jobs, 2)
        print(f"one {one:.1f}, two {two:.1f} jobs a minute: ratio {two / one:.2f}")


if __name__ == "__main__":
    main()
