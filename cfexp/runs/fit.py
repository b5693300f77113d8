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

# Groups that can be given as an object, an option's name or a mapping of fields.
GROUPS = ("split", "features", "optimizer", "training")
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
    users: pd.DataFrame | None = None,
    **options: Any,
) -> Result:
    """Trains and tests a model in one call, without tracking.

    Args:
        data: Ratings with columns ``userId``, ``movieId``, ``rating`` and optionally
            ``timestamp``; a dataset's name, such as ``ml-100k``; or a `Dataset`.
        model: The model's name, such as ``ncf``, or a `Model`.
        movies: Movies with columns ``movieId``, ``title``, ``genres`` and any others;
            only with a DataFrame of ratings.
        users: Users with columns ``userId`` and any others; likewise.
        options: Fields of the model, such as ``embed_dim=64``; ``seed`` and
            ``deterministic``; ``split``, ``features``, ``optimizer`` and ``training``,
            each an object, a name such as ``"kfold"``, or a mapping of fields; and,
            with a DataFrame, fields of `cfexp.data.Frames`, such as ``columns``.

    Returns:
        The result, with the test errors `Result.test` and the model `Result.predictor`.

    Raises:
        CfexpError: An option is wrong, the data cannot be used, or training failed.
    """
    if isinstance(data, pd.DataFrame):
        data = Frames(data, movies, users, **_taken(options, Frames.model_fields))
    else:
        for name, table in (("movies", movies), ("users", users)):
            if table is not None:
                raise ConfigError(f"{name}= needs a DataFrame of ratings; leave it out")
    given = {"dataset": data, "model": model, **_taken(options, GROUPS)}
    single = _taken(options, SINGLE)
    fields = {n: v for n, v in given.items() if _are_fields(n, v)} | {"model": options}
    found = _experiment(given)
    changed = {n: getattr(found, n).replace(**own) for n, own in fields.items()}
    return found.replace(**changed, **single).run()


def _taken(options: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Removes the options with these names from `options` and returns them."""
    return {name: options.pop(name) for name in names if name in options}


def _experiment(given: Mapping[str, Any]) -> Experiment:
    """Returns the experiment of the given names and objects; defaults for the rest.

    Raises:
        ConfigError: A name does not exist, or a value is of another type.
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
