"""Where a trained model comes from, as its folder says."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfexp.data.columns import RATING
from cfexp.errors import CfexpError, DamagedError, DataError, in_words
from cfexp.models.base import Scorer, Uncertain

# What a model returns that learned to rank.
SCORE = "score"


def outputs_of(scorer: Scorer, *, ranks: bool) -> tuple[str, ...]:
    """Returns the columns that a served model returns."""
    if ranks:
        return (SCORE,)
    return (RATING, "std") if isinstance(scorer, Uncertain) else (RATING,)


@dataclass(frozen=True)
class Origin:
    """Where a trained model comes from.

    Attributes:
        model: Name of the model family.
        dataset: Name of the dataset.
        data_fingerprint: SHA-256 of the dataset.
        split_fingerprint: SHA-256 of the split.
        config: The settings of the experiment that trained it.
        cfexp: Version of cfexp that trained it.
        sources: The trained models it was fine-tuned from, the oldest first: run ids,
            or folders of runs that were not tracked.
        modules: The modules besides cfexp's that it is loaded with.
        scorer: The class of the trained model, where it is not one of cfexp's.
        outputs: Columns that the served model returns.
    """

    model: str
    dataset: str
    data_fingerprint: str
    split_fingerprint: str
    config: Mapping[str, Any]
    cfexp: str
    sources: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    scorer: str | None = None
    outputs: tuple[str, ...] = (RATING,)

    @property
    def ranks(self) -> bool:
        """Whether the model learned to rank, so that it returns no ratings."""
        return self.outputs == (SCORE,)

    def __post_init__(self) -> None:
        if not isinstance(self.config, Mapping):  # text, before there were experiments
            raise TypeError("its configuration is no mapping")


def read_origin(folder: Path) -> Origin:
    """Returns where the model in a folder comes from.

    Raises:
        DamagedError: It cannot be read.
        DataError: It is from an older version of cfexp.
    """
    with as_damaged(folder):
        saved = json.loads((folder / "origin.json").read_text())
        if not isinstance(saved["config"], Mapping):  # text, in older versions
            raise DataError(
                f"the model in {folder} is from an older version of cfexp. Train it"
                " again"
            )
        names = [n for n in ("sources", "modules", "outputs") if n in saved]
        several = {name: tuple(saved[name]) for name in names}
        return Origin(**{**saved, **several})


@contextmanager
def as_damaged(folder: Path) -> Iterator[None]:
    """Turns any error of reading a model into a `DamagedError`."""
    try:
        yield
    except CfexpError:
        raise
    except Exception as error:
        needed = (folder / "encoder.json", folder / "movies.parquet")
        missing = [str(path) for path in needed if not path.exists()]
        reason = f"there is no {missing[0]}" if missing else in_words(error)
        raise DamagedError(
            f"the model in {folder} is damaged, or from another version of cfexp:"
            f" {reason}",
            "Give another run's folder, or train the model again.",
        ) from error
