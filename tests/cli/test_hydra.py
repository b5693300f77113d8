"""What Hydra gives the command line: own configs, completion."""

from pathlib import Path

import pytest
from helpers import SMALL, cfexp, ok


@pytest.mark.slow
def test_own_configs_are_added(workdir: Path) -> None:
    (workdir / "mine/model").mkdir(parents=True)
    (workdir / "mine/model/strong.yaml").write_text(
        "defaults: [bias, _self_]\nreg_user: 99.0\n"
    )
    done = cfexp("--config-dir", "mine", "model=strong", *SMALL, cwd=workdir)
    assert "model=strong" in ok(done).stdout


def test_tab_completion(workdir: Path) -> None:
    script = ok(cfexp("--shell-completion", "install=bash", cwd=workdir)).stdout
    assert "hydra_bash_completion" in script
    done = cfexp(
        *("--shell-completion", "query=bash"),
        cwd=workdir,
        env={"COMP_LINE": "cfexp model=", "COMP_POINT": "12"},
    )
    assert "model=ncf" in ok(done).stdout.split()
