"""The option ``--set`` of commands: where to find the runs."""

import argparse

from cfexp.config.build import build
from cfexp.config.compose import compose
from cfexp.errors import ConfigError
from cfexp.tracking.preflight import check_reachable
from cfexp.tracking.settings import Tracking


def add_set(parser: argparse.ArgumentParser) -> None:
    """Adds ``--set OVERRIDE...`` to a command's parser."""
    parser.add_argument(
        "--set",
        nargs="*",
        default=[],
        metavar="OVERRIDE",
        help="where the runs are: tracking=server tracking.uri=URI, and so on",
    )


def reachable_tracking(overrides: list[str], *, wanted: str) -> Tracking:
    """Returns the checked tracking settings, before MLflow is imported.

    Args:
        overrides: The values of ``--set``.
        wanted: Why the command needs tracking, to begin the message.

    Raises:
        ConfigError: Tracking is off.
        TrackingError: The tracking server cannot be used.
    """
    tracking = build(compose(overrides)).tracking
    if not tracking.enabled:
        raise ConfigError(f"{wanted}; leave out tracking=none")
    check_reachable(tracking.uri, existing=True)
    return tracking
