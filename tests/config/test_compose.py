"""Experiments composed in Python, and written as overrides again."""

import logging
import re
from collections.abc import Callable

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.version import VersionBase
from omegaconf import DictConfig

import cfexp
from cfexp.config.compose import conf_dir
from cfexp.config.overrides_of import overrides_of
from cfexp.data.folds import KFold
from cfexp.errors import ConfigError
from cfexp.models.dot import Dot
from cfexp.models.ncf import Ncf

# How the file of an experiment may set features.
OWN_FEATURES = re.compile(r"^features|override /features", re.M)


def test_compose_makes_the_experiment_of_the_command_line() -> None:
    found = cfexp.compose("dataset=ml-100k", "split=kfold", "embed_dim=64", "seed=1")
    assert found == cfexp.Experiment(
        dataset=cfexp.data.MovieLens("ml-100k"),
        split=cfexp.data.KFold(fold=0),
        model=cfexp.models.Ncf(embed_dim=64),
        seed=1,
    )
    assert cfexp.compose().model == Ncf()


def test_features_of_an_experiment_give_way_to_those_asked_for(
    composed: Callable[..., DictConfig],
) -> None:
    folder = conf_dir() / "experiment"
    files = [f for f in folder.rglob("*.yaml") if OWN_FEATURES.search(f.read_text())]
    names = {str(file.relative_to(folder).with_suffix("")) for file in files}
    assert {"ml-100k/bayes", "ml-1m/bayes", "ml-1m/dot"} <= names
    for asked in ("features=none", "features=genres", "features=all"):
        alone = composed(asked).features
        for name in names:
            assert composed(f"experiment={name}", asked).features == alone, name


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            ["experiment=ml-100k/dot", "training=quick", "optimizer=sgd"],
            [
                "optimizer=sgd: experiment=ml-100k/dot takes precedence with"
                " optimizer.learning_rate=0.003, unless you set it by name",
                "training=quick: experiment=ml-100k/dot takes precedence with"
                " training.epochs=30, unless you set it by name",
            ],
        ),
        (["experiment=ml-100k/dot", "training=quick", "training.epochs=2"], []),
        (["experiment=ml-100k/bayes", "features=none"], []),
        (["training=quick", "optimizer=sgd", "model=dot", "embed_dim=8"], []),
    ],
)
def test_what_an_experiment_overrules_is_said(
    overrides: list[str], said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        cfexp.compose(*overrides)
    assert caplog.messages == said


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["model=ncff"], r"model=ncff is not an option \(did you mean ncf\?\)"),
        (["embed_dim=x"], "embed_dim must be a whole number. Got: 'x'"),
        (["model.embed_dim=0"], "model.embed_dim must be >= 1 and <= 4,096. Got: 0"),
        (["sed=1"], r"there is no option sed \(did you mean seed or seeds\?\)"),
        (["embed_dim=8", "model=bias"], "embed_dim=8: model=bias has none"),
        (["embed_dim=8,16"], "lists several values"),
        (["model=null"], "model=null is not an option: choose one of autorec"),
        (["a b"], "cannot read the override a b: write name=value"),
        (["tracking=none"], "tracking=none is not part of an experiment.*cfexp.train"),
        (["cv=5"], "cv=5 is not part of an experiment.*Use the command line"),
        (["search=ncf"], "search=ncf is not part of an experiment"),
        ([3], r"cfexp.compose takes strings.* Got: 3"),
    ],
)
def test_wrong_override_is_one_line(overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        cfexp.compose(*overrides)
    assert "\n" not in str(caught.value)


def test_hydra_of_the_calling_program_stays() -> None:
    with initialize_config_dir(str(conf_dir()), version_base="1.2"):
        cfexp.compose("model=dot")
        with pytest.raises(ConfigError):
            cfexp.compose("model=dott")
        assert compose("model/bias").model.reg_user == 15.0
        assert str(VersionBase.instance().getbase()) == "1.2"
    GlobalHydra.instance().clear()


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["dataset=ml-1m", "split=official", "split.fold='2'", "model=dot", "seed=3"],
        ["dataset=csv", "dataset.ratings='a b, c.csv'", "dataset.columns.userId=u"],
        ["dataset=csv", "dataset.ratings=r.csv", "dataset.scale=[1,5]"],
        ["model=ncf", "model.layers=[8,4]", "training.patience=null"],
        ["optimizer=adagrad", "training=quick", "deterministic=true"],
        ["model=ensemble", "model.runs=[abc,'0123']"],
        ["experiment=ml-100k/ncf"],
    ],
)
def test_overrides_of_an_experiment_compose_it(overrides: list[str]) -> None:
    experiment = cfexp.compose(*overrides)
    written = overrides_of(experiment)
    assert written is not None
    assert cfexp.compose(*written) == experiment


def test_overrides_are_as_one_would_write_them() -> None:
    experiment = cfexp.compose().replace(split=KFold(fold=2), model=Dot(embed_dim=8))
    assert overrides_of(experiment) == [
        "split=kfold",
        "split.fold=2",
        "model=dot",
        "embed_dim=8",
    ]


def test_what_no_configuration_names_has_no_overrides() -> None:
    class Mine(Dot):
        """A model of the user's."""

    assert overrides_of(cfexp.compose().replace(model=Mine())) is None
