"""Every bad input is one line: what happened, what was received, how to mend it.

The commands run in this process, in one folder, which no refused command changes.
"""

import contextlib
import gzip
import io
import logging
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import SMALL, TINY, cfexp
from hydra.core.global_hydra import GlobalHydra

from cfexp import cli
from cfexp.runtime.locks import claimed

HEAD = "userId,movieId,rating,timestamp"
ROWS = "".join(
    f"{user},{movie},{1 + (user * movie) % 5},{user + movie}\n"
    for user in range(1, 21)
    for movie in range(1, 11)
)
GOOD = f"{HEAD}\n{ROWS}"
WHOLE = gzip.compress(GOOD.encode())
# Users' files, by name.
FILES: dict[str, str | bytes] = {
    "r.csv": GOOD,
    "empty.csv": "",
    "head.csv": f"{HEAD}\n",
    "stars.csv": GOOD.replace("rating,", "stars,"),
    "gap.csv": f"{GOOD}77,1,,5\n",
    "nobody.csv": f"{GOOD},1,3,5\n",
    "word.csv": f"{GOOD}77,1,good,5\n",
    "noon.csv": f"{GOOD}77,1,3,noon\n",
    "nine.csv": f"{GOOD}77,1,9,5\n",
    "again.csv": f"{GOOD}1,1,3,5\n",
    "timeless.csv": GOOD.replace("timestamp", "t"),
    "endless.csv": f"{GOOD}inf,1,3,5\n",
    "huge_id.csv": f"{GOOD}1e300,1,3,5\n",
    "wide_id.csv": f"{GOOD}99999999999999999999999,1,3,5\n",
    "huge.csv": f"{GOOD}77,1,1e308,5\n",
    "doubled.csv": GOOD.replace("timestamp", "rating"),
    "longer.csv": GOOD.replace("\n", ",8\n").replace(",8", "", 1),
    "three.csv": f"{HEAD}\n" + re.sub(r",\d,(\d+)\n", r",3,\1\n", ROWS),
    "semicolon.csv": GOOD.replace(",", ";"),
    "noise.csv": bytes(range(256)),
    "half.csv.gz": WHOLE[: len(WHOLE) // 2],
    "bad.parquet": "no parquet",
    "m_twice.csv": "movieId,title\n1,A\n1,B\n",
    "m_few.csv": "movieId,title\n1,A\n",
    "m_none.csv": "title\nA\n",
    "pairs.csv": "userId,movieId\n1,2\n",
    "item.csv": "userId,item\n1,2\n",
    "gaps.csv": "userId,movieId\n1,\n",
    "cf/experiment/bad.yaml": "# @package _global_\nseed: [1\nk: 2\n",
    "cf/experiment/tabs.yaml": "# @package _global_\nmodel:\n\tl2: 1\n",
    "cf/experiment/bin.yaml": b"\xff\xfe\x00\x01",
    "cf/experiment/obj.yaml": "seed: !!python/object/apply:os.getcwd []\n",
    "cf/experiment/cyc.yaml": "defaults: [cyc]\n",
    "cf/experiment/one.yaml": "defaults: [/experiment/two]\n",
    "cf/experiment/two.yaml": "defaults: [/experiment/one]\n",
    "cf/experiment/sub/bad.yaml": "# @package _global_\nseed: [1\n",
    "cf/experiment/typo.yaml": "# @package _global_\nsead: 1\n",
    "cf/model/list.yaml": "- a\n- b\n",
    "cf/model/word.yaml": "hello\n",
    "nothing/readme": "no model and no data here",
}
CONFIG = [
    ("embed_dmi=3", "no option embed_dmi (did you mean embed_dim"),
    ("model=nfc", "model=nfc is not an option (did you mean ncf"),
    ("modle=ncf", "did you mean mode or model"),
    ("training.epoch=3", "no option training.epoch (did you mean training.ep"),
    ("split.fold=1", "split.fold is an option of split=kfold and split=official"),
    ("dataset.ratings=x", "dataset.ratings is an option of dataset=csv"),
    ("experiment=none-such", "experiment=none-such is not an option"),
    (
        "experiment=ml-100k-dot",
        "ml-100k-dot is not an option (did you mean ml-100k/dot",
    ),
    ("experiment=ml-100k/dto", "experiment=ml-100k/dto is not an option (did you mean"),
    ("experiment/ml-100k=dot", "is no group. Write experiment=ml-100k/dot"),
    (
        "--config-dir cf experiment=sub/bda",
        "sub/bda is not an option (did you mean sub/b",
    ),
    ("search=dto", "search=dto is not an option (did you mean dot"),
    ("optimizer=sdg", "optimizer=sdg is not an option (did you mean sgd"),
    ("hydra/launcher=nope", "hydra/launcher=nope is not an option"),
    ("embed_dim", "cannot read the override embed_dim: write name=value"),
    ("run_name=[a", "cannot read the override run_name=[a: write name=value"),
    ("comapre latest", "there is no command comapre (did you mean compare"),
    ("=", "an override has no name: write name=value"),
    ("'~'", "an override has no name: write name=value"),
    ("'~model'", "model is not set: choose one with model=NAME"),
    ("+foo=1", "there is no option foo"),
    ("+model.layer=3", "model.layer is no option of model=ncf (did you mean layers"),
    ("model@foo=dot", "model@foo cannot be set (did you mean model?)"),
    ("model=", "model= is not an option. Options of model: autorec, bias"),
    ("model=null", "model=null names no option: choose one of autorec, bias"),
    ("model=5", "model=5 names no option: choose one of autorec, bias"),
    ("dataset=null", "dataset=null names no option: choose one of csv"),
    ("tracking=null", "tracking=null names no option: choose one of local, none"),
    ("model=dot,ncf", "model=dot,ncf lists several values: add -m"),
    ("seed=1,2", "seed=1,2 lists several values: add -m"),
    ("seed=abc", "seed must be a whole number. Got: 'abc'"),
    ("seed=null", "seed must not be null"),
    ("seed=-1", "seed must be >= 0"),
    ("seed=9999999999", "seed must be >= 0 and <= 2,147,483,647"),
    ("--dry-run", "there is no flag --dry-run. See cfexp --help"),
    ("--cfg nope", "invalid choice: 'nope'"),
    ("model=bias -m seed=0,1", "seed=0,1 stands after a flag, where it is not read"),
    ("-m 'seed=range(0,0)'", "seed=range(0,0) lists no value"),
    ("-m model=bias,nfc", "model=nfc is not an option (did you mean ncf"),
    ("-m model=bias seed=0,x", "seed must be a whole number. Got: 'x'"),
    ("-m seed=0,1 tracking.uri=sqlite:////proc/m.db", "/proc cannot be written"),
    ("-m experiment=quick,none-such", "experiment=none-such is not an option"),
    ("-m seed=", "seed must be a whole number. Got: ''"),
    ("-m seed=abc", "seed must be a whole number. Got: 'abc'"),
    ("embed_dim=wide", "embed_dim must be a whole number. Got: 'wide'"),
    ("embed_dim=1.5", "embed_dim must be a whole number. Got: '1.5'"),
    ("embed_dim=null", "embed_dim must not be null"),
    ("embed_dim=0", "embed_dim must be >= 1"),
    ("'embed_dim=${nope}'", "embed_dim refers to ${nope}, but there is no option nope"),
    ("'embed_dim=${oc.env:NOPE}'", "the environment variable NOPE, which is not set"),
    ("'embed_dim=${seed}' 'seed=${embed_dim}'", "embed_dim refers to itself"),
    ("'model.l2=${nope}'", "model.l2 refers to ${nope}"),
    ("mode=trian", "mode must be one of train, evaluate, predict, recommend"),
    ("deterministic=maybe", "deterministic must be true or false. Got: 'maybe'"),
    ("cv=1", "cv must be >= 2"),
    ("k=0", "k must be >= 1"),
    ("objective=test_rmse", "objective must be one of val_rmse, val_mae"),
    ("best_of=test_rmse", "best_of must be one of val_rmse, val_mae"),
    ("known_rows=keep", "known_rows must be one of error, drop"),
    ("model.l2=-1", "model.l2 must be >= 0. Got: -1"),
    ("model.l2=much", "model.l2 must be a number. Got: 'much'"),
    ("model.l2=inf", "model.l2 must be a finite number. Got: inf"),
    ("model.l2=nan", "model.l2 must be a finite number. Got: nan"),
    ("model.dropout=1", "model.dropout must be >= 0 and < 1"),
    ("model.layers=5", "model.layers must be a list"),
    ("model.layers=[a]", "model.layers must be a whole number. Got: 'a'"),
    ("model.layers=[1000000000]", "model.layers must be >= 1 and <= 65,536"),
    ("model=autorec model.units=1000000000", "model.units must be >= 1 and <= 65,536"),
    ("model._target_=os.getcwd", "model._target_ must name a class derived from Model"),
    ("training.refit=1.5", "training.refit must be true or false. Got: 1.5"),
    ("model.dropout=true", "model.dropout must be a number. Got: True"),
    ("model.embed_dim=8.0", "model.embed_dim must be a whole number. Got: 8.0"),
    ("model._target_=nope.X", "model._target_=nope.X: there is no module nope"),
    ("training.engine=fast", "training.engine must be one of compiled, keras"),
    (
        "training.strategy=mirrored training.engine=keras",
        "training.engine=keras knows no strategy",
    ),
    (
        "training.strategy=mirrored optimizer.update=rows",
        "update=rows does not work with training.strategy=mirrored",
    ),
    (
        "training.strategy=mirrored optimizer.clipnorm=1",
        "clipnorm does not work with training.strategy=mirrored",
    ),
    ("training.epochs=0", "training.epochs must be >= 1"),
    ("training.epochs=1e3", "training.epochs must be a whole number. Got: 1000.0"),
    ("optimizer.learning_rate=0", "optimizer.learning_rate must be > 0"),
    ("optimizer.learning_rate=inf", "learning_rate must be a finite number"),
    ("optimizer.schedule=warm", "optimizer.schedule must be one of"),
    ("optimizer.update=rows optimizer.clipnorm=1", "optimizer.update=rows knows no"),
    ("split.test_size=2", "split.test_size must be > 0 and < 1"),
    ("split=kfold split.fold=9", "split.fold must be below folds=5. Got: 9"),
    ("dataset.n_ratings=5", "dataset.n_ratings must be >= 100"),
    ("dataset=csv", "dataset.ratings is not set"),
    ("tracking=server", "tracking.uri is not set"),
    ("tracking.uri=here", "tracking.uri must look like"),
    ("tracking.uri=sqlite:///:memory:", "would keep nothing; set tracking=none"),
    ("tracking.experiment=''", "experiment must not be empty"),
    ("tracking.register_as=a/b:c", "register_as must be a name of a registered mod"),
    ("tracking.register_as=''", "register_as must be a name of a registered model"),
    ("mode=evaluate", "mode=evaluate needs run_id="),
    ("mode=predict run_id=x", "needs pairs="),
    ("mode=recommend run_id=x", "needs user="),
    ("run_id=x", "run_id=x names a trained model"),
    ("hydra.run.dir=/proc/x", "hydra.run.dir=/proc/x cannot be written: /proc"),
    ("hydra.run.dir=r.csv", "hydra.run.dir=r.csv cannot be written"),
    ("-m seed=0,1 hydra.sweep.dir=/proc/x", "hydra.sweep.dir=/proc/x cannot be wri"),
    ("--config-dir nowhere", "--config-dir: there is no folder"),
    ("--config-dir cf experiment=bad", "cf/experiment/bad.yaml, line 3, is no YAML"),
    ("--config-dir cf experiment=tabs", "cf/experiment/tabs.yaml, line 3, is no YAML"),
    ("--config-dir cf experiment=bin", "cf/experiment/bin.yaml is no text in UTF-8"),
    ("--config-dir cf experiment=obj", "obj.yaml, line 1, holds a tag that is not"),
    ("--config-dir cf experiment=cyc", "experiment/cyc.yaml -> experiment/cyc.yaml"),
    ("--config-dir cf experiment=one", "configs include each other without end"),
    ("--config-dir cf experiment=typo", "no option sead (did you mean seed"),
    ("--config-dir cf model=list", "model/list.yaml must hold lines of name: value"),
    ("--config-dir cf model=word", "model: _target_ is missing"),
]
# After dataset=csv model=bias tracking=none dataset.ratings=
OWN = [
    ("none.csv", "dataset.ratings: there is no file none.csv"),
    ("nothing", "dataset.ratings=nothing is a folder"),
    ("none.csv hydra.run.dir=nothing", "there is no file none.csv"),
    ("empty.csv", "empty.csv"),
    ("head.csv", "the ratings table has no rows"),
    ("stars.csv", "has no column rating"),
    ("gap.csv", "column rating of the ratings table has 1 missing"),
    ("nobody.csv", "column userId of the ratings table has 1 missing"),
    ("word.csv", "column rating has 1 values that are not numbers"),
    ("noon.csv", "column timestamp has 1 values that are not times"),
    ("nine.csv dataset.scale=[1,5]", "1 ratings lie outside the scale"),
    ("again.csv", "1 user-movie pairs are rated more than once"),
    ("endless.csv", "inf is no id"),
    ("huge_id.csv", "1e300 cannot be told from other numbers"),
    ("huge.csv", "beyond 1,000,000"),
    ("doubled.csv", "has 2 columns rating"),
    ("longer.csv", "more values than its header"),
    ("three.csv", "all 200 ratings are 3"),
    ("semicolon.csv", "separated otherwise: set"),
    ("noise.csv", "noise.csv cannot be read"),
    ("half.csv.gz", "half.csv.gz cannot be read"),
    ("bad.parquet", "bad.parquet"),
    ("r.csv dataset.encoding=klingon", "encoding=klingon is not known"),
    ("r.csv \"dataset.separator='[,'\"", 'set "dataset.separator='),
    ("r.csv dataset.scale=[1,inf]", "dataset.scale must be a finite number. Got: inf"),
    ("r.csv dataset.columns.timestamp=t split=temporal", "r.csv has no column t"),
    (
        "r.csv +dataset.columns.users=a",
        "dataset.columns.users is unknown (did",
    ),
    ("r.csv +dataset.column=x", "dataset.column is no option of this dataset (did"),
    ("r.csv dataset.movies=m.csv", "m.csv"),
    ("r.csv dataset.movies=m_twice.csv", "1 movies appear more than once"),
    ("r.csv dataset.movies=m_none.csv", "has no column movieId"),
    (
        "r.csv dataset.movies=m_few.csv dataset.unknown_movies=error",
        "9 rated movies are not in the movies table",
    ),
    ("r.csv split=official", "has no official fold"),
    ("r.csv split=temporal cv=3", "cv=3 needs folds, but this split has none. Set"),
    ("r.csv split=leave_last split.k=9", "leaves no test rows"),
    ("r.csv split=kfold split.folds=1000000", "folds=1000000"),
    ("timeless.csv split=temporal", "needs a timestamp"),
    ("r.csv training.checkpoint_dir=r.csv", "training.checkpoint_dir=r.csv cannot be"),
    ("r.csv training.checkpoint_dir=/proc/x", "training.checkpoint_dir=/proc/x cannot"),
    ("r.csv training.resume=true", "there is no checkpoint"),
]
# After model=bias tracking=none dataset=ml-100k
MOVIELENS = [
    ("dataset.root=nowhere", "dataset.root=nowhere does not exist"),
    ("dataset.root=nothing", "holds no u.data"),
    ("dataset.root=r.csv", "neither a folder nor a zip file"),
    ("dataset.url=http://127.0.0.1:9/x.zip", "cannot download"),
]
# After a small dataset and model=bias tracking.uri=
TRACKING = [
    ("sqlite:////no/such/mlflow.db", "the folder /no/such does not exist"),
    ("sqlite:////proc/m.db", "/proc cannot be written"),
    ("sqlite:///r.csv", "is not a SQLite file"),
    ("sqlite:///nothing", "is no file"),
    ("http://127.0.0.1:9", "no server answers"),
    ("ftp://127.0.0.1/x", "uri must look like sqlite:///mlflow.db"),
]
REUSE = [
    ("mode=evaluate run_id=latest", "there is no mlflow.db in"),
    ("mode=evaluate run_id=none", "there is no mlflow.db in"),
    ("mode=evaluate run_id=models:/m/1", "there is no mlflow.db in"),
    ("mode=finetune run_id=best", "there is no mlflow.db in"),
    ("reproduce latest", "there is no mlflow.db in"),
    ("compare", "there is no mlflow.db in"),
    ("promote best --name films", "there is no mlflow.db in"),
    ("promote best --name a/b", "--name must be a name of a registered model"),
    ("compare --metric x", "cfexp compare: argument --metric: invalid choice: 'x'"),
    ("promote best", "cfexp promote: the following arguments are required: --name"),
    ("bench --nope", "cfexp bench: unrecognized arguments: --nope"),
    ("reproduce", "mode=reproduce needs run_id="),
    ("compare --set seed=-1", "seed must be >= 0"),
    ("sync", "there is no run to push"),
    ("mode=evaluate run_id=nothing", "the folder nothing holds no trained model"),
    ("mode=evaluate run_id=trained seed=5", "knows 467 of the 600 test rows"),
    ("mode=evaluate run_id=trained experiment=quick", "cannot be laid"),
    ("mode=recommend run_id=trained user=nobody", "user=nobody has no"),
    ("mode=predict run_id=trained pairs=no.csv", "no.csv"),
    ("mode=predict run_id=trained pairs=item.csv", "no column movieId"),
    ("mode=predict run_id=trained pairs=gaps.csv", "has missing values"),
    ("mode=predict run_id=trained pairs=pairs.csv output=cf", "output=cf is a folder"),
    (
        "mode=predict run_id=trained pairs=pairs.csv output=pairs.csv",
        "is the file that is read",
    ),
    (
        "mode=predict run_id=trained pairs=pairs.csv output=/proc/x/out.csv",
        "output=/proc/x cannot be written: /proc",
    ),
    ("mode=evaluate run_id=t_origin", "the model in t_origin/model is damaged"),
    ("mode=evaluate run_id=t_encoder", "the model in t_encoder/model is damaged"),
    ("mode=evaluate run_id=t_movies", "there is no t_movies/model/movies.parquet"),
    ("mode=evaluate run_id=t_keras", "the model in t_keras/model is damaged"),
]
SMALL_DATA = " ".join(TINY)
ROWS_OF_TABLE = [
    *CONFIG,
    *(
        (f"dataset=csv model=bias tracking=none dataset.ratings={own}", message)
        for own, message in OWN
    ),
    *((f"model=bias tracking=none dataset=ml-100k {o}", m) for o, m in MOVIELENS),
    *((f"model=bias {SMALL_DATA} tracking.uri={uri}", m) for uri, m in TRACKING),
    *REUSE,
]
# An error's or a class's name, which nobody needs who does not write Python.
PYTHONS = re.compile(r"\w(Error|Exception|Warning)\b|\bcfexp\.\w|__\w+__|<class")


def command(arguments: list[str]) -> tuple[int, str]:
    """Runs the command line in this process; returns its status and its errors."""
    said = io.StringIO()
    handlers = logging.getLogger().handlers[:]
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stderr(said),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        patch.setattr(sys, "argv", ["cfexp", *arguments])
        # Hydra's set-up of logging closes every handler there is: that of absl, which
        # TensorFlow imports, with the stream that pytest captures by.
        patch.setattr(logging, "_handlerList", [])
        patch.delenv("HYDRA_FULL_ERROR", raising=False)
        status = cli.run_arguments()
    GlobalHydra.instance().clear()
    for handler in set(logging.getLogger().handlers) - set(handlers):
        logging.getLogger().removeHandler(handler)
        handler.close()
    return status, said.getvalue()


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Returns all folders below, and the files with their size and time."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns * path.is_file())
        for path in folder.rglob("*")
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of bad files and a good model, with damaged copies of it."""
    folder = tmp_path_factory.mktemp("place")
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CFEXP_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("CFEXP_DATA_DIR", str(folder / "nothing"))
        status, said = command(["model=bias", *SMALL, "hydra.run.dir=trained"])
        assert status == 0, said
        damage(folder)
        yield folder


def damage(folder: Path) -> None:
    """Makes copies of a trained model, each with one damaged part."""
    for name in ("origin", "encoder", "movies", "keras"):
        shutil.copytree(folder / "trained", folder / f"t_{name}")
    (folder / "t_origin/model/origin.json").write_text("{}")
    encoder = folder / "t_encoder/model/encoder.json"
    encoder.write_text(encoder.read_text()[:50])
    (folder / "t_movies/model/movies.parquet").unlink()
    for bias in (folder / "t_keras/model").glob("bias*"):
        bias.unlink()
    (folder / "t_keras/model/model.keras").write_bytes(bytes(range(256)))


def check(status: int, stderr: str, message: str) -> None:
    """Checks that a command failed with one line that says `message`."""
    assert status == 1, stderr
    said = [line for line in stderr.splitlines() if not line.startswith("[INFO]")]
    assert len(said) == 1, stderr
    assert said[0].startswith("cfexp: error: ")
    assert message in said[0]
    assert not PYTHONS.search(said[0]), said[0]
    assert "unexpected error" not in said[0]


@pytest.mark.parametrize(("line", "message"), ROWS_OF_TABLE, ids=lambda row: row)
def test_bad_input(place: Path, line: str, message: str) -> None:
    before = tree(place)
    status, stderr = command(shlex.split(line))
    check(status, stderr, message)
    assert tree(place) == before


def test_table_is_long() -> None:
    assert len(ROWS_OF_TABLE) == len(dict(ROWS_OF_TABLE)) >= 90


def test_damaged_checkpoint(place: Path) -> None:
    """Whose name only cfexp knows, until it misses it."""
    resumed = ["model=dot", *SMALL, "training.resume=true"]
    _, stderr = command(resumed)
    path = re.search(r"checkpoints/\w+\.npz", stderr)
    assert path
    (place / "checkpoints").mkdir()
    (place / path[0]).write_bytes(bytes(range(256)))
    before = tree(place)
    check(*command(resumed), f"the checkpoint {path[0]} is damaged")
    assert tree(place) == before
    shutil.rmtree(place / "checkpoints")


def test_two_identical_runs_at_once(place: Path) -> None:
    """The second leaves the first one's checkpoint alone, and cannot go on from it."""
    run = ["model=dot", *SMALL, "seed=7", "hydra.run.dir=second"]
    _, stderr = command([*run, "training.resume=true"])
    path = re.search(r"checkpoints/\w+\.npz", stderr)
    assert path
    with claimed(Path(path[0]).with_suffix(".lock"), wait=False):
        (place / path[0]).write_text("the first one's")
        check(*command([*run, "training.resume=true"]), "another process is training")
        status, stderr = command(run)
        assert status == 0
        assert "this run keeps no checkpoint" in stderr
        assert (place / path[0]).read_text() == "the first one's"
        (place / path[0]).unlink()
    assert not (place / "checkpoints").exists()
    shutil.rmtree(place / "second")


def test_sweep_leaves_nothing_of_a_typo(place: Path) -> None:
    before = tree(place)
    typos = ["-m", "model=bias", "seed=0,1", "training.epoch=1", *SMALL]
    check(*command(typos), "no option training.epoch")
    assert tree(place) == before


def test_experiment_null_is_none(place: Path) -> None:
    status, stderr = command(["experiment=null", "model=nfc"])
    check(status, stderr, "model=nfc is not an option")


def test_process_of_its_own(workdir: Path) -> None:
    """As a user sees it: the status, one line, and nothing left."""
    done = cfexp("model=nfc", cwd=workdir)
    check(done.returncode, done.stderr, "model=nfc is not an option")
    assert not list(workdir.iterdir())


def test_traceback_on_request(workdir: Path) -> None:
    done = cfexp("seed=-1", cwd=workdir, env={"HYDRA_FULL_ERROR": "1"})
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("cfexp: error: seed must be")


def test_folder_that_hydra_would_interpolate(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = workdir / "a ${x}"
    folder.mkdir()
    monkeypatch.chdir(folder)
    check(*command(["model=bias", *SMALL]), "Rename the folder")
    assert not list(folder.iterdir())
