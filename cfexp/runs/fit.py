"""Trains and tests a model in one call, for `cfexp.fit`."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from cfexp.config.python import compose
from cfexp.data.dataset import Dataset
from cfexp.data.frames import Frames
from cfexp.errors import ConfigError
from cfexp.experiment import Experiment
from cfexp.models.base import Model
from cfexp.spec import Spec
from cfexp.training.result import Result

# Whose options can be given as a mapping, or as the name of one.
GROUPS = ("split", "optimizer", "training")
SINGLE = ("seed", "deterministic")
MUST_BE = {
    "dataset": "a DataFrame, a name such as ml-100k, or an object of cfexp.data",
    "model": "a name such as ncf, or an object of cfexp.models",
}


def fit(
    data: pd.DataFrame | str | Dataset,
    model: str | Model = "ncf",
    *,
    movies: pd.DataFrame | None = None,
    **options: Any,
) -> Result:
    """Trains and tests a model in one call, without tracking.

    Args:
        data: Ratings, with the columns ``userId``, ``movieId``, ``rating`` and, if you
            like, ``timestamp``; a dataset's name, such as ``ml-100k``; or a `Dataset`.
        model: The model's name, such as ``ncf``, or a `Model`.
        movies: Movies of a DataFrame of ratings: ``movieId``, ``title``, ``genres``.
        options: Fields of the model, such as ``embed_dim=64``; ``seed`` and
            ``deterministic``; ``split``, ``optimizer`` and ``training``, each an
            object, a name such as ``"kfold"``, or a mapping of fields; and, with a
            DataFrame, fields of `cfexp.data.Frames`, such as ``columns``.

    Returns:
        The test errors, `Result.test`, the `Result.predictor`, and more.

    Raises:
        CfexpError: An option is wrong, the data cannot be used, or training failed.
    """
    if isinstance(data, pd.DataFrame):
        data = Frames(data, movies, **_taken(options, Frames.model_fields))
    elif movies is not None:
        raise ConfigError("movies= goes with a DataFrame of ratings; leave it out")
    given = {"dataset": data, "model": model, **_taken(options, GROUPS)}
    single = _taken(options, SINGLE)
    fields = {n: v for n, v in given.items() if _are_fields(n, v)} | {"model": options}
    found = _experiment(given)
    changed = {n: getattr(found, n).replace(**own) for n, own in fields.items()}
    return found.replace(**changed, **single).run()


def _taken(options: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Takes some options out of `options` and returns them."""
    return {name: options.pop(name) for name in names if name in options}


def _experiment(given: Mapping[str, Any]) -> Experiment:
    """Returns the experiment of what is named or an object, else with defaults.

    Raises:
        ConfigError: There is no such name, or it is neither.
    """
    names = [f"{group}={v}" for group, v in given.items() if isinstance(v, str)]
    objects = {group: v for group, v in given.items() if isinstance(v, Spec)}
    for group, value in given.items():
        if not isinstance(value, str | Spec) and not _are_fields(group, value):
            wanted = MUST_BE.get(group, "a name, an object, or a mapping of its fields")
            raise ConfigError(
                f"{group} must be {wanted}. Got: {type(value).__name__} {value!r}"
            )
    return compose(*names).replace(**objects)


def _are_fields(group: str, value: object) -> bool:
    return group in GROUPS and isinstance(value, Mapping)
