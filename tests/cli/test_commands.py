"""The commands of the command line, and what they are called with."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from helpers import TINY, cfexp, ok

import cfexp as package
from cfexp.commands.modes import USAGES, arguments
from cfexp.config.command_table import COMMANDS
from cfexp.config.mistyped import SYNONYMS

MODES = (
    *("train", "evaluate", "predict", "recommend", "similar"),
    *("finetune", "reproduce"),
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["evaluate", "latest"], ["mode=evaluate", "run_id='latest'"]),
        # A run's name, and the beginning of an id that Hydra would take for a number.
        (
            ["evaluate", "model=dot seed=1"],
            ["mode=evaluate", "run_id='model=dot seed=1'"],
        ),
        (["evaluate", "12e4"], ["mode=evaluate", "run_id='12e4'"]),
        (
            ["predict", "models:/bob's@x", "p.csv", "output=o.csv"],
            [
                "mode=predict",
                "run_id='models:/bob\\'s@x'",
                "pairs='p.csv'",
                "output=o.csv",
            ],
        ),
        (
            ["recommend", "best", "k=3", "user=42"],
            ["mode=recommend", "run_id='best'", "k=3", "user=42"],
        ),
        (
            ["recommend", "best", "007"],
            ["mode=recommend", "run_id='best'", "user='007'"],
        ),
        (
            ["finetune", "-m", "best", "--config-dir", "c", "seed=1,2", "-q"],
            ["-q", "--multirun", "--config-dir", "c", "mode=finetune"]
            + ["run_id='best'", "seed=1,2"],
        ),
        (["reproduce", "run_id=latest"], ["mode=reproduce", "run_id=latest"]),
    ],
)
def test_command_is_a_mode(line: list[str], expected: list[str]) -> None:
    name, *given = line
    assert arguments(name, given) == expected


def test_every_mode_has_a_usage() -> None:
    assert {name for name, c in COMMANDS.items() if c.mode} == set(USAGES)
    assert set(SYNONYMS.values()) <= set(COMMANDS)


@pytest.mark.parametrize(
    "asked", [["--help"], ["help"], ["-h"], ["model=dot", "--help"]]
)
def test_help_fits_80_columns(workdir: Path, asked: list[str]) -> None:
    said = ok(cfexp(*asked, cwd=workdir)).stdout
    assert max(map(len, said.splitlines())) < 80
    for name, command in COMMANDS.items():
        assert f"\n  {f'{name} {command.usage}':<20}{command.about}\n" in said
    assert "\n    ml-100k/          autorec bayes bias deep deep-features dot" in said
    assert not list(workdir.iterdir())


def test_help_lists_own_configs(workdir: Path) -> None:
    (workdir / "own/model").mkdir(parents=True)
    (workdir / "own/model/mine.yaml").touch()
    said = ok(cfexp("--config-dir", "own", "--help", cwd=workdir)).stdout
    assert " mean mine ncf" in " ".join(said.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(workdir: Path, name: str) -> None:
    said = ok(cfexp(name, "--help", cwd=workdir)).stdout
    assert said == ok(cfexp("help", name, cwd=workdir)).stdout
    assert said.startswith(f"usage: cfexp {name}")
    assert max(map(len, said.splitlines())) <= 80


def test_version_is_ours(workdir: Path) -> None:
    said = ok(cfexp("--version", cwd=workdir)).stdout
    assert said == f"cfexp {package.__version__}\n"


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("cfexp comp", ["compare"]),
        ("cfexp re", ["recommend", "reproduce", "rerun="]),
        ("cfexp compare prom", []),
        (
            "cfexp evaluate latest dataset=ml-1",
            ["dataset=ml-100k", "dataset=ml-10m", "dataset=ml-1m"],
        ),
        ("cfexp mod", ["mode=", "model.", "model="]),
        ("cfexp mode=", [f"mode={mode}" for mode in MODES]),
        ("cfexp mode=tr", ["mode=train"]),
        ("cfexp predict ab", ["abc1"]),
        ("cfexp show latest b", ["best", "best_of="]),
        ("cfexp mode=predict run_id=", ["latest", "best", "fff2", "abc1"]),
    ],
)
def test_shell_completes_commands(workdir: Path, line: str, offered: list[str]) -> None:
    with closing(sqlite3.connect(workdir / "mlflow.db")) as database, database:
        database.execute("create table runs (run_uuid, lifecycle_stage, start_time)")
        rows = [("abc1", "active", 1), ("fff2", "active", 2), ("abd3", "deleted", 3)]
        database.executemany("insert into runs values (?, ?, ?)", rows)
    said = ok(cfexp("-sc", "query=bash", cwd=workdir, env={"COMP_LINE": line})).stdout
    runs = [f"run_id={run}" if "run_id=" in line else run for run in offered]
    assert set(runs) == set(said.split())


@pytest.mark.slow
def test_modes_as_commands(workdir: Path) -> None:
    """A folder, a name and the beginning of an id, all of the same run."""
    ok(cfexp("model=bias", *TINY, "run_name=first", "hydra.run.dir=r", cwd=workdir))
    ok(cfexp("model=mean", *TINY, "run_name=second", cwd=workdir))
    (workdir / "pairs.csv").write_text("userId,movieId\n1,2\n")
    done = ok(cfexp("predict", "first", "pairs.csv", "output=one.csv", cwd=workdir))
    assert "one.csv" in done.stdout
    start = done.stderr.split("the model of ")[1][:6]
    ok(cfexp("predict", start, "pairs.csv", "output=other.csv", cwd=workdir))
    assert (workdir / "one.csv").read_text() == (workdir / "other.csv").read_text()
    done = ok(cfexp("recommend", "r", "1", "k=2", cwd=workdir))
    assert "top 2 unseen movies for user 1" in done.stdout
    assert "bias on synthetic" in ok(cfexp("evaluate", start, cwd=workdir)).stdout
    done = ok(cfexp("compare", "first", "latest", cwd=workdir))
    assert "difference from bias" in done.stdout
    done = ok(cfexp("promote", "r", "--name", "films", cwd=workdir))
    assert "no champion before" in done.stdout
    done = cfexp("compare", "models:/films@champion", start, cwd=workdir)
    assert "only one configuration" in done.stderr
