"""The program of a sweep's next job, compiled while the present job trains."""

import re
import threading
from pathlib import Path

import numpy as np
import pytest
from helpers import SMALL, TINY, cfexp, ok

import cfexp as api
from cfexp.data.split import Split
from cfexp.errors import TrainingError
from cfexp.runs import next_job
from cfexp.training import programs
from cfexp.training.ahead import can_compile, compile_ahead
from cfexp.training.fit import fit_model

NEXT = "next job"
PARTS = [*TINY, "training=quick"]  # of an experiment


@pytest.fixture
def compiled_by(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The name of the thread that made each new program."""
    found: list[str] = []
    make = programs.Program

    def note(*args: object, **more: object) -> object:
        found.append(threading.current_thread().name)
        return make(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(programs, "Program", note)
    programs.forget()
    return found


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether there was something to compile, each time that it was looked."""
    found: list[bool] = []

    def note(*args: object) -> bool:
        found.append(compile_ahead(*args))  # type: ignore[arg-type]
        return found[-1]

    monkeypatch.setattr(next_job, "compile_ahead", note)
    return found


def errors_of(output: str) -> list[str]:
    """Returns the validation and test RMSE of each job, as the sweep's lines say."""
    lines = re.findall(r"^(\d+)/\d+ .*? (\d\.\d+) +(\d\.\d+) .* finished", output, re.M)
    return [" ".join(each[1:]) for each in sorted(lines)]


def test_jobs_find_their_programs_compiled(
    workdir: Path, compiled_by: list[str]
) -> None:
    """All but the first; and they end as they would alone."""
    parts = [*PARTS, "model=dot", "deterministic=true"]
    swept = [*parts, "tracking=none", "embed_dim=2,4,6"]
    done = ok(cfexp("-m", *swept, cwd=workdir))
    assert compiled_by == ["MainThread", NEXT, NEXT]
    together, alone = errors_of(done.stdout), []
    for dim in (2, 4, 6):
        programs.forget()
        experiment = api.compose(*parts, f"embed_dim={dim}")
        fitted = fit_model(experiment, *experiment.load())
        alone.append(f"{fitted.val_rmse:.4f}")
    assert [each.split()[0] for each in together] == alone


def test_what_does_not_change_the_program_is_tried_once(
    workdir: Path, compiled_by: list[str], looked: list[bool]
) -> None:
    ok(cfexp("-m", *SMALL, "model=dot", "embed_dim=2", "seed=1,2,3,4", cwd=workdir))
    assert compiled_by == ["MainThread"]
    assert looked == [False]


def test_other_kinds_of_models_come_between(
    workdir: Path, compiled_by: list[str], looked: list[bool]
) -> None:
    ok(cfexp("-m", *SMALL, "model=bias,dot", cwd=workdir))
    assert compiled_by == ["MainThread"]
    assert looked == []


def test_what_is_wrong_with_a_job_is_said_by_the_job(
    workdir: Path, compiled_by: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> bool:
        raise TrainingError("the disk is full")

    monkeypatch.setattr(next_job, "compile_ahead", fail)
    done = ok(cfexp("-m", *SMALL, "model=dot", "embed_dim=2,4", cwd=workdir))
    assert compiled_by == ["MainThread", "MainThread"]
    assert "the disk is full" not in done.stdout + done.stderr


@pytest.mark.parametrize("model", ["svdpp", "dot training.loss=bpr"])
def test_compiling_trains_nothing(model: str, compiled_by: list[str]) -> None:
    """Histories, whole rows and rankings too: their programs have more parts."""
    experiment = api.compose(*PARTS, *f"model={model}".split(), "deterministic=true")
    data = experiment.load()
    cold = fit_model(experiment, *data)
    programs.forget()
    found = []

    def work() -> None:
        found.append(compile_ahead(experiment, *data))
        found.append(compile_ahead(experiment, *data))

    thread = threading.Thread(target=work, name=NEXT)
    thread.start()
    thread.join()
    assert found == [True, False]
    warm = fit_model(experiment, *data)
    assert compiled_by == ["MainThread", NEXT]
    assert warm.val_predicted.tolist() == cold.val_predicted.tolist()


def test_large_trainings_are_not_compiled_ahead() -> None:
    experiment = api.compose(*PARTS, "model=dot")
    ratings, split = experiment.load()
    assert can_compile(experiment)
    many = Split("many", np.zeros(3_000_000, np.int64), split.valid, split.test, "")
    assert not compile_ahead(experiment, ratings, many)
    assert not can_compile(api.compose(*PARTS, "model=bias"))
    assert not can_compile(api.compose(*PARTS, "training.engine=keras"))
