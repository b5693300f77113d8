"""The runs and the options that commands are given, such as ``tracking.uri=URI``."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfexp.config.arguments import Parser
from cfexp.config.build import build, build_spec, plain
from cfexp.config.choices import class_name
from cfexp.config.compose import compose
from cfexp.config.schema import GROUPS, SEVERAL, SHORT
from cfexp.errors import ConfigError
from cfexp.runtime.result import jsonable
from cfexp.tracking.preflight import check_reachable
from cfexp.tracking.settings import Tracking

if TYPE_CHECKING:
    from cfexp.evaluation.metric import Metric
    from cfexp.tracking.settings import Choice

# What may be set in a command that reads runs.
OPTION = re.compile(rf"\+*({'|'.join([*GROUPS, 'seed', *SHORT])})\b[\w./@]*=")
WHERE = "tracking"
METRIC_HELP = "rmse, mae, or a measure of ranking, such as ranking/full_ndcg_10"
RUN_HELP = (
    "latest, best, a run id or its first characters, a name, a folder, or"
    " models:/NAME@ALIAS"
)
OPTIONS_HELP = (
    "name=value says where the runs are (tracking.uri=URI, tracking.experiment=NAME)"
    " and what best is chosen among (dataset=ml-100k split=random seed=0)."
)


def add_runs(parser: Parser) -> None:
    """Adds what commands take that show runs: the runs, ``-v`` and ``--json``."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help=RUN_HELP)
    parser.add_argument("-v", "--verbose", action="store_true", help="all metrics")
    add_json(parser)


def add_json(parser: Parser) -> None:
    """Adds ``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


def runs_and_options(given: Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns the runs among the arguments of a command, and the options.

    A run's name, such as ``model=dot embed_dim=8``, may look like options: it is one
    if it has several.
    """
    options = [one for one in given if OPTION.match(one) and not _is_name(one)]
    return [one for one in given if one not in options], options


def _is_name(argument: str) -> bool:
    return re.search(r"\s[\w.+]+=", argument) is not None


def tracking_of(options: Sequence[str], *, wanted: str) -> Tracking:
    """Returns the checked tracking settings, before MLflow is imported.

    Args:
        options: Overrides; those that are not of the group tracking are left out.
        wanted: Why the command needs tracking, to begin the message.

    Raises:
        ConfigError: Tracking is off.
        TrackingError: The tracking server cannot be used.
    """
    where = [one for one in options if re.match(rf"\+*{WHERE}\b", one)]
    # Alone: the data's class would be imported with pandas.
    tracking = build_spec("tracking", plain(compose(where), "tracking"))
    assert isinstance(tracking, Tracking)
    if not tracking.enabled:
        raise ConfigError(f"{wanted}; leave out tracking=none")
    check_reachable(tracking.uri, existing=True)
    return tracking


def ids_of(
    runs: Sequence[str], options: Sequence[str], tracking: Tracking
) -> list[str]:
    """Returns the ids of runs.

    Args:
        runs: What `cfexp.tracking.choose.find_id` takes.
        options: Overrides, which say what ``best`` is chosen among.
        tracking: Where to search.

    Raises:
        CfexpError: An option is wrong, or there is no such run.
    """
    from cfexp.tracking.choose import CHOSEN, find_id
    from cfexp.tracking.connect import connect

    searched = any(run in CHOSEN for run in runs)
    experiment_id = connect(tracking, existing=True, searched=searched)
    choice = choice_of(options if "best" in runs else ())
    return [find_id(run, experiment_id, tracking, choice=choice) for run in runs]


def choice_of(options: Sequence[str]) -> "Choice":
    """Returns what ``best`` is chosen among: the dataset, split and seed that are set.

    Raises:
        ConfigError: An option is wrong.
    """
    from cfexp.runs.metadata import required_of
    from cfexp.tracking.settings import Choice

    if not options:
        return Choice()
    experiment = build(compose(list(options))).experiment
    return Choice(required=required_of(experiment, options))


def wanted_of(options: Sequence[str]) -> dict[str, list[str]]:
    """Returns what runs are filtered by, see `cfexp.tracking.filters.filtered`.

    Args:
        options: Such as ``model=dot,ncf``, ``split=random`` and ``model.l2=0.1``;
            where the runs are is left out.
    """
    found: dict[str, list[str]] = {}
    for option in options:
        name, _, text = option.lstrip("+").partition("=")
        if name.partition(".")[0] == WHERE:
            continue
        values = [value.strip("'\"") for value in text.split(",")]
        if name == "split":  # runs of before tell the class of a split
            values += filter(None, (class_name("split", value) for value in values))
        found[name] = values
    return found


def own_metrics(options: Sequence[str], folder: str | None) -> "Mapping[str, Metric]":
    """Returns the metrics that options ask for, as ``metrics=[within]``, by name.

    Args:
        options: Options of the command.
        folder: The user's own configs.

    Raises:
        ConfigError: There is no such folder or metric.
    """
    # As one may write it too: +metrics=within.
    own = [
        re.sub(rf"^\+*{SEVERAL}=([\w,]+)$", rf"{SEVERAL}=[\1]", option)
        for option in options
        if option.lstrip("+").startswith(SEVERAL)
    ]
    if folder is not None:
        if not Path(folder).is_dir():
            raise ConfigError(f"--config-dir: there is no folder {folder}")
        own.append(f"hydra.searchpath=['file://{Path(folder).absolute()}']")
    return build(compose(own)).experiment.metrics


def print_json(data: Any) -> None:
    """Prints data as JSON, what is no finite number as null."""
    print(json.dumps(jsonable(data), indent=2, default=str))  # noqa: T201
