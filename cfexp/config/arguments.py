"""Parsers of the command line whose errors are one line, as all others."""

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
        """Raises what is wrong, rather than print it with the usage and exit.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(f"{self.prog}: {message}. See {self.prog} --help")


def check_flags(arguments: list[str]) -> None:
    """Checks a run's flags, such as ``--cfg job``, before Hydra prints its usage.

    Raises:
        ConfigError: One is unknown, or stands where Hydra does not see it.
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
        f"{unknown[0]} stands after a flag, where it is not read. Put flags such as -m"
        " before all overrides"
    )
