"""The wheel: built, installed into an environment of its own, run from elsewhere."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pandas as pd
import pytest
from helpers import ROOT, process

pytestmark = pytest.mark.slow


def test_wheel_is_installed_and_runs_anywhere(tmp_path: Path) -> None:
    code = (
        "import hatchling.build as b, os, sys; os.chdir(sys.argv[1]);"
        " print(b.build_wheel(sys.argv[2]))"
    )
    built = subprocess.run(
        [sys.executable, "-c", code, str(ROOT), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    wheel = tmp_path / built.stdout.strip().splitlines()[-1]
    home, elsewhere = tmp_path / "venv", tmp_path / "elsewhere"
    elsewhere.mkdir()
    venv.create(home, symlinks=True)
    base = {"base": str(home), "platbase": str(home)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=base))
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(home / "bin/python"), "install"]
        + ["--quiet", "--no-deps", "--no-index", str(wheel)],
        check=True,
    )
    # What cfexp depends on is already here: that need not be installed again.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    assert (site / "cfexp" / "py.typed").exists()
    for name in ("page.css", "sort.js", "brush.js"):
        assert (site / "cfexp/reports" / name).exists()
    shipped = site / "cfexp/data/movietweetings-10core"
    assert {"LICENSE", "README.md"} < {file.name for file in shipped.iterdir()}

    env = {"PYTHONPATH": ""}
    script = (str(home / "bin/cfexp"),)
    job = ["model=bias", "dataset=movietweetings", "tracking=none"]
    done = process(*job, cwd=elsewhere, env=env, command=script)
    assert done.returncode == 0, done.stderr
    (predictions,) = elsewhere.glob("outputs/*/*/results/test_predictions.parquet")
    assert pd.read_parquet(predictions)["predicted"].between(0, 10).all()
    where = process(
        *(
            "-c",
            "import cfexp, cfexp.config.compose as c; print(c.__file__, c.conf_dir())",
        ),
        cwd=elsewhere,
        env=env,
        command=(str(home / "bin/python"),),
    )
    assert [path.startswith(str(site)) for path in where.stdout.split()] == [True, True]
