"""``cfexp show``: one run: its result, its configuration and how to go on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfexp.commands.options import (
    OPTIONS_HELP,
    add_runs,
    ids_of,
    print_json,
    runs_and_options,
    tracking_of,
)
from cfexp.config.arguments import Parser
from cfexp.config.build import experiment_of
from cfexp.config.choices import option_name
from cfexp.config.targets import OURS
from cfexp.errors import ConfigError
from cfexp.evaluation.names import HEADLINE
from cfexp.runtime import owned
from cfexp.spec import TARGET
from cfexp.tracking.settings import Tracking
from cfexp.tracking.tags import COMMIT, DIRTY

if TYPE_CHECKING:
    from cfexp.tracking.listed import Listed

FIX = "move it away, or choose another file with --output"


def parser() -> Parser:
    """Returns the command's parser."""
    found = Parser(
        prog="cfexp show",
        usage="cfexp show RUN [--plots] [name=value ...]",
        description="Shows a run: its result, its configuration, its folder, and how"
        " to go on from it.",
        epilog=OPTIONS_HELP,
    )
    add_runs(found)
    found.add_argument(
        "--plots",
        action="store_true",
        help="write a page: learning curves, calibration, errors by activity,"
        " popularity and genre, and a map of the movies",
    )
    found.add_argument(
        "--output",
        type=Path,
        default=Path("plots.html"),
        metavar="FILE",
        help="of --plots, which replaces the one before; plots.html by default",
    )
    return found


def main(arguments: list[str]) -> None:
    """Prints a run.

    Raises:
        CfexpError: There is no such run.
    """
    args = parser().parse_intermixed_args(arguments)
    if args.plots:
        owned.check(args.output.parent, [args.output.name], fix=FIX)
    (run,) = runs_of(args.runs, 1, "cfexp show")
    if args.plots:
        return _draw(run, args.runs, args.output)
    if args.json:
        return print_json(run.as_data() | {"tags": dict(run.tags)})
    return _print(run, verbose=args.verbose)


def _draw(run: "Listed", given: Sequence[str], output: Path) -> None:
    """Writes the page of a run, and says where.

    Raises:
        CfexpError: The run has no predictions, or its model cannot be read.
    """
    from cfexp.runs.run_page import run_page
    from cfexp.runtime.console import print_lines
    from cfexp.tracking.find import find
    from cfexp.tracking.settings import Choice

    _, options = runs_and_options(given)
    where = tracking_of(options, wanted="cfexp show") if run.run_id else Tracking()
    found = find(run.reference, tracking=where, choice=Choice())
    page = run_page(run, found.folder)
    with owned.writing(output.parent, [output.name], fix=FIX):
        output.write_text(page)
    print_lines([("page", str(output))])


def runs_of(given: Sequence[str], number: int, command: str) -> "list[Listed]":
    """Returns the runs that a command is given, of any kind and status.

    Args:
        given: Runs and options.
        number: How many runs the command takes.
        command: The command, for messages.

    Raises:
        CfexpError: There is no such run, or there are too many.
    """
    from cfexp.tracking.listed import Listed

    runs, options = runs_and_options(given)
    if len(runs) != number:
        words = {1: "one run", 2: "two runs"}
        got = " ".join(runs) or "none"
        raise ConfigError(f"{command} takes {words[number]}. Got: {got}")
    tracked = [run for run in runs if not is_run_folder(run)]
    found = {r: Listed.of_folder(Path(r), params) for r in runs if r not in tracked}
    if tracked:
        tracking = tracking_of(options, wanted=f"{command} reads runs from MLflow")
        from cfexp.tracking.listing import get_run

        ids = ids_of(tracked, options, tracking)
        found |= {run: get_run(one) for run, one in zip(tracked, ids, strict=True)}
    return [found[run] for run in runs]


def params(config: Mapping[str, Any]) -> dict[str, str]:
    """Returns a saved configuration's parameters, as they are logged.

    A folder may be a stranger's: classes that are not cfexp's are not imported.
    """
    from cfexp.tracking.listed import flat

    targets = [v.get(TARGET, OURS) for v in config.values() if isinstance(v, Mapping)]
    if not all(str(target).startswith(OURS) for target in targets):
        return flat(config)
    return {k: str(v) for k, v in experiment_of(config).params().items()}


def is_run_folder(reference: str) -> bool:
    """Returns whether a reference is the folder of a run, with its results."""
    return (Path(reference).expanduser() / "results").is_dir()


def _print(run: "Listed", *, verbose: bool) -> None:
    from cfexp.runtime.console import print_lines

    print_lines([*_about(run), *_result(run, verbose=verbose)])
    options = _options(run.params)
    if options:
        print_lines([("", ""), *options])
    print_lines([("", ""), *(("next" if not i else "", c) for i, c in _next(run))])


def _about(run: "Listed") -> list[tuple[str, str]]:
    took = "" if run.seconds is None else f", {run.seconds:,.0f} s"
    split = f", split {option_name('split', run.split)}" if run.split else ""
    data = f"{run.dataset}{split}" if run.dataset else ""
    commit = run.tags.get(COMMIT, "")[:10]
    dirty = " with changes" if run.tags.get(DIRTY) == "true" else ""
    lines = [
        ("run", run.name),
        ("kind", run.kind),
        ("status", f"{run.status}, started {run.started:%Y-%m-%d %H:%M}{took}"),
        ("error", run.error or ""),
        ("model", run.model),
        ("data", data),
        ("run_id", run.run_id or ""),
        ("parent", run.parent_id or ""),
        ("folder", run.folder),
        ("code", f"{commit}{dirty}"),
    ]
    return [(name, text) for name, text in lines if text]


def _result(run: "Listed", *, verbose: bool) -> list[tuple[str, str]]:
    from cfexp.runtime.console import as_text

    names = sorted(run.metrics) if verbose else HEADLINE
    found = [name for name in names if name in run.metrics]
    return [(name, as_text(run.metrics[name])) for name in found]


def _options(params: Mapping[str, str]) -> list[tuple[str, str]]:
    """Returns a line for each group of options."""
    groups: dict[str, list[str]] = {}
    for name, value in sorted(params.items()):
        group, dot, option = name.partition(".")
        text = f"{option}={value}" if dot else f"{name}={value}"
        groups.setdefault(group if dot else "options", []).append(text)
    return [(group, "  ".join(options)) for group, options in sorted(groups.items())]


def _next(run: "Listed") -> list[tuple[int, str]]:
    """Returns numbered commands that go on from a run."""
    name = run.short
    if run.kind in ("sweep", "cv"):
        found = [f"cfexp watch {name}", f"cfexp runs --sweep {name} --sort val_rmse"]
        found += [f"cfexp compare --sweep {name}"]
    elif run.status == "running":
        found = [f"cfexp watch {name}"] if run.parent_id else []
    elif run.status != "finished":
        again = " ".join(run.overrides)
        found = [f"cfexp {again} training.resume=true", f"less {run.folder}/cfexp.log"]
    elif run.kind == "train":
        found = [f"cfexp recommend {name} USER", f"cfexp predict {name} PAIRS.csv"]
        found += [f"cfexp show {name} --plots", f"cfexp score {name}"]
        found += [f"cfexp reproduce {name}"]
    else:
        found = []
    return list(enumerate(found))
