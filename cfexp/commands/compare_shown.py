"""What ``cfexp compare`` prints: the table, the verdict, and what they mean."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from cfexp.comparison.systems import System
    from cfexp.evaluation.objective import Objective

MAX_LINES = 40


def as_data(
    table: "pd.DataFrame", title: str, output: Path, by: "Objective"
) -> dict[str, Any]:
    """Returns a comparison for ``--json``.

    Args:
        table: The table, the reference first.
        title: Its title.
        output: The folder of the report.
        by: The metric of validation rows, which says what is better.
    """
    from cfexp.comparison.verdict import sentences

    return {
        "title": title,
        "verdict": sentences(table, maximise=by.maximise),
        "systems": table.to_dict("records"),
        "files": str(output),
    }


def _as_shown(table: "pd.DataFrame", by: "Objective") -> "pd.DataFrame":
    """Returns the table as it is printed: p-values as text, the best first."""
    from cfexp.evaluation.significance import p_text

    shown = table.assign(p=table["p"].map(p_text))
    metric = str(table.columns[2])
    return shown.sort_values(metric, ascending=not by.maximise, ignore_index=True)


def show(title: str, table: "pd.DataFrame", by: "Objective") -> None:
    """Prints a comparison and its verdict; arguments as those of `as_data`."""
    from cfexp.comparison.verdict import MANY, sentences, verdict
    from cfexp.runtime.console import print_frame, print_lines

    shown = _as_shown(table, by)
    print_frame(title, shown.head(MAX_LINES))
    if len(shown) > MAX_LINES:
        print(f"and {len(shown) - MAX_LINES} more in compare.csv")  # noqa: T201
    said = sentences(table, maximise=by.maximise)
    if len(said) > MANY:
        said = [verdict(table, maximise=by.maximise)]
    print_lines([("" if i else "verdict", one) for i, one in enumerate(said)])


def explain(
    reference: str,
    systems: "Sequence[System]",
    metric: "tuple[str, Objective]",
    output: Path,
    best: Path | None,
) -> None:
    """Prints what the columns mean, and where the files are.

    Args:
        reference: The system that the others are compared with, and how it was chosen.
        systems: All of them.
        metric: The metric of test rows, and that of validation rows.
        output: The folder of the report.
        best: The file of the best configuration; None without.
    """
    from cfexp.comparison.fitted import fitted_to
    from cfexp.comparison.verdict import columns_explained
    from cfexp.runtime.console import print_lines

    name, by = metric
    how = "none: no configuration has a validation error in all its runs"
    if best:
        how = f"on validation: cfexp --config-dir {output} experiment={best.stem}"
    print_lines(
        [
            *columns_explained(reference, name, maximise=by.maximise),
            *fitted_to(systems),
            ("best", how),
            ("files", str(output)),
        ]
    )
