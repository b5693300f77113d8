"""``cfexp doctor``: what is installed and found here, what is wrong, and its fix."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from cfexp.commands.options import add_json, print_json
from cfexp.config.arguments import Parser
from cfexp.config.build import build_spec, plain
from cfexp.config.compose import compose

if TYPE_CHECKING:
    from cfexp.checkup.finding import Finding

LEFT = 16


def parser() -> Parser:
    """Returns the command's parser."""
    found = Parser(
        prog="cfexp doctor",
        usage="cfexp doctor [--quick] [--json] [tracking.uri=URI]",
        description="Says what is installed and found on this machine, what is wrong"
        " with it and how to fix it. The exit status is 1 if something is wrong.",
        epilog="What is marked as a note is no fault.",
    )
    found.add_argument("options", nargs="*", metavar="name=value", help="of tracking")
    found.add_argument(
        "--quick", action="store_true", help="without importing TensorFlow and MLflow"
    )
    add_json(found)
    return found


def main(arguments: list[str]) -> int:
    """Prints the findings, each as it is made; returns the exit status.

    Raises:
        ConfigError: An option is wrong.
    """
    args = parser().parse_intermixed_args(arguments)
    found = []
    for finding in _findings(args.options, quick=args.quick):
        found.append(finding)
        if not args.json:
            print(_text(finding), flush=True)  # noqa: T201
    bad = sum(one.state == "wrong" for one in found)
    if args.json:
        print_json({"ok": not bad, "findings": [asdict(one) for one in found]})
    else:
        said = f"{bad} of {len(found)} are wrong" if bad else "nothing is wrong"
        print(f"cfexp doctor: {said}")  # noqa: T201
    return 1 if bad else 0


def _findings(options: list[str], *, quick: bool) -> "Iterator[Finding]":
    from cfexp.checkup.datasets import datasets
    from cfexp.checkup.machine import machine
    from cfexp.checkup.packages import packages, python
    from cfexp.checkup.tracked import tracked
    from cfexp.tracking.settings import Tracking

    tracking = build_spec("tracking", plain(compose(options), "tracking"))
    assert isinstance(tracking, Tracking)
    yield python()
    yield from packages()
    yield from machine()
    yield from datasets()
    yield tracked(tracking, quick=quick)
    if not quick:
        from cfexp.checkup.devices import devices

        yield from devices()


def _text(finding: "Finding") -> str:
    mark = finding.state.upper() if finding.state == "wrong" else finding.state
    line = f"{finding.name:<{LEFT}}{mark:<7}{finding.found}"
    return f"{line}\n{'':<{LEFT + 7}}-> {finding.fix}" if finding.fix else line
