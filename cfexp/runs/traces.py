"""Removes the files that Hydra leaves behind if a command is refused."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from cfexp.runtime.owned import MARKER

# Hydra's files in the run's folder .hydra.
HYDRA_FILES = ("config.yaml", "hydra.yaml", "overrides.yaml")


@dataclass(frozen=True)
class Traces:
    """The files that Hydra creates before a run or sweep starts.

    Attributes:
        folder: The folder of the run or sweep.
        own: Names of the files in it before, and of those that Hydra creates.
        made: Paths that Hydra creates: files first, then folders from the inside out.
    """

    folder: Path
    own: frozenset[str]
    made: tuple[Path, ...]

    @classmethod
    def of(cls, config: DictConfig, *, sweep: bool) -> "Traces":
        """Returns the files that Hydra is about to create.

        Args:
            config: The configuration, including the node ``hydra``.
            sweep: Whether it is a sweep.
        """
        if sweep:
            folder = Path(config.hydra.sweep.dir).absolute()
            names = (MARKER, "multirun.yaml")
            paths = [*(folder / name for name in names), folder, *folder.parents]
            return cls._of(folder, names, paths)
        folder = Path(config.hydra.run.dir).absolute()
        notes, log = config.hydra.output_subdir, f"{config.hydra.job.name}.log"
        paths = [folder / log, folder / MARKER]
        if notes is not None:
            paths += [folder / notes / name for name in HYDRA_FILES]
            paths += [folder / notes]
        paths += [folder, *folder.parents]
        own = (log, MARKER) if notes is None else (log, MARKER, str(notes))
        return cls._of(folder, own, paths)

    @classmethod
    def _of(cls, folder: Path, own: tuple[str, ...], paths: list[Path]) -> "Traces":
        before = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        made = tuple(path for path in paths if not path.exists())
        return cls(folder, frozenset([*own, *before]), made)

    def remove(self) -> None:
        """Removes Hydra's files, if nothing else was written into the folder."""
        with suppress(OSError):
            if {path.name for path in self.folder.iterdir()} <= self.own:
                for path in self.made:
                    path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)


_traces: list[Traces] = []


def note_traces(config: DictConfig, *, sweep: bool = False) -> None:
    """Remembers the files that Hydra is about to create, see `remove_traces`."""
    _traces[:] = [Traces.of(config, sweep=sweep)]


def remove_traces() -> None:
    """Removes Hydra's files of a run or sweep that was refused."""
    while _traces:
        _traces.pop().remove()
