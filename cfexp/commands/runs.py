"""``cfexp runs``: lists tracked runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from cfexp.commands.options import add_json, print_json, tracking_of, wanted_of
from cfexp.config.arguments import Parser
from cfexp.config.choices import known_keys, option_name
from cfexp.config.schema import SHORT
from cfexp.errors import ConfigError, did_you_mean
from cfexp.evaluation.names import FULL, RANKING, VAL_NDCG
from cfexp.tracking.settings import Tracking

if TYPE_CHECKING:
    import pandas as pd

    from cfexp.tracking.listed import Listed

KINDS = ("train", "sweep", "cv", "evaluate", "all")
NAMES = ("model", "dataset", "split", "status", "kind")
TEST_RMSE = "test_rmse"
HEADLINE = ("val_rmse", TEST_RMSE)
# Without their numbers of movies.
NDCG = {"val": VAL_NDCG, "test": f"{RANKING}{FULL}ndcg_"}
SPARE = ("dataset",)
LONGEST = 48


def parser() -> Parser:
    """Returns the command's parser."""
    found = Parser(
        prog="cfexp runs",
        usage="cfexp runs [name=value ...] [--sweep RUN] [--sort METRIC]",
        description="Lists tracked runs, the newest first.",
        epilog="name=value chooses runs by model, dataset, split, status (finished,"
        f" failed, stopped, pruned, running), kind ({', '.join(KINDS)}; train if unset)"
        " or any option, such as model=dot,ncf model.embed_dim=16. tracking.uri=URI and"
        " tracking.experiment=NAME say where the runs are.",
    )
    found.add_argument("options", nargs="*", metavar="name=value", help="see below")
    found.add_argument(
        "--sweep", metavar="RUN", help="the jobs of a sweep: its run, or latest"
    )
    found.add_argument("--query", help="a filter in MLflow's search language")
    found.add_argument("--sort", metavar="METRIC", help="the lowest first")
    found.add_argument("--reverse", action="store_true", help="the highest first")
    found.add_argument("--limit", type=int, default=20, metavar="N", help="20 if unset")
    found.add_argument("-q", "--quiet", action="store_true", help="print only run ids")
    add_json(found)
    return found


def main(arguments: list[str]) -> None:
    """Prints a table of runs.

    Raises:
        CfexpError: The runs cannot be searched, or an argument is wrong.
    """
    args = parser().parse_intermixed_args(arguments)
    having = _having(args.options, kind=None if args.sweep else "train")
    if args.limit < 1:
        raise ConfigError(f"--limit must be >= 1. Got: {args.limit}")
    tracking = tracking_of(args.options, wanted="cfexp runs reads runs from MLflow")

    from cfexp.tracking.connect import connect
    from cfexp.tracking.listing import Wanted, list_runs
    from cfexp.tracking.search import find_sweep

    experiment_id = connect(tracking, existing=True)
    sweep = find_sweep(experiment_id, args.sweep)
    about = (having, sweep, args.query, args.sort, args.reverse, args.limit)
    runs = list_runs(experiment_id, Wanted(*about))
    if args.json:
        return print_json([run.as_data() for run in runs])
    if args.quiet:
        for run in runs:
            print(run.run_id)  # noqa: T201
        return None
    if not runs:
        return print(_none(args.options, tracking))  # noqa: T201
    return _show(runs, tracking, args.sort)


def _having(options: Sequence[str], *, kind: str | None) -> dict[str, list[str]]:
    """Returns what runs are filtered by.

    Args:
        options: The arguments.
        kind: The kind of runs if none is named; None for all.

    Raises:
        ConfigError: An argument has no name, or a kind is unknown.
    """
    plain = [option for option in options if "=" not in option]
    if plain:
        raise ConfigError(
            f"cfexp runs takes name=value, such as model=dot. Got: {plain[0]}. To see"
            f" one run: cfexp show {plain[0]}"
        )
    having = wanted_of(options)
    kinds = having.setdefault("kind", [kind] if kind else ["all"])
    for one in kinds:
        if one not in KINDS:
            raise ConfigError(f"kind must be one of {', '.join(KINDS)}. Got: {one!r}")
    if "all" in kinds:
        del having["kind"]
    return having


def _none(options: Sequence[str], tracking: Tracking) -> str:
    """Returns that no run was found; and which name may be mistyped."""
    where = f"experiment {tracking.experiment!r} of {tracking.uri}"
    names = [option.partition("=")[0] for option in options]
    known = [*NAMES, "seed", *SHORT, *(k for k in known_keys() if "." in k)]
    near = [did_you_mean(name, known) for name in names if name not in known]
    asked = f" has {' '.join(options)}" if options else " is there yet"
    return f"no run in {where}{asked}{''.join(near)}"


def _show(runs: "Sequence[Listed]", tracking: Tracking, sort: str | None) -> None:
    from cfexp.runtime.console import print_frame

    table = _table(runs, sort)
    datasets = {run.dataset for run in runs}
    title = f"runs of {tracking.experiment}"
    if len(datasets) == 1 and "" not in datasets:
        title += f" on {datasets.pop()}"
        table = table.drop(columns="dataset")
    if len({run.status for run in runs}) == 1:
        title += f", {runs[0].status}"
        table = table.drop(columns="status")
    print_frame(title, table, spare=SPARE)


def _table(runs: "Sequence[Listed]", sort: str | None) -> "pd.DataFrame":
    import pandas as pd

    from cfexp.tracking.listed import labels

    shown = headline(runs) | ({sort: sort} if sort else {})
    rows = [
        {
            "id": run.short,
            "run": label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…",
            "dataset": run.dataset,
            "split": option_name("split", run.split),
            "status": run.status,
            **{of: run.metrics.get(name, float("nan")) for of, name in shown.items()},
            "age": age(run.started),
        }
        for run, label in zip(runs, labels(runs), strict=True)
    ]
    table = pd.DataFrame(rows)
    return table.drop(columns="split") if table["split"].nunique() == 1 else table


def headline(runs: "Sequence[Listed]") -> dict[str, str]:
    """Returns the metrics to show, by the heads of their columns.

    Models that learned to rank have no RMSE; theirs is NDCG.
    """
    ranked = [run.metrics for run in runs if TEST_RMSE not in run.metrics]
    names = sorted({name for metrics in ranked for name in metrics})
    found = {
        f"{part}_ndcg_{name.removeprefix(start)}": name
        for part, start in NDCG.items()
        for name in names
        if name.startswith(start)
    }
    if found and len(ranked) == len(runs):
        return found
    return {name: name for name in HEADLINE} | found


def age(started: datetime) -> str:
    """Returns how long ago something was, such as ``5 min``."""
    seconds = (datetime.now() - started).total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
