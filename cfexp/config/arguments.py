"""Command-line parsers that raise a one-line error instead of printing their usage."""

import argparse
import re
from itertools import pairwise
from typing import NoReturn

from hydra._internal.utils import get_args_parser

from cfexp.errors import ConfigError
from cfexp.runtime.output import Output, Verbosity

QUIET, VERBOSE, JSON = ("-q", "--quiet"), ("-v", "--verbose"), ("--json",)
# A flag of ``cfexp reproduce``.
CHECKOUT = "--checkout"


class Parser(argparse.ArgumentParser):
    """A parser of a command's arguments."""

    def error(self, message: str) -> NoReturn:
        """Raises an error, instead of printing it with the usage and exiting.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(f"{self.prog}: {message}. See {self.prog} --help")


def check_flags(arguments: list[str]) -> None:
    """Checks a run's flags, such as ``--cfg job``, before Hydra prints its usage.

    Raises:
        ConfigError: A flag is unknown, or an override follows a flag.
    """
    parser = get_args_parser()
    parser.exit_on_error = False
    try:
        _, unknown = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        raise ConfigError(f"{error}. See cfexp --help") from error
    if not unknown:
        return
    if re.match(r"--?\w", unknown[0]):
        raise ConfigError(f"there is no flag {unknown[0]}. See cfexp --help")
    raise ConfigError(
        f"{unknown[0]} follows a flag, where it is not read. Put flags such as -m"
        " before all overrides"
    )


def take_output(arguments: list[str]) -> tuple[list[str], Output]:
    """Takes the flags ``-q``, ``-v`` and ``--json``, which Hydra does not know.

    Returns:
        The other arguments, and what the flags ask for.

    Raises:
        ConfigError: Both ``-q`` and ``-v`` are given.
    """
    quiet, verbose, as_json = (
        any(a in flags for a in arguments) for flags in (QUIET, VERBOSE, JSON)
    )
    if quiet and verbose:
        raise ConfigError("-q prints less and -v more: give one of them")
    verbosity = Verbosity.QUIET if quiet else Verbosity.NORMAL
    if verbose:
        verbosity = Verbosity.VERBOSE
    rest = [a for a in arguments if a not in (*QUIET, *VERBOSE, *JSON)]
    command = ("cfexp", *arguments)
    return rest, Output(verbosity=verbosity, as_json=as_json, command=command)


def config_dirs(arguments: list[str]) -> list[str]:
    """Returns the folders that ``--config-dir`` names."""
    flags = ("--config-dir", "-cd")
    joined = [a.partition("=")[2] for a in arguments if a.startswith("--config-dir=")]
    return [after for flag, after in pairwise(arguments) if flag in flags] + joined
