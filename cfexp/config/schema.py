"""The schema of ``conf/config.yaml``: groups, modes and their options.

Without pydantic, so that ``cfexp --help`` is there at once.
"""

from dataclasses import make_dataclass
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge

# A group of several files, each under its own name: ``metrics.within``.
SEVERAL = "metrics"
GROUPS = (
    *("dataset", "split", "features", "model", "optimizer", "training"),
    *("evaluation", "tracking"),
    SEVERAL,
)
# Groups whose files set options of all groups; null by default.
ACROSS = ("experiment", "search")
# Short forms of options.
SHORT = {"embed_dim": "model.embed_dim", "members": "training.members"}
Repeats = Annotated[int, Ge(2)] | None


class Mode(Enum):
    """What to do."""

    train = "train"
    evaluate = "evaluate"
    predict = "predict"
    recommend = "recommend"
    similar = "similar"
    finetune = "finetune"
    reproduce = "reproduce"


class OptionFields:
    """The mode and its options, which `cfexp.config.options.Options` checks.

    Attributes:
        mode: What to do.
        objective: Metric of the validation rows by which a sweep chooses its best job;
            NDCG in place of ``val_rmse`` where models learn to rank.
        cv: Number of folds to cross-validate, as one result.
        seeds: Number of seeds to repeat training with, from `seed` on, as one result.
        zip: Swept options whose values go together, the first with the first and so on;
            or several lists of such options.
        rerun: Retrain jobs that a sweep, `cv` or `seeds` finished before.
        run_name: Name of the run; made from the overrides if None.
        run_id: The trained model to use: ``latest``, ``best``, a run id or its first
            characters, a name, a folder, ``models:/NAME/VERSION``.
        best_of: Metric of the validation rows by which ``run_id=best`` chooses.
        known_rows: Of `evaluate` and `finetune`: whether test and validation rows that
            the model knows are refused, or left out and counted.
        same_ids: Whether ids of other data mean the users and movies that a model
            knows.
        pairs: Of `predict`: the file of users and movies, CSV or Parquet.
        columns: Of `predict` and `recommend`: the columns' names in their files. None:
            those of the model's data, or ``userId`` and so on.
        output: Of `predict`, `recommend` and `similar`: the file to write, whose ending
            says the format; None: in the run's folder.
        overwrite: Replace `output` if it exists.
        user: Of `recommend`: id of the user to recommend movies to.
        users: Of `recommend`: many users, a file of them or ``all`` of the dataset.
        ratings: Of `recommend`: the file of the ratings of one or more new users.
        explain: Of `recommend`: add which of the user's ratings raise each prediction.
        movie: Of `similar`: the id or the title of the movie.
        k: Of `recommend` and `similar`: number of movies.
    """

    mode: Mode = Mode.train
    objective: str = "val_rmse"
    cv: Repeats = None
    seeds: Repeats = None
    zip: tuple[str, ...] | tuple[tuple[str, ...], ...] = ()
    rerun: bool = False
    run_name: str | None = None
    run_id: str | None = None
    best_of: str = "val_rmse"
    known_rows: Literal["error", "drop"] = "error"
    same_ids: bool = False
    pairs: str | None = None
    columns: dict[str, str | None] = {  # noqa: RUF012  pydantic copies it
        "userId": None,
        "movieId": None,
        "rating": None,
    }
    output: str | None = None
    overwrite: bool = False
    user: str | None = None
    users: str | None = None
    ratings: str | None = None
    explain: bool = False
    movie: str | None = None
    k: Annotated[int, Ge(1)] = 10


def _plain(hint: Any) -> Any:
    """Returns a type that OmegaConf supports: without limits and literals."""
    if get_origin(hint) is Annotated:
        return _plain(get_args(hint)[0])
    if get_origin(hint) is Literal:
        return str
    if get_origin(hint) is tuple:
        return list[Any]
    if get_origin(hint) in (Union, UnionType):
        parts = tuple(dict.fromkeys(_plain(part) for part in get_args(hint)))
        return Union[parts]  # noqa: UP007
    return hint


# The types that Hydra checks; `Options` and the groups' classes check the rest.
Config = make_dataclass(
    "Config",
    [
        *((n, _plain(hint)) for n, hint in OptionFields.__annotations__.items()),
        *((name, int | None) for name in SHORT),
        ("seed", int),
        ("deterministic", bool),
        *((group, dict[str, Any]) for group in GROUPS),
    ],
)
