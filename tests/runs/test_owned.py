"""No run writes over what is not cfexp's own."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import SMALL, cfexp
from omegaconf import DictConfig

from cfexp.commands import bench, compare
from cfexp.config.build import build
from cfexp.errors import ConfigError
from cfexp.evaluation.objective import BY_RMSE
from cfexp.models.predictor import Predictor
from cfexp.runs.leaderboard import leaderboard
from cfexp.runs.modes import run
from cfexp.runs.output import check_output
from cfexp.runs.results import MAX_DIFF, check_folder, diff_file, write_skipped
from cfexp.runs.task import Task
from cfexp.runtime import owned
from cfexp.runtime.provenance import GitState
from cfexp.tracking.folder import SKIPPED


def contents(folder: Path) -> dict[str, bytes]:
    """Returns every file below a folder."""
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def train(composed: Callable[..., DictConfig], folder: Path, *more: str) -> None:
    """Trains a baseline into a folder."""
    cfg = composed("model=bias", *SMALL, *more)
    run(Task(build(cfg), folder, "run", more))


@pytest.mark.parametrize(
    "path",
    ["model/precious.txt", "results/mine.csv", "results/metrics.json", "skipped.json"],
)
def test_training_spares_what_is_there(
    workdir: Path, composed: Callable[..., DictConfig], path: str
) -> None:
    """It is refused before any work is done."""
    (workdir / path).parent.mkdir(exist_ok=True)
    (workdir / path).write_text("precious")
    before = contents(workdir)
    for more in ([], ["cv=2"]):
        with pytest.raises(ConfigError, match="hydra.run.dir") as refused:
            train(composed, workdir, *more)
        assert "\n" not in str(refused.value)
    assert contents(workdir) == before


@pytest.mark.slow
def test_the_same_folder_again(
    workdir: Path, composed: Callable[..., DictConfig]
) -> None:
    """Its own run is replaced, whole; but not with a file that was added or edited."""
    train(composed, workdir / "run")
    (workdir / "run/results/epochs.csv").write_text("")  # as of a neural model
    note = workdir / "run/results" / owned.MARKER
    known = json.loads(note.read_text())
    note.write_text(json.dumps({**known, "epochs.csv": None}))
    write_skipped(workdir / "run", {}, "id")
    train(composed, workdir / "run", "seed=1")
    assert not (workdir / "run" / SKIPPED).exists()
    assert not (workdir / "run/results/epochs.csv").exists()
    assert Predictor.load(workdir / "run/model").origin.config["seed"] == 1
    assert not list((workdir / "run").glob(".model*"))
    added = workdir / "run/model/notes.txt"
    added.write_text("mine")
    before = contents(workdir)
    with pytest.raises(ConfigError, match="notes.txt is there and is not cfexp's"):
        train(composed, workdir / "run")
    added.unlink()
    (workdir / "run/results/model_card.md").write_text("my words")
    with pytest.raises(ConfigError, match="model_card.md was changed"):
        check_folder(workdir / "run")
    assert contents(workdir).keys() == before.keys() - {str(added)}


@pytest.mark.parametrize("mode", ["evaluate", "finetune", "reproduce"])
@pytest.mark.parametrize("named", ["run", "run/model"])
def test_the_run_that_is_used_stays(
    workdir: Path, composed: Callable[..., DictConfig], mode: str, named: str
) -> None:
    (workdir / named).mkdir(parents=True)
    cfg = composed(f"mode={mode}", f"run_id={named}", "tracking=none")
    with pytest.raises(ConfigError, match="is the folder of run_id"):
        run(Task(build(cfg), workdir / "run", "x"))


def test_run_in_the_working_directory(workdir: Path) -> None:
    """Also Hydra's own files are refused to write over another program's."""
    (workdir / "model").mkdir()
    (workdir / "model/precious.txt").write_text("precious")
    (workdir / ".hydra").mkdir()
    (workdir / ".hydra/config.yaml").write_text("another: program")
    before = contents(workdir)
    done = cfexp("model=bias", *SMALL, "hydra.run.dir=.", cwd=workdir)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert ".hydra/config.yaml is there and is not cfexp's" in done.stderr
    assert contents(workdir) == before
    (workdir / "leaderboard.csv").write_text("mine")
    before = contents(workdir)
    done = cfexp("-m", "model=bias", *SMALL, "hydra.sweep.dir=.", cwd=workdir)
    assert done.returncode == 1
    assert "leaderboard.csv is there and is not cfexp's" in done.stderr
    assert contents(workdir) == before
    assert leaderboard(workdir, BY_RMSE).empty


def test_output(tmp_path: Path) -> None:
    file, other = tmp_path / "out.csv", tmp_path / "pairs.csv"
    check_output(file, overwrite=False, read=[other])
    file.write_text("1")
    with pytest.raises(ConfigError, match="exists already.*overwrite=true"):
        check_output(file, overwrite=False, read=[other])
    check_output(file, overwrite=True, read=[other])
    other.symlink_to(file)
    with pytest.raises(ConfigError, match="is an input file and would be"):
        check_output(file, overwrite=True, read=[other])
    with pytest.raises(ConfigError, match="is a folder"):
        check_output(tmp_path, overwrite=True, read=[])


def test_predictions_do_not_replace_files(
    workdir: Path, composed: Callable[..., DictConfig]
) -> None:
    train(composed, workdir / "run")
    (workdir / "pairs.csv").write_text("userId,movieId\n1,2\n")
    (workdir / "out.csv").write_text("mine")

    def predict(output: str, *more: str) -> None:
        options = ["mode=predict", "run_id=run", "pairs=pairs.csv", f"output={output}"]
        cfg = composed(*options, "tracking=none", *more)
        run(Task(build(cfg), workdir / "x", "x"))

    before = contents(workdir)
    with pytest.raises(ConfigError, match="output=out.csv exists already"):
        predict("out.csv")
    for more in ([], ["overwrite=true"]):
        with pytest.raises(ConfigError, match="output=pairs.csv is an input file"):
            predict("./pairs.csv", *more)
    assert contents(workdir) == before
    predict("out.csv", "overwrite=true")
    assert "predicted" in (workdir / "out.csv").read_text()


@pytest.mark.parametrize(
    ("main", "name"),
    [(compare.main, "experiment/best_overrides.yaml"), (bench.main, "notes.txt")],
)
def test_reports_do_not_replace_files(
    workdir: Path, main: Callable[[list[str]], None], name: str
) -> None:
    """Refused before runs are read or models are trained."""
    (workdir / name).parent.mkdir(exist_ok=True)
    (workdir / name).write_text("mine")
    before = contents(workdir)
    with pytest.raises(ConfigError, match=r"is not cfexp's; .*--output"):
        main(["--output", "."])
    assert contents(workdir) == before


def test_git_diff(workdir: Path, composed: Callable[..., DictConfig]) -> None:
    """It is written where it is wanted, and no more of it than a limit."""
    git = GitState("c0ffee", "+password=x\n", ("secrets.ini",))
    assert diff_file(git) == b"# untracked: secrets.ini\n+password=x\n"
    long = diff_file(GitState("c0ffee", "é" * MAX_DIFF, ()))
    assert len(long) < MAX_DIFF + 100
    assert long.endswith(b"\n# truncated: 1,000,000 of 2,000,000 bytes\n")
    for wanted in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("cfexp.runs.train.git_state", lambda _: git)
            folder = workdir / str(wanted)
            train(composed, folder, f"tracking.git_diff={str(wanted).lower()}")
        assert (folder / "results/git.diff").exists() == wanted
        tags = json.loads((folder / "results/tags.json").read_text())
        assert tags["mlflow.source.git.commit"] == "c0ffee"
        assert tags["git.dirty"] == "true"
