"""Checked hyperparameters: defaults, errors, and what identifies a result."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from omegaconf import DictConfig
from pydantic import Field

from cfexp.config.build import build_spec
from cfexp.config.compose import conf_dir
from cfexp.config.schema import GROUPS, SEVERAL
from cfexp.data.folds import KFold
from cfexp.data.movielens import PUBLISHED, MovieLens
from cfexp.data.tabular import Tabular
from cfexp.errors import ConfigError
from cfexp.models.base import Baseline, Units
from cfexp.models.bias import Mean
from cfexp.models.ncf import Ncf
from cfexp.spec import NO_EFFECT, Spec, SpecError
from cfexp.tracking.settings import Tracking
from cfexp.training.optimizers import Adam, Optimizer
from cfexp.training.settings import Training


def own_files(name: str, scale: tuple[float, float]) -> dict[str, Any]:
    """Returns the fields of a dataset that the user has to get."""
    folder = f"{os.environ.get('CFEXP_DATA_DIR', 'data')}/{name}"
    files = (f"{folder}/train.csv", f"{folder}/test.csv")
    return {"name": name, "ratings": files, "scale": scale}


MOVIELENS = {
    "user": ("age", "gender", "occupation"),
    "item": ("genres", "year"),
}

# What an option sets besides the defaults of its class; `ml-1m` and so on their name.
SETS: dict[str, dict[str, Any]] = {
    "dataset/csv": {"ratings": "r.csv"},
    "dataset/douban-monti": own_files("douban-monti", (1, 5)),
    "dataset/flixster-monti": own_files("flixster-monti", (0.5, 5)),
    "split/given": {"test": "t.csv"},
    "features/none": {"item": ()},
    "features/genres": {"item": ("genres",)},
    "features/all": {"user": "all", "item": "all"},
    "features/all_day": {"user": "all", "item": "all", "time": "day"},
    "features/movielens": MOVIELENS,
    "features/movielens_day": {**MOVIELENS, "time": "day"},
    "training/quick": {"epochs": 2, "batch_size": 256},
    "tracking/none": {"enabled": False},
    "tracking/server": {"uri": "http://localhost:5000"},
}
# What an option leaves to the user.
ASKED = {
    "dataset/csv": ["dataset.ratings=r.csv"],
    "split/given": ["split.test=t.csv"],
    "tracking/server": ["tracking.uri=http://localhost:5000"],
}
FILES = [file for group in GROUPS for file in (conf_dir() / group).glob("*.yaml")]


@pytest.mark.parametrize(
    "file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}"
)
def test_defaults_are_those_of_conf(
    file: Path, composed: Callable[..., DictConfig]
) -> None:
    group, option = file.parent.name, file.stem
    choice = f"{group}/{option}"
    cfg = composed(f"{group}={option}", *ASKED.get(choice, []))
    values = cfg[group][option] if group == SEVERAL else cfg[group]
    spec = build_spec(group, values)
    own = {"name": option} if option in PUBLISHED else SETS.get(choice, {})
    assert type(spec)(**own) == spec
    assert set(values) - {"_target_"} == set(spec.settings())


class Odd(Spec):
    """Each kind of field."""

    group: ClassVar[str] = "model"
    width: Annotated[int, Field(ge=1, le=4096), NO_EFFECT] = 8
    layers: tuple[Units, ...] = (64, 32)
    share: Annotated[float, Field(ge=0, lt=1)] = 0.2
    norm: Annotated[float, Field(gt=0)] | None = None
    of: Literal["item", "user"] = "item"
    on: bool = False
    columns: dict[str, str | None] = {"a": "b"}  # noqa: RUF012
    pair: tuple[float, float] = (1, 5)
    label_: Annotated[str, Field(min_length=2)] = "ab"
    path: str

    def problems(self) -> list[str]:
        return ["width must differ from 13"] if self.width == 13 else []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"width": 0}, "width must be >= 1 and <= 4,096. Got: 0"),
        ({"width": True}, "width must be a whole number. Got: True"),
        ({"width": 1.5}, "width must be a whole number. Got: 1.5"),
        ({"width": 2.0}, "width must be a whole number. Got: 2.0"),
        ({"width": "a"}, "width must be a whole number. Got: 'a'"),
        ({"width": None}, "width must not be null: give a value"),
        ({"width": 13}, "width must differ from 13"),
        ({"layers": 5}, "layers must be a list, as in [1,2]. Got: 5"),
        ({"layers": [0, 1]}, "layers must be >= 1 and <= 65,536. Got: 0"),
        ({"layers": [1, False]}, "layers must be a whole number. Got: False"),
        ({"layers": [1, 2.0]}, "layers must be a whole number. Got: 2.0"),
        ({"share": "abc"}, "share must be a number. Got: 'abc'"),
        ({"share": True}, "share must be a number. Got: True"),
        ({"share": float("nan")}, "share must be a finite number. Got: nan"),
        ({"share": 1}, "share must be >= 0 and < 1. Got: 1"),
        ({"norm": -1}, "norm must be > 0. Got: -1"),
        ({"norm": float("inf")}, "norm must be a finite number. Got: inf"),
        ({"of": "both"}, "of must be one of item, user. Got: 'both'"),
        ({"on": "maybe"}, "on must be true or false. Got: 'maybe'"),
        ({"columns": 3}, "columns must be a table: {a: 1}. Got: 3"),
        ({"columns": {"a": [1]}}, "columns.a must be a text. Got: [1]"),
        ({"pair": [1]}, "pair must be a longer list. Got: [1]"),
        ({"pair": [1, 2, 3]}, "pair must be a shorter list. Got: [1, 2, 3]"),
        ({"label_": "x"}, "label_ is refused: String should have at least 2"),
        ({"path": True}, "path must be a text. Got: True"),
        ({"layer": 3}, "layer is not an option of this model (did you mean layers?)"),
    ],
    ids=str,
)
def test_wrong_value(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        Odd(**{"path": "x", **values})
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_every_problem_at_once() -> None:
    with pytest.raises(SpecError) as error:
        Odd(width=0, of="both", layer=3, pair=[True, 2.0])  # type: ignore[call-arg]
    named = [problem.partition(" ")[0] for problem in error.value.problems]
    assert named == ["layer", "of", "pair", "path", "width"]
    assert "path is not set: give it a value" in error.value.problems
    again = pickle.loads(pickle.dumps(error.value))  # from a worker
    assert str(again) == str(error.value)


def test_what_is_meant_is_taken() -> None:
    """Whole numbers as floats, and text as numbers: it may be of the environment."""
    odd = Odd(path=7, share=0, pair=[1, 5], width="64", norm="0.5")  # type: ignore[arg-type]
    assert (odd.path, odd.share, odd.pair, odd.width, odd.norm) == (
        "7",
        0,
        (1, 5),
        64,
        0.5,
    )
    assert isinstance(odd.share, float)


def test_settings_and_identity() -> None:
    odd = Odd(path="x")
    assert odd.settings()["layers"] == [64, 32]
    assert odd.settings().keys() - odd.identity().keys() == {"width"}
    hidden = {"checkpoint_every", "checkpoint_dir", "resume"}
    training = Training()
    assert training.settings().keys() - training.identity().keys() == hidden
    own = Tabular(ratings="r.csv")
    assert own.settings().keys() - own.identity().keys() == {
        *("ratings", "movies", "users")
    }
    assert "root" not in MovieLens("ml-1m", root="x").identity()
    assert KFold(fold=1).identity() == {"folds": 5, "fold": 1, "valid_size": 0.05}


def test_specs_do_not_change() -> None:
    model = Ncf(embed_dim=64)
    with pytest.raises(ValueError, match="frozen"):
        model.embed_dim = 8
    assert model.replace(l2=0) == Ncf(embed_dim=64, l2=0.0)
    assert model.embed_dim == 64
    with pytest.raises(ConfigError, match="l2 must be >= 0. Got: -1"):
        model.replace(l2=-1)
    assert pickle.loads(pickle.dumps(model)) == model


def test_movielens_by_name() -> None:
    assert MovieLens("ml-1m") == MovieLens(name="ml-1m")
    assert MovieLens("ml-1m").format == "dat"
    with pytest.raises(ConfigError, match="name=ml-10k is not a published.*ml-100k or"):
        MovieLens("ml-10k")
    own = MovieLens("x", format="csv", scale=(0, 1), url="", hash="")
    assert own.scale == (0, 1)


def test_own_classes_need_no_decorator() -> None:
    class Mine(Mean):
        width: Annotated[int, Field(ge=1)] = 8

    assert (Mine().name, Mean().name, Mine.label()) == ("mine", "mean", "model=mine")
    with pytest.raises(ConfigError, match="width must be >= 1. Got: 0"):
        Mine(width=0)
    with pytest.raises(
        ConfigError, match="widht is not an option of model=mine .*width"
    ):
        Mine(widht=3)  # type: ignore[call-arg]
    assert Baseline.label() == "model=baseline"


def test_own_optimizer() -> None:
    """Any of Keras', by its name, with those arguments that are fields."""

    class Lion(Optimizer):
        kind: ClassVar[str] = "Lion"
        beta_1: float = 0.8

    keras = Lion(schedule="constant").build(
        steps_per_epoch=2, epochs=1, table_share=1.0
    )
    assert (type(keras).__name__, keras.beta_1) == ("Lion", 0.8)
    assert float(keras.learning_rate) == pytest.approx(0.01)

    class Nameless(Optimizer):
        kind: ClassVar[str] = "Adma"

    with pytest.raises(ConfigError, match="name of a Keras optimizer.*Got: 'Adma'"):
        Nameless().build(steps_per_epoch=2, epochs=1, table_share=1.0)


def test_defaults_work() -> None:
    assert Ncf().layers == (64, 32)
    assert Adam().clipnorm is None
    assert Tracking().uri == "sqlite:///mlflow.db"
    assert KFold(fold=0) == KFold()
