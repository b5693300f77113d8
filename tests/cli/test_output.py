"""The flags ``-q``, ``-v`` and ``--json``, and what the log file of a run holds."""

import json
import shlex
from pathlib import Path

import pytest
from helpers import SMALL, TINY, cfexp, ok

from cfexp.config.arguments import take_output
from cfexp.errors import ConfigError

RUN = [*SMALL, "model=bias", "hydra.run.dir=run"]


def test_quiet_run_prints_its_result_only(workdir: Path) -> None:
    done = ok(cfexp("-q", *RUN, cwd=workdir))
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    assert "model=bias" in line
    assert "test RMSE 0." in line
    assert line.endswith("(run)")


def test_json_is_all_that_stdout_holds(workdir: Path) -> None:
    done = ok(cfexp(*RUN, "--json", cwd=workdir))
    found = json.loads(done.stdout)
    assert found["folder"] == str(workdir / "run")
    written = json.loads((workdir / "run/results/metrics.json").read_text())
    assert found["metrics"] == written
    assert found["run_id"] is None
    assert "mean over users" in done.stderr


def test_json_of_predictions(workdir: Path) -> None:
    ok(cfexp(*RUN, cwd=workdir))
    (workdir / "pairs.csv").write_text("userId,movieId\n1,2\n1,3\n")
    reuse = ["run_id=run", *TINY, "tracking=none", "-q", "--json"]
    done = ok(cfexp("mode=predict", "pairs=pairs.csv", *reuse, cwd=workdir))
    found = json.loads(done.stdout)
    assert found["predictions"] == 2
    assert Path(found["output"]).is_file()
    done = ok(cfexp("mode=recommend", "user=1", "k=2", *reuse, cwd=workdir))
    movies = json.loads(done.stdout)["movies"]
    assert len(movies) == 2
    assert {"movieId", "rating"} <= movies[0].keys()


def test_json_of_a_refused_run_is_nothing(workdir: Path) -> None:
    done = cfexp("--json", *RUN, "seed=-1", cwd=workdir)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("cfexp: error: seed must be >= 0")


def test_log_file_holds_the_table(workdir: Path) -> None:
    done = ok(cfexp("-q", *RUN, cwd=workdir))
    assert "mean over users" not in done.stdout
    log = (workdir / "run/cfexp.log").read_text()
    assert "100,000" not in log  # the small data's own sizes
    for part in ("│ mean over users", "validation    RMSE", "folder        run"):
        assert part in log
    assert "\x1b" not in log


@pytest.mark.parametrize("flags", [["-q", "-v"], ["--quiet", "--verbose"]])
def test_quiet_and_verbose_exclude_each_other(flags: list[str]) -> None:
    with pytest.raises(ConfigError, match="-q prints less and -v more"):
        take_output(flags)


def test_flags_are_taken_from_anywhere() -> None:
    rest, wanted = take_output(["-m", "-q", "model=dot", "--json", "seed=1"])
    assert rest == ["-m", "model=dot", "seed=1"]
    assert wanted.as_json
    assert wanted.command == ("cfexp", "-m", "-q", "model=dot", "--json", "seed=1")


def test_stopped_before_it_trains_says_how_to_start_again(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: object) -> None:
        raise KeyboardInterrupt("SIGINT")

    monkeypatch.setattr("cfexp.data.synthetic.Synthetic.load", stop)
    done = cfexp(*RUN, cwd=workdir)
    assert done.returncode == 130
    command = shlex.join(["cfexp", *RUN])
    assert done.stderr.splitlines() == [
        "cfexp: stopped",
        f"cfexp: start again: {command}",
    ]


def test_flags_are_of_one_command(workdir: Path) -> None:
    ok(cfexp("-q", *RUN, cwd=workdir))
    assert "mean over users" in ok(cfexp(*RUN, cwd=workdir)).stdout
