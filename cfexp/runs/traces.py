"""What Hydra leaves behind of a command that is refused, and its removal."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from cfexp.runtime.owned import MARKER

# In the run's folder .hydra.
HYDRAS = ("config.yaml", "hydra.yaml", "overrides.yaml")


@dataclass(frozen=True)
class Traces:
    """What Hydra makes for a run or a sweep before that does anything.

    Attributes:
        folder: The folder of the run or sweep.
        own: Names of what is in it before, and of all that Hydra makes there.
        made: What was not there before, files first, then folders from the inside out.
    """

    folder: Path
    own: frozenset[str]
    made: tuple[Path, ...]

    @classmethod
    def of(cls, config: DictConfig, *, sweep: bool) -> "Traces":
        """Returns what Hydra is about to make.

        Args:
            config: What Hydra composed, with its node ``hydra``.
            sweep: Whether it starts a sweep.
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
            paths += [folder / notes / name for name in HYDRAS]
            paths += [folder / notes]
        paths += [folder, *folder.parents]
        own = (log, MARKER) if notes is None else (log, MARKER, str(notes))
        return cls._of(folder, own, paths)

    @classmethod
    def _of(cls, folder: Path, own: tuple[str, ...], paths: list[Path]) -> "Traces":
        there = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        made = tuple(path for path in paths if not path.exists())
        return cls(folder, frozenset([*own, *there]), made)

    def remove(self) -> None:
        """Removes what Hydra made, if nothing else was written into the folder."""
        with suppress(OSError):
            if {path.name for path in self.folder.iterdir()} <= self.own:
                for path in self.made:
                    path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)


_traces: list[Traces] = []


def note_traces(config: DictConfig, *, sweep: bool = False) -> None:
    """Notes what Hydra is about to make, should the run or sweep be refused."""
    _traces[:] = [Traces.of(config, sweep=sweep)]


def remove_traces() -> None:
    """Removes what Hydra made for a run that was refused, once."""
    while _traces:
        _traces.pop().remove()
