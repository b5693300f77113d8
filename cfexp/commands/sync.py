"""``cfexp sync``: pushes runs that could not be logged to their tracking server."""

from pathlib import Path

from cfexp.config.arguments import Parser
from cfexp.errors import ConfigError
from cfexp.runtime.locks import RUN_LOCK, held
from cfexp.tracking.push import push
from cfexp.tracking.unsynced import FILE

PLACES = ("outputs", "multirun")


def parser() -> Parser:
    """Returns the command's parser."""
    found = Parser(
        prog="cfexp sync",
        description="Pushes runs that could not be logged to their tracking server.",
    )
    found.add_argument(
        "folders",
        nargs="*",
        type=Path,
        metavar="FOLDER",
        help="folders of runs, or of many runs; outputs and multirun by default",
    )
    found.add_argument("--uri", help="push to this server instead of their own")
    return found


def main(arguments: list[str]) -> None:
    """Pushes runs and prints their ids.

    Raises:
        CfexpError: There is nothing to push, or the server cannot be used.
    """
    args = parser().parse_args(arguments)
    places = args.folders or [Path(place) for place in PLACES]
    # Sorted, so that parent runs come before their children.
    found = sorted({path.parent for place in places for path in place.rglob(FILE)})
    if not found:
        listed = ", ".join(map(str, places))
        raise ConfigError(f"there is no run to push ({FILE}) in {listed}")
    for folder in found:
        with held(folder / RUN_LOCK, wait=False) as is_ended:
            if is_ended:
                outcome = push(folder, uri=args.uri)
            else:
                outcome = "still running, and will be logged by its own process"
        print(f"{folder}: {outcome}")  # noqa: T201
