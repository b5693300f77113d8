"""The schema of ``conf/config.yaml``: groups, modes and their options."""

from dataclasses import make_dataclass
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import Field

from cfexp.runtime.files import file_problems
from cfexp.spec import Spec

# A group of several files, each under its own name: ``metrics.within``.
SEVERAL = "metrics"
GROUPS = (
    *("dataset", "split", "model", "optimizer", "training", "tracking"),
    SEVERAL,
)
# Groups whose files set options of all groups; null by default.
ACROSS = ("experiment", "search")
# The metrics that may choose a run: never those of test rows.
Validation = Literal["val_rmse", "val_mae"]
Repeats = Annotated[int, Field(ge=2)] | None


class Mode(Enum):
    """What to do."""

    train = "train"
    evaluate = "evaluate"
    predict = "predict"
    recommend = "recommend"
    finetune = "finetune"
    reproduce = "reproduce"


class Options(Spec):
    """The mode and its options.

    Attributes:
        mode: What to do.
        objective: Metric that a sweep minimises.
        cv: Number of folds of cross-validation.
        seeds: Number of seeds to repeat training with.
        zip: Swept options whose values go together, the first with the first and so on;
            or several lists of such options.
        rerun: Retrain jobs that a sweep, `cv` or `seeds` finished before.
        run_name: Name of the run; made from the overrides if None.
        run_id: The trained model to use.
        best_of: Metric that ``run_id=best`` minimises.
        known_rows: What to do with test rows that a trained model knows.
        same_ids: Whether ids of other data mean the users and movies that a model
            knows.
        pairs: File of users and movies to predict.
        output: File to write.
        overwrite: Replace `output` if it exists.
        user: Id of the user to recommend movies to.
        k: Number of movies to recommend.
    """

    mode: Mode = Mode.train
    objective: Validation = "val_rmse"
    cv: Repeats = None
    seeds: Repeats = None
    zip: tuple[str, ...] | tuple[tuple[str, ...], ...] = ()
    rerun: bool = False
    run_name: str | None = None
    run_id: str | None = None
    best_of: Validation = "val_rmse"
    known_rows: Literal["error", "drop"] = "error"
    same_ids: bool = False
    pairs: str | None = None
    output: str | None = None
    overwrite: bool = False
    user: str | None = None
    k: Annotated[int, Field(ge=1)] = 10

    def problems(self) -> list[str]:
        mode, problems = self.mode, []
        if mode is Mode.train and self.run_id is not None:
            problems.append(
                f"run_id={self.run_id} names a trained model, but mode=train trains a"
                " new one; add mode=evaluate, predict, recommend or finetune"
            )
        if mode is not Mode.train and self.run_id is None:
            problems.append(
                f"mode={mode.name} needs run_id=: a run id, latest, best,"
                " models:/name/version or a run's folder"
            )
        if mode is Mode.predict and self.pairs is None:
            problems.append("mode=predict needs pairs=, a CSV of userId and movieId")
        if mode in (Mode.predict, Mode.recommend) and self.output is not None:
            problems += file_problems(Path(self.output), "output")
        if mode is Mode.recommend and self.user is None:
            problems.append("mode=recommend needs user=, a userId of the dataset")
        return problems


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
        *((name, _plain(hint)) for name, hint in Options.__annotations__.items()),
        ("embed_dim", int | None),
        ("seed", int),
        ("deterministic", bool),
        *((group, dict[str, Any]) for group in GROUPS),
    ],
)
