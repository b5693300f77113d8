"""A trained model with everything needed to use it: raw ids in, ratings out."""

import json
import os
import shutil
from collections.abc import Callable, Collection
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from cfexp.data.checks import require_pairs
from cfexp.data.encoder import FeatureEncoder
from cfexp.data.ratings import GENRES, ITEM, TITLE, USER
from cfexp.errors import DataError
from cfexp.models.base import Scorer, Uncertain, predict_with_std
from cfexp.models.loading import load_scorer
from cfexp.models.origin import Origin, as_damaged, read_origin
from cfexp.models.recommender import Recommender
from cfexp.models.travelling import CODE, import_modules, write_sources
from cfexp.runtime import owned
from cfexp.runtime.files import write_text

if TYPE_CHECKING:
    from cfexp.models.trained_on import TrainedOn


class Predictor(Recommender):
    """Predicts ratings of raw users and movies.

    Args:
        encoder: The encoder fitted with the model.
        scorer: The trained model.
        movies: Columns ``movieId``, ``title``, ``genres``, and those of features.
        users: Columns ``userId``, and those of features.
        origin: Where the model comes from.
        load_trained_on: Loads `trained_on` when first used; serving does not need it.
    """

    def __init__(
        self,
        *,
        encoder: FeatureEncoder,
        scorer: Scorer,
        movies: pd.DataFrame,
        users: pd.DataFrame,
        origin: Origin,
        load_trained_on: "Callable[[], TrainedOn]",
    ):
        self.encoder = encoder
        self.scorer = scorer
        self.movies = self._needed(movies, [ITEM, TITLE, GENRES])
        self.users = self._needed(users, [USER])
        self.origin = origin
        self._load_trained_on = load_trained_on

    def _needed(self, table: pd.DataFrame, own: list[str]) -> pd.DataFrame:
        """Returns a table's own columns and those of features."""
        needed = [c for c in self.encoder.columns if c in table and c not in own]
        return table[own + needed]

    @cached_property
    def trained_on(self) -> "TrainedOn":
        """The pairs that the model knows, and baselines fitted to the same rows."""
        return self._load_trained_on()

    def predict(self, pairs: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Predicts ratings within the scale, shape ``(n,)``.

        Scores if the model learned to rank: their order alone means something.

        Args:
            pairs: Columns ``userId`` and ``movieId``. Optional columns of features,
                such as ``age`` and ``genres`` (joined by ``|``), take precedence over
                what is known, and give that of new users and movies; ``timestamp``
                gives the day. Ids never seen in training use the embedding of unknown
                ids.

        Raises:
            DataError: A column or an id is missing.
        """
        return self.predict_with_std(pairs)[0]

    def predict_with_std(
        self, pairs: pd.DataFrame
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64] | None]:
        """Predicts ratings, and the standard deviation of each, shape ``(n,)`` each.

        Args:
            pairs: As for `predict`.

        Returns:
            The deviations, in stars, are None if models of this family know none.

        Raises:
            DataError: A column or an id is missing.
        """
        require_pairs(pairs, (USER, ITEM))
        if not len(pairs):
            return np.empty(0), np.empty(0) if isinstance(
                self.scorer, Uncertain
            ) else None
        rows = self.encoder.transform(pairs, self.movies, self.users)
        return predict_with_std(self.scorer, rows)

    def save(self, folder: Path) -> None:
        """Writes the predictor into `folder`, which is replaced.

        Raises:
            ConfigError: `folder` holds a file that cfexp did not write, or that was
                changed since.
        """
        check_replaceable(folder)
        partial = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        self._write(partial)
        owned.record_all(partial)
        owned.remove(folder, fix=owned.OTHER_RUN)
        partial.rename(folder)

    def _write(self, folder: Path) -> None:
        self.encoder.save(folder / "encoder.json")
        self.scorer.save(folder)
        self.trained_on.save(folder)
        self.movies.to_parquet(folder / "movies.parquet", index=False)
        self.users.to_parquet(folder / "users.parquet", index=False)
        write_sources(self.origin.modules, folder / CODE)
        # Last, so that its presence shows that the folder is complete.
        write_text(folder / "origin.json", json.dumps(asdict(self.origin), indent=2))

    @classmethod
    def load(cls, folder: Path, *, named: Collection[str] | None = ()) -> "Predictor":
        """Reads a predictor written by `save`.

        Args:
            folder: The folder.
            named: Modules, other than cfexp's, that the user trusts by name; None to
                import any that the folder names, which must be the user's own.

        Raises:
            ConfigError: It needs a module that the user does not name.
            DataError: `folder` holds no predictor, or a module cannot be imported.
            DamagedError: A part of it is missing, or cannot be read.
        """
        if not (folder / "origin.json").exists():
            raise DataError(f"{folder} holds no trained cfexp model (no origin.json).")

        def load_trained_on() -> "TrainedOn":
            from cfexp.models.trained_on import TrainedOn

            with as_damaged(folder):
                return TrainedOn.load(folder)

        with as_damaged(folder):
            origin = read_origin(folder)
            import_modules(origin.modules, folder, named=named)
            return cls(
                encoder=FeatureEncoder.load(folder / "encoder.json"),
                scorer=load_scorer(folder, origin.scorer),
                movies=pd.read_parquet(folder / "movies.parquet"),
                users=pd.read_parquet(folder / "users.parquet"),
                origin=origin,
                load_trained_on=load_trained_on,
            )


def check_replaceable(folder: Path) -> None:
    """Checks that saving a predictor into a folder overwrites none of the user's files.

    Raises:
        ConfigError: It holds a file that cfexp did not write, or that was changed
            since.
    """
    owned.check_whole(folder, fix=owned.OTHER_RUN)
