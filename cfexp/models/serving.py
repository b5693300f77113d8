"""The loader that MLflow calls to serve a logged model."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cfexp.data.checks import require_pairs
from cfexp.data.ids import as_ids
from cfexp.data.ratings import ITEM, RATING, USER
from cfexp.errors import DataError, did_you_mean
from cfexp.models.new_users import recommend_to_new
from cfexp.models.predictor import Predictor

# Parameters of a request, with their defaults, which MLflow must know beforehand.
PARAMS: dict[str, str | int | bool] = {"task": "predict", "k": 10, "explain": False}


class ServedModel:
    """A predictor behind MLflow's interface."""

    def __init__(self, predictor: Predictor):
        self.predictor = predictor
        self._tasks: dict[str, Callable[[pd.DataFrame, int, bool], pd.DataFrame]] = {
            "predict": self._predict,
            "recommend": self._recommend,
            "similar": self._similar,
            "fold_in": self._fold_in,
        }

    def predict(
        self, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Returns what the parameter ``task`` asks for.

        - ``predict``: ``rating`` or ``score`` and, if known, ``std``, for each row of
          ``userId`` and ``movieId``.
        - ``recommend``: `k` movies for each ``userId``, see `Predictor.recommend_many`.
        - ``similar``: `k` movies like each ``movieId``, see `Predictor.similar`.
        - ``fold_in``: `k` movies for a new user with these rows of ``movieId`` and
          ``rating``, or for each ``userId`` of them; see `NewUser`.

        Args:
            model_input: The rows.
            params: ``task``, ``k`` and, for ``fold_in``, ``explain``.

        Raises:
            CfexpError: There is no such task, the rows lack a column, or the model
                cannot do it.
        """
        given = {**PARAMS, **(params or {})}
        task = self._tasks.get(str(given["task"]))
        if task is None:
            known = ", ".join(self._tasks)
            near = did_you_mean(str(given["task"]), self._tasks)
            raise DataError(f"task={given['task']} must be one of {known}{near}")
        return task(model_input, int(given["k"]), bool(given["explain"]))

    def _predict(self, rows: pd.DataFrame, k: int, explain: bool) -> pd.DataFrame:
        rating, std = self.predictor.predict_with_std(rows)
        name = self.predictor.origin.outputs[0]
        found = pd.DataFrame({name: rating}, index=rows.index)
        return found if std is None else found.assign(std=std)

    def _recommend(self, rows: pd.DataFrame, k: int, explain: bool) -> pd.DataFrame:
        require_pairs(rows, (USER,))
        users = as_ids(rows[USER]).drop_duplicates()
        return self.predictor.recommend_many(users, k=k)

    def _similar(self, rows: pd.DataFrame, k: int, explain: bool) -> pd.DataFrame:
        require_pairs(rows, (ITEM,))
        found = []
        for movie in as_ids(rows[ITEM]).drop_duplicates():
            near = self.predictor.similar(movie, k=k)
            near.insert(0, "to", movie)
            found.append(near)
        return pd.concat(found, ignore_index=True)

    def _fold_in(self, rows: pd.DataFrame, k: int, explain: bool) -> pd.DataFrame:
        require_pairs(rows, [c for c in (USER, ITEM, RATING) if c in rows or c != USER])
        return recommend_to_new(self.predictor, rows, k=k, explain=explain)


def _load_pyfunc(path: str) -> ServedModel:
    return ServedModel(Predictor.load(Path(path), named=None))
