"""Seconds and memory of one more job of a sweep: python scripts/bench_sweep.py.

Times are read from the runs that the sweeps log, from the end of an early job on, so
that the imports of TensorFlow and MLflow and the first compilation do not count. The
epochs' time is that of a job's median epoch, validation included, by the number of its
epochs. Compiled programs of earlier processes are not used.

One worker trains while a thread does the paperwork of the job before, so it keeps more
than one processor busy; two workers on P processors do at most P divided by that number
times its work. So two workers are held against one that has a single processor, too.
"""

import argparse
import atexit
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import mlflow
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

# The options that jobs may differ in, and the value of each job.
VALUES: dict[str, Callable[[int], float]] = {
    "optimizer.learning_rate": lambda i: 0.002 + 0.0001 * i,
    "model.l2": lambda i: 0.1 + 0.005 * i,
    "seed": lambda i: i,
    "embed_dim": lambda i: 16 + 4 * i,
}
SETTLED = 2  # jobs that end before the measurement begins
PAPERS = 0.4  # seconds that a job may take besides its epochs
FITS, REPEATS = 20, 5  # of Surprise; of what is measured in turns
BOUND = " on a single processor"
# What a sweep without tracking imports, from TensorFlow to the page at its end.
IMPORTS = (
    "from cfexp.runtime import tensorflow as t; t.start(); import cfexp.cli,"
    " cfexp.runs.train, cfexp.runs.sweep, cfexp.reports.sweep_page"
)
# This checkout, wherever the sweeps run.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
PARTS = (*VALUES, "surprise", "workers", "memory")


@dataclass(frozen=True)
class Sweep:
    """What is known of a sweep's jobs, ordered by their ends.

    Attributes:
        ends: When each run ended.
        epochs: Seconds of the epochs of each job.
        usage: What the process used, from its start to its end.
        seconds: How long the process took.
    """

    ends: list[float]
    epochs: list[float]
    usage: list["Usage"]
    seconds: float

    @property
    def per_job(self) -> float:
        """Seconds of one more job."""
        return self.per_job_of(1)

    def per_job_of(self, workers: int) -> float:
        """Returns the seconds of one more job; each of the workers settles first."""
        ends = self.ends[workers * SETTLED - 1 :]
        return (ends[-1] - ends[0]) / (len(ends) - 1)

    @property
    def growth(self) -> float:
        """Megabytes of memory that each job adds, by a straight line through all."""
        times, sizes = zip(*((u.time, u.megabytes) for u in self.usage), strict=True)
        after = np.interp(self.ends[SETTLED:], times, sizes)
        return float(np.polyfit(np.arange(len(after)), after, 1)[0])

    @property
    def processors(self) -> float:
        """Number of processors that the process keeps busy, on average."""
        times, spent = zip(*((u.time, u.seconds) for u in self.usage), strict=True)
        first, last = self.ends[SETTLED - 1], self.ends[-1]
        used = np.diff(np.interp([first, last], times, spent))
        return float(used[0] / (last - first))


class Usage(NamedTuple):
    """What a process has used.

    Attributes:
        time: When it was read, in seconds since 1970.
        megabytes: Memory.
        seconds: Processor time.
    """

    time: float
    megabytes: float
    seconds: float

    @classmethod
    def of(cls, pid: int) -> "Usage":
        """Reads it from ``/proc``.

        Raises:
            OSError: The process has ended, or this system has no ``/proc``.
        """
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        # The fields after the program's name, which may contain spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        seconds = ticks / os.sysconf("SC_CLK_TCK")
        return cls(time.time(), pages * os.sysconf("SC_PAGE_SIZE") / 1e6, seconds)


def sweep(
    overrides: Sequence[str], option: str, jobs: int, *, workers: int = 1
) -> Sweep:
    """Runs a sweep in a process of its own.

    Args:
        overrides: The overrides that all jobs share.
        option: The option they differ in, one of `VALUES`.
        jobs: Number of jobs.
        workers: Number of processes that run them.

    Raises:
        SystemExit: It failed.
    """
    values = ",".join(f"{VALUES[option](i):g}" for i in range(jobs))
    launcher = ["hydra/launcher=joblib", f"hydra.launcher.n_jobs={workers}"]
    own = launcher if workers > 1 else []
    swept = [f"{option}={values}", "hydra.sweep.dir=sweep"]
    folder = Path(tempfile.mkdtemp(dir=_place()))
    (folder / "programs").mkdir()
    programs = f"--tf_xla_persistent_cache_directory={folder}/programs"
    started = time.perf_counter()
    with (folder / "output").open("w+") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cfexp", "-m", *overrides, *own, *swept],
            cwd=folder,
            env={**ENVIRONMENT, "TF_XLA_FLAGS": programs},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        usage = _watched(process)
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"a sweep failed: {output.read()[-2000:]}")
    return _read(folder, usage, time.perf_counter() - started)


@cache
def _place() -> Path:
    """Returns a folder for all sweeps, which is removed at the end.

    Not before: an ext4 without a journal looks at all files of the last minutes that
    were removed before it creates one, which takes a sixth of both processors' time.
    """
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)


def _watched(process: subprocess.Popen[bytes]) -> list[Usage]:
    """Waits for a process; returns what it used, nothing without ``/proc``."""
    found: list[Usage] = []

    def watch() -> None:
        while process.poll() is None:
            try:
                found.append(Usage.of(process.pid))
            except (OSError, IndexError):  # it has just ended
                return
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    watcher.join()
    return found


def _read(folder: Path, usage: list[Usage], seconds: float) -> Sweep:
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    runs = mlflow.search_runs(
        filter_string="tags.`cfexp.kind` = 'train'",
        search_all_experiments=True,
        output_format="list",
    )
    runs.sort(key=lambda run: run.info.end_time)
    tables = [pd.read_csv(file) for file in folder.glob("sweep/*/results/epochs.csv")]
    return Sweep(
        [run.info.end_time / 1000 for run in runs],
        [float(table["time"].diff().median()) * len(table) for table in tables],
        usage,
        seconds,
    )


def time_jobs(
    table: Table, base: list[str], model: str, option: str, jobs: int
) -> None:
    """Adds a line: one more job of a model that differs in an option."""
    done = sweep([*base, f"model={model}"], option, jobs)
    epochs = statistics.median(done.epochs)
    limit = 2.0 if option == "embed_dim" else 3 * epochs + PAPERS
    table.add_row(
        f"{model}, {option}: one more job",
        f"{done.per_job:.2f} s (its epochs {epochs:.2f} s)",
        f"at most {limit:.2f} s",
        f"{done.per_job / limit:.2f}",
    )


def time_workers(table: Table, base: list[str], model: str, jobs: int) -> None:
    """Adds lines: throughput of two workers in relation to that of one."""
    overrides = [*base, f"model={model}"]
    turns: dict[str, list[float]] = {"": [], BOUND: []}
    busy = []
    for _ in range(REPEATS):  # in turns, since machines are noisy
        one = sweep(overrides, "seed", jobs)
        two = sweep(overrides, "seed", jobs, workers=2).per_job_of(2)
        turns[""].append(one.per_job / two)
        busy += [one.processors] if one.usage else []
        with _single_processor() as is_single:
            if is_single:
                bound = sweep(overrides, "seed", jobs).per_job
                turns[BOUND].append(bound / two)
    kept = f" (which keeps {statistics.median(busy):.2f} busy)" if busy else ""
    for what, ratios in turns.items():
        if ratios:
            ratio = statistics.median(ratios)
            table.add_row(
                f"{model}: two workers in relation to one{what or kept}",
                f"{ratio:.2f} times ({min(ratios):.2f} to {max(ratios):.2f})",
                "at least 1.7 times",
                f"{1.7 / ratio:.2f}",
            )


@contextmanager
def _single_processor() -> Iterator[bool]:
    """Gives processes that the block starts one processor, if the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield False
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield True
    finally:
        os.sched_setaffinity(0, allowed)


def time_surprise(table: Table, base: list[str], dataset: str) -> None:
    """Adds a line: jobs of dot in relation to fits of Surprise's SVD."""
    try:
        import surprise
    except ImportError:
        note = "skipped: scikit-surprise is not installed (pip install 'cfexp[bench]')"
        table.add_row("dot in relation to Surprise's SVD", note, "", "")
        return
    import cfexp
    from cfexp.data.ratings import ITEM, RATING, USER

    ratings, split = cfexp.compose(f"dataset={dataset}").load()
    rows = ratings.frame[[USER, ITEM, RATING]].iloc[split.train]
    reader = surprise.Reader(rating_scale=ratings.scale)
    train = surprise.Dataset.load_from_df(rows, reader).build_full_trainset()
    every = (
        f"{IMPORTS}; import cfexp.tracking.run, mlflow.store.tracking.sqlalchemy_store"
    )
    _seconds_of("-c", every)  # so that files are in memory
    for tracking, imported in (("local", every), ("none", IMPORTS)):
        overrides = [*base, "model=dot", f"tracking={tracking}"]
        times = []
        for _ in range(REPEATS):  # in turns, since machines are noisy
            imports = _seconds_of("-c", imported)
            done = sweep(overrides, "optimizer.learning_rate", FITS)
            started = time.perf_counter()
            for i in range(FITS):
                surprise.SVD(lr_all=0.004 + 0.0001 * i, random_state=0).fit(train)
            times.append((done.seconds - imports, time.perf_counter() - started))
        ours, theirs = map(statistics.median, zip(*times, strict=True))
        ratios = sorted(mine / others for mine, others in times)
        ratio = statistics.median(ratios)
        table.add_row(
            f"{FITS} jobs of dot, tracking={tracking}, {FITS} fits of Surprise's SVD",
            f"{ours:.1f} s, {theirs:.1f} s: {ratio:.2f} times"
            f" ({ratios[0]:.2f} to {ratios[-1]:.2f})",
            "at most 2 times",
            f"{ratio / 2:.2f}",
        )


def _seconds_of(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, env=ENVIRONMENT)
    return time.perf_counter() - started


def measure_memory(table: Table, base: list[str], jobs: int) -> None:
    """Adds a line: memory of one more job."""
    done = sweep([*base, "model=dot"], "seed", jobs)
    if not done.usage:
        table.add_row("memory", "skipped: this system has no /proc", "", "")
        return
    table.add_row(
        f"dot, seed: memory of one more job, over {jobs}",
        f"{done.growth:.2f} MB",
        "at most 2 MB",
        f"{done.growth / 2:.2f}",
    )


def main() -> None:
    """Prints a table: what is measured, how much it should be, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--models", default="dot,ncf,deep")
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--memory-jobs", type=int, default=200)
    parser.add_argument("--dataset", default="ml-100k")
    parser.add_argument("--set", nargs="*", default=[], metavar="OVERRIDE")
    args = parser.parse_args()
    if wrong := set(args.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(wrong)}; there are {', '.join(PARTS)}")
    if min(args.jobs, args.memory_jobs) <= SETTLED + 1:
        parser.error(f"give at least {SETTLED + 2} jobs")
    parts, models = args.parts or PARTS, args.models.split(",")
    base = [f"dataset={args.dataset}", *args.set]
    table = Table("measured", "", "aim", "ratio")
    for option in VALUES:
        for model in models if option in parts else []:
            time_jobs(table, base, model, option, args.jobs)
    if "surprise" in parts:
        time_surprise(table, base, args.dataset)
    for model in models[:2] if "workers" in parts else []:
        time_workers(table, base, model, args.jobs)
    if "memory" in parts:
        measure_memory(table, base, args.memory_jobs)
    Console(width=110, markup=False).print(table)


if __name__ == "__main__":
    main()
