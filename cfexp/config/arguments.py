"""Command-line parsers that raise a one-line error instead of printing their usage."""

import argparse
import re
from typing import NoReturn

from hydra._internal.utils import get_args_parser

from cfexp.errors import ConfigError

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
