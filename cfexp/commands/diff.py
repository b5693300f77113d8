"""``cfexp diff``: what differs between two runs, in configuration and metrics."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cfexp.commands.options import OPTIONS_HELP, add_runs, print_json
from cfexp.commands.show import runs_of
from cfexp.config.arguments import Parser
from cfexp.evaluation.names import HEADLINE
from cfexp.tracking.tags import COMMIT, DATA_SHA256, DATASET, SPLIT, SPLIT_SHA256

if TYPE_CHECKING:
    from cfexp.tracking.listed import Listed

# Tags of which it matters that they differ, with the name to show.
TAGS = {
    DATASET: "dataset",
    SPLIT: "split",
    DATA_SHA256: "data (SHA-256)",
    SPLIT_SHA256: "test rows (SHA-256)",
    COMMIT: "commit",
}
NONE = "-"


def parser() -> Parser:
    """Returns the command's parser."""
    found = Parser(
        prog="cfexp diff",
        usage="cfexp diff RUN RUN [name=value ...]",
        description="Shows in which options and metrics two runs differ.",
        epilog=f"{OPTIONS_HELP} Is the difference chance? cfexp compare RUN RUN.",
    )
    add_runs(found)
    return found


def main(arguments: list[str]) -> None:
    """Prints what differs between two runs.

    Raises:
        CfexpError: There is no such run.
    """
    args = parser().parse_intermixed_args(arguments)
    one, other = runs_of(args.runs, 2, "cfexp diff")
    options = different(_options(one), _options(other))
    names = sorted({*one.metrics, *other.metrics}) if args.verbose else HEADLINE
    metrics = [
        (name, one.metrics.get(name), other.metrics.get(name))
        for name in names
        if name in one.metrics or name in other.metrics
    ]
    if args.json:
        return print_json(
            {
                "runs": [one.reference, other.reference],
                "options": {name: [a, b] for name, a, b in options},
                "metrics": {name: [a, b] for name, a, b in metrics},
            }
        )
    return _print((one, other), options, metrics)


def _options(run: "Listed") -> dict[str, str]:
    """Returns a run's options, and what its tags say of its data and code."""
    tags = {name: run.tags[tag][:10] for tag, name in TAGS.items() if tag in run.tags}
    return tags | dict(run.params)


def different(
    one: Mapping[str, str], other: Mapping[str, str]
) -> list[tuple[str, str | None, str | None]]:
    """Returns the names whose values differ, with both; None where there is none."""
    names = dict.fromkeys([*one, *other])
    pairs = [(name, one.get(name), other.get(name)) for name in names]
    return [(name, a, b) for name, a, b in pairs if a != b]


def _print(
    runs: "tuple[Listed, Listed]",
    options: Sequence[tuple[str, str | None, str | None]],
    metrics: Sequence[tuple[str, float | None, float | None]],
) -> None:
    import pandas as pd

    from cfexp.runtime.console import print_frame, print_lines

    one, other = (run.short[-24:] for run in runs)
    print_lines(
        [(name, run.name) for name, run in zip((one, other), runs, strict=True)]
    )
    if options:
        rows: list[Any] = [(n, a or NONE, b or NONE) for n, a, b in options]
        table = pd.DataFrame(rows, columns=["option", one, f"{other} "])
        print_frame("options that differ", table)
    else:
        print_lines([("options", "none differs")])
    if metrics:
        rows = [(name, _text(a), _text(b), _change(a, b)) for name, a, b in metrics]
        columns = ["metric", one, f"{other} ", "difference"]
        print_frame("metrics", pd.DataFrame(rows, columns=columns))
    tested = {run.tags.get(SPLIT_SHA256) for run in runs}
    if len(tested) > 1:
        print_lines([("note", "tested on different rows: errors cannot be compared")])


def _text(value: float | None) -> str:
    from cfexp.runtime.console import as_text

    return NONE if value is None else as_text(value)


def _change(one: float | None, other: float | None) -> str:
    return NONE if one is None or other is None else f"{other - one:+.4f}"
