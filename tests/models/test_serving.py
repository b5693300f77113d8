"""A logged model is complete without cfexp."""

from pathlib import Path

import pytest
from helpers import FITTED, cfexp, ok, python

pytestmark = pytest.mark.slow


def test_model_is_served_without_cfexp(workdir: Path) -> None:
    ok(cfexp(*FITTED, cwd=workdir))
    (artifact,) = workdir.glob("mlruns/**/MLmodel")
    assert not [*artifact.parent.rglob("*.pkl")]
    code = """
import importlib.util, sys
from pathlib import Path
sys.path[:] = [p for p in sys.path if not (Path(p) / "cfexp/__init__.py").exists()]
sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in repr(f).lower()]
# An editable install leaves a folder of configs behind, which is no package.
assert getattr(importlib.util.find_spec("cfexp"), "origin", None) is None
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
import cfexp
print("UNPACKED", Path(cfexp.__file__).parents[1])
pairs = pd.DataFrame({"userId": [1, 10**9], "movieId": [2, 10**9]})
pairs["genres"] = ["", "Drama"]
# What a logged model does not require, though it is installed here.
others = {"platformdirs", "pooch", "hydra", "sklearn.linear_model"}
assert not others & sys.modules.keys()
print("RATINGS", *model.predict(pairs)["rating"])
"""
    done = python(code, str(artifact.parent), cwd=workdir, env={"PYTHONPATH": ""})
    (unpacked,) = (x for x in ok(done).stdout.splitlines() if x.startswith("UNPACKED"))
    assert "cfexp-code-" in unpacked
    assert not Path(unpacked.removeprefix("UNPACKED ")).exists()
    ratings = done.stdout.split("RATINGS ")[1].split()
    assert all(1 <= float(rating) <= 5 for rating in ratings)
