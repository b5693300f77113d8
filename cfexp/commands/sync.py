"""``cfexp sync``: pushes runs that a tracking server did not take."""

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
        description="Pushes runs that their tracking server did not take.",
    )
    found.add_argument(
        "folders",
        nargs="*",
        type=Path,
        metavar="FOLDER",
        help="runs' folders, or folders of them; outputs and multirun where none is",
    )
    found.add_argument("--uri", help="push to this server rather than to their own")
    return found


def main(arguments: list[str]) -> None:
    """Pushes runs and prints their ids.

    Raises:
        CfexpError: There is nothing to push, or the server cannot be used.
    """
    args = parser().parse_args(arguments)
    places = args.folders or [Path(place) for place in PLACES]
    # The runs above others first.
    found = sorted({path.parent for place in places for path in place.rglob(FILE)})
    if not found:
        listed = ", ".join(map(str, places))
        raise ConfigError(f"there is no run to push ({FILE}) in {listed}")
    for folder in found:
        with held(folder / RUN_LOCK, wait=False) as left:
            if left:
                said = push(folder, uri=args.uri)
            else:
                said = "is still under way, and logs itself"
        print(f"{folder}: {said}")  # noqa: T201
