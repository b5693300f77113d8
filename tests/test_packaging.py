"""The wheel: built, unpacked elsewhere and run from another folder."""

import subprocess
import sys
import zipfile
from pathlib import Path

from conftest import ROOT, SMALL, cfexp


def test_wheel_runs_from_another_folder(tmp_path: Path) -> None:
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
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    assert (site / "cfexp" / "conf" / "config.yaml").exists()
    assert (site / "cfexp" / "py.typed").exists()
    done = cfexp("model=bias", *SMALL, cwd=elsewhere, env={"PYTHONPATH": str(site)})
    assert done.returncode == 0, done.stderr
    where = cfexp(
        *("-c", "import cfexp; print(cfexp.__file__)"),
        cwd=elsewhere,
        env={"PYTHONPATH": str(site)},
        command=(sys.executable,),
    )
    assert str(site) in where.stdout
