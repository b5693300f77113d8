"""What imports what, and how large things are, as one look at the package shows."""

import ast
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT, script

LINT = Path(sys.executable).with_name("lint-imports")

structure = script("structure")
CFEXP = structure.Structure.of(ROOT)
MODELS = {n: t for n, t in CFEXP.trees.items() if n.startswith("cfexp.models.")}


def test_few_modules_at_the_root() -> None:
    assert len(CFEXP.root) <= 6, CFEXP.root


def test_rooms_import_in_no_circle() -> None:
    assert structure.circles(CFEXP.rooms) == []


def test_modules_import_in_no_circle() -> None:
    assert structure.circles(CFEXP.imports) == []


def test_few_floors() -> None:
    assert len(CFEXP.floors) <= 9, CFEXP.floors


@pytest.mark.parametrize("made", ["picture", "page"])
def test_picture_shows_the_code(made: str) -> None:
    drawing = script("architecture")
    kept = (ROOT / getattr(drawing, made.upper())).read_text()
    assert kept == getattr(drawing, made)(), "run scripts/architecture"


def test_no_long_modules() -> None:
    assert CFEXP.long_modules == []


def test_modules_are_short() -> None:
    assert statistics.median(CFEXP.inside.values()) <= 100


def test_few_long_functions() -> None:
    assert len(CFEXP.long_functions) <= 4, CFEXP.long_functions


def test_no_wide_functions() -> None:
    assert CFEXP.wide_functions == []


def test_packages_say_what_they_are() -> None:
    for name in CFEXP.doors:
        said = ast.get_docstring(CFEXP.trees[name])
        assert said, name
        assert "\n" not in said, name


def families() -> set[str]:
    """Returns the modules that define a model family, be it of another one's class."""
    known, found = {"Model", "NeuralModel", "Baseline", "SampledModel"}, set()
    for _ in MODELS:  # until nothing is added, at the latest
        for name, tree in MODELS.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef) and known & {
                    base.id for base in node.bases if isinstance(base, ast.Name)
                }:
                    known.add(node.name)
                    found.add(name)
    return found - {"cfexp.models.base"}


def test_families_do_not_import_one_another() -> None:
    found = families()
    assert {"cfexp.models.ncf", "cfexp.models.bias", "cfexp.models.ensemble"} <= found
    assert {name: CFEXP.imports[name] & found for name in found} == dict.fromkeys(
        found, frozenset()
    )


def test_families_import_keras_in_build() -> None:
    """The exception among the contracts; types, layers and samplers aside."""

    def imports(node: ast.AST) -> bool:
        names = structure.imported(ast.Module([node], []))  # type: ignore[list-item]
        return bool({"keras", "tensorflow"} & {n.split(".")[0] for n in names})

    outside = []
    doors = ("factors", "folding", "folding_loss", "forward", "item_vectors")
    doors += ("keras_attributes", "scorer", "signature")
    of_networks = {f"cfexp.models.{name}" for name in doors}
    for name in MODELS.keys() - of_networks:
        if name.startswith(("cfexp.models.gibbs.", "cfexp.models.layers.")):
            continue
        waiting: list[ast.AST] = [MODELS[name]]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.FunctionDef) and node.name == "build":
                continue
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            if isinstance(node, ast.Import | ast.ImportFrom) and imports(node):
                outside.append(f"{name}, line {node.lineno}")
            waiting += ast.iter_child_nodes(node)
    assert outside == []


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, and of the contracts."""
    names = shutil.ignore_patterns("__pycache__", "conf")
    shutil.copytree(ROOT / "cfexp", tmp_path / "cfexp", ignore=names)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Checks the contracts of a checkout."""
    command = [str(LINT), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_contracts_hold(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "planted", "contract"),
    [
        ("data/ratings.py", "import mlflow", "MLflow is known to tracking only"),
        ("data/ratings.py", "def f():\n    import mlflow", "MLflow is known to"),
        ("data/split.py", "from cfexp.runs import modes", "Imports go down only"),
        ("tracking/run.py", "import cfexp.reports.card", "Imports go down only"),
        ("errors.py", "import cfexp.runtime.logs", "Imports go down only"),
        ("data/ratings.py", "import cfexp.data.splitters", "Nothing imports in a"),
        ("helpers.py", "", "Imports go down only"),  # a new module without a floor
        ("helpers/__init__.py", "", "Imports go down only"),
        ("training/loop.py", "import omegaconf", "Hydra and OmegaConf"),
        ("evaluation/metrics.py", "import tensorflow", "TensorFlow and Keras"),
        ("runs/modes.py", "import keras", "TensorFlow and Keras"),
        ("models/dot.py", "import tensorflow", "TensorFlow and Keras"),
        ("training/history.py", "import matplotlib", "Matplotlib draws"),
        ("evaluation/metrics.py", "import sklearn", "Scikit-learn stacks"),
        ("data/movielens.py", "from rich import print", "Rich writes"),
    ],
)
def test_planted_violation_is_found(
    copy: Path, file: str, planted: str, contract: str
) -> None:
    path = copy / "cfexp" / file
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as out:
        out.write(f"\n\n{planted}\n")
    done = lint(copy)
    assert done.returncode == 1, done.stdout
    broken = [line for line in done.stdout.splitlines() if "BROKEN" in line]
    assert any(line.startswith(contract) for line in broken), broken


def test_circles_and_chains_are_counted() -> None:
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": {"b"}, "d": {"e"}, "e": set()}
    assert structure.circles(graph) == [["b", "c"]]
    assert structure.longest_chain(graph) == ["a", "b", "c", "d", "e"]
    tree = ast.parse("def f():\n    from x.y import z\n\nif T:\n    import w\n")
    assert structure.imported(tree) == {"x.y", "x.y.z", "w"}
    made = ast.parse("class A:\n    def f(self, a, /, b, *c, d, **e): ...\n")
    whole = structure.Structure({"cfexp": ast.unparse(made)}, frozenset(["cfexp"]))
    ((_, function),) = whole.functions()
    assert structure.arguments(function) == ["a", "b", "d"]


def test_script_prints_a_column_for_each_checkout(copy: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts/structure"), "-v", str(copy), "."]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert done[0] == f"| | {copy} | . |"
    (root,) = [line for line in done if "modules at the package root" in line]
    _, _, one, other, _ = root.split("|")
    assert one == other
    assert int(one.split()[0]) == len(CFEXP.root)
