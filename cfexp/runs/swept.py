"""What the jobs of a sweep need to know, in whatever process they run."""

import os
from dataclasses import dataclass
from pathlib import Path

from cfexp.errors import ConfigError


@dataclass(frozen=True)
class Swept:
    """What the jobs of a sweep need to know.

    Attributes:
        parent_id: Id of the parent run; None without tracking.
        uri: The tracking URI, absolute; None if it holds a password, when jobs read it
            from the environment.
        home: The working directory of the sweep.
        shared: The overrides that all its jobs have.
    """

    parent_id: str | None
    uri: str | None
    home: Path
    shared: tuple[str, ...] = ()

    def enter(self) -> None:
        """Changes to the working directory of the sweep.

        Raises:
            ConfigError: This machine does not have it.
        """
        if not self.home.is_dir():
            raise ConfigError(
                f"a job was started on a machine without the folder {self.home}. Start"
                " the sweep in a folder that all machines of the launcher share."
            )
        os.chdir(self.home)
