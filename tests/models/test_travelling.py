"""Code of a trained model that is not cfexp's: found, kept and imported."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers import TINY, cfexp, ok

from cfexp.config.identity import code_version
from cfexp.errors import ConfigError
from cfexp.models import travelling
from cfexp.models.layers import RatingHead
from cfexp.models.scorer import KerasScorer, check_loadable
from cfexp.models.travelling import import_modules, modules_of, sources, write_sources

FAMILY = """
import numpy as np
from cfexp.models import Baseline
from helping.numbers import LOW


class Constant:
    n_parameters = 0

    def predict(self, rows):
        return np.full(len(rows), LOW)

    def trained(self):
        return []

    def parts(self):
        return []

    def save(self, folder):
        (folder / "constant.txt").write_text("constant")

    @classmethod
    def load(cls, folder):
        assert (folder / "constant.txt").exists()
        return cls()


class Lowest(Baseline):
    def fit(self, train, features):
        return Constant()
"""


@pytest.fixture
def family(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a family that imports a package of its own."""
    own = workdir / "family"
    (own / "helping").mkdir(parents=True)
    (own / "lowest.py").write_text(FAMILY)
    (own / "helping/__init__.py").write_text("")
    (own / "helping/numbers.py").write_text("from . import more\nLOW = 1.5\n")
    (own / "helping/more.py").write_text("")
    monkeypatch.syspath_prepend(str(own))
    yield own
    for name in [
        n for n in sys.modules if n.partition(".")[0] in ("lowest", "helping")
    ]:
        del sys.modules[name]


def test_sources_of_all_that_is_imported(family: Path, tmp_path: Path) -> None:
    names = ["helping", "helping.more", "helping.numbers", "lowest"]
    assert sorted(sources(["lowest"])) == names
    write_sources(["lowest"], tmp_path / "code")
    kept = sorted(
        p.relative_to(tmp_path / "code") for p in tmp_path.rglob("code/**/*.py")
    )
    files = [
        "helping/__init__.py",
        "helping/more.py",
        "helping/numbers.py",
        "lowest.py",
    ]
    assert [str(path) for path in kept] == files


def test_code_version_counts_what_is_imported(family: Path) -> None:
    """A sweep is trained again where a helper of the user's model changed."""
    before = _version()
    (family / "helping/numbers.py").write_text("LOW = 2.5\n")
    assert _version() != before


def _version() -> str:
    import lowest

    code_version.cache_clear()
    return code_version((lowest.Lowest,))


def test_own_trained_model(family: Path, workdir: Path) -> None:
    """A baseline whose trained model is of a class of its own."""
    target = ["model=mean", "model._target_=lowest.Lowest"]
    run = [*target, *TINY, "hydra.run.dir=run"]
    done = ok(cfexp(*run, cwd=workdir))
    assert "max difference 0.0e+00" in done.stdout
    (workdir / "pairs.csv").write_text("userId,movieId\n1,2\n")
    use = ["mode=predict", "run_id=run", "pairs=pairs.csv", "output=p.csv"]
    ok(cfexp(*use, "model=mean", "model._target_=lowest.Lowest", cwd=workdir))
    assert "1.5" in (workdir / "p.csv").read_text()


def test_modules_the_user_does_not_name(family: Path, tmp_path: Path) -> None:
    """Others of a folder of the user's, where one is named; nothing else."""
    with pytest.raises(ConfigError, match="needs the module lowest, which is not"):
        import_modules(["lowest"], tmp_path, named=["elsewhere"])
    assert "lowest" not in sys.modules
    import_modules(["lowest"], tmp_path, named=["helping.more"])
    assert sys.modules.pop("lowest").Lowest


def test_classes_of_a_script(caplog: pytest.LogCaptureFixture) -> None:
    script = type("Mine", (), {"__module__": "__main__"})
    with caplog.at_level(logging.WARNING):
        assert modules_of([script, KerasScorer, np.ndarray]) == ()
    assert "move them to a module" in caplog.text
    assert travelling.sources(["keras", "numpy"]) == {}


class Unregistered(keras.layers.Layer):
    def call(self, x: object) -> object:
        return x


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (Unregistered(), "Unregistered is not registered with Keras"),
        (keras.layers.Lambda(lambda x: x, name="f"), "its layer f is a Lambda"),
    ],
)
def test_networks_that_could_not_be_loaded(
    layer: keras.layers.Layer, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        check_loadable(keras.Sequential([keras.Input((1,)), layer]))


def test_parts_of_a_network() -> None:
    head = RatingHead(3.0, (1, 5))
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, "relu"), head])
    check_loadable(network)
    assert KerasScorer(network).parts() == [RatingHead]
    assert modules_of(KerasScorer(network).parts()) == ()
