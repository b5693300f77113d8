"""Every bad input is one line: what happened, what was received, how to mend it."""

import subprocess
from pathlib import Path

import pytest
from conftest import SMALL, TINY, cfexp

GOOD = "userId,movieId,rating,timestamp\n" + "".join(
    f"{user},{movie},{1 + (user * movie) % 5},{user + movie}\n"
    for user in range(1, 21)
    for movie in range(1, 11)
)
HEAD = GOOD.splitlines()[0]
CSV = ["dataset=csv", "dataset.ratings=r.csv", "model=bias", "tracking=none"]
ML = ["model=bias", "tracking=none", "dataset=ml-100k"]


def check(done: subprocess.CompletedProcess[str], message: str) -> None:
    """Checks that a run failed with one line that says `message`."""
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    said = [x for x in done.stderr.splitlines() if not x.startswith("[INFO]")]
    assert len(said) == 1, done.stderr
    assert said[0].startswith("cfexp: error: ")
    assert message in said[0]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["embed_dmi=3"], "no option embed_dmi (did you mean embed_dim"),
        (["model=nfc"], "model=nfc is not an option (did you mean ncf"),
        (["modle=ncf"], "did you mean mode or model"),
        (["training.epoch=3"], "no option training.epoch (did you mean training.ep"),
        (["embed_dim"], "cannot read the override embed_dim: write name=value"),
        (["embed_dim=wide"], "wide"),
        (["experiment=none-such"], "experiment=none-such is not an option"),
        (["mode=trian"], "mode"),
        (["model.l2=-1"], "model.l2 must be >= 0. Got: -1"),
        (["model.l2=much"], "model.l2: Value 'much'"),
        (["model.dropout=1"], "model.dropout must be >= 0 and < 1"),
        (["+model.layer=3"], "model.layer is unknown to cfexp.models.ncf.Ncf (did you"),
        (["~model.l2"], "model.l2 is missing"),
        (["seed=-1"], "seed must be >= 0"),
        (["embed_dim=0"], "embed_dim must be >= 1"),
        (["objective=test_rmse"], "objective must be one of val_rmse, val_mae"),
        (["training.engine=fast"], "training.engine must be one of compiled, keras"),
        (
            ["training.strategy=mirrored", "training.engine=keras"],
            "training: engine=keras knows no strategy",
        ),
        (
            ["training.strategy=mirrored", "optimizer.update=rows"],
            "update=rows does not work with training.strategy=mirrored",
        ),
        (
            ["training.strategy=mirrored", "optimizer.clipnorm=1"],
            "clipnorm does not work with training.strategy=mirrored",
        ),
        (["training.epochs=0"], "training.epochs must be >= 1"),
        (["optimizer.learning_rate=0"], "optimizer.learning_rate must be > 0"),
        (["optimizer.schedule=warm"], "optimizer.schedule must be one of"),
        (
            ["optimizer.update=rows", "optimizer.clipnorm=1"],
            "update=rows knows no norm",
        ),
        (["split.test_size=2"], "split.test_size must be > 0 and < 1"),
        (["split=kfold", "split.fold=9"], "split: fold must be below folds=5"),
        (["dataset.n_ratings=5"], "dataset.n_ratings must be >= 100"),
        (["dataset=csv"], "dataset.ratings is not set"),
        (["tracking=server"], "tracking.uri is not set"),
        (["tracking.uri=here"], "uri must look like"),
        (["tracking.experiment=''"], "experiment must not be empty"),
        (["model._target_=os.getcwd"], "model._target_"),
        (["mode=evaluate"], "mode=evaluate needs run_id="),
        (["mode=predict", "run_id=x"], "needs pairs="),
        (["mode=recommend", "run_id=x"], "needs user="),
        (["run_id=x"], "run_id=x names a trained model"),
    ],
    ids=" ".join,
)
def test_configuration(workdir: Path, overrides: list[str], message: str) -> None:
    check(cfexp(*overrides, cwd=workdir), message)


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        (None, [], "r.csv"),
        ("", [], "r.csv"),
        (f"{HEAD}\n", [], "the ratings table has no rows"),
        (GOOD.replace("rating,", "stars,"), [], "has no column rating"),
        (f"{GOOD}77,1,,5\n", [], "column rating of the ratings table has 1 missing"),
        (f"{GOOD},1,3,5\n", [], "column userId of the ratings table has 1 missing"),
        (f"{GOOD}77,1,good,5\n", [], "column rating has 1 values that are not numbers"),
        (
            f"{GOOD}77,1,3,noon\n",
            [],
            "column timestamp has 1 values that are not times",
        ),
        (f"{GOOD}77,1,9,5\n", ["dataset.scale=[1,5]"], "1 ratings lie outside the sc"),
        (f"{GOOD}1,1,3,5\n", [], "1 user-movie pairs are rated more than once"),
        (GOOD, ["dataset.movies=m.csv"], "m.csv"),
        (GOOD, ['dataset.separator="\t"'], "has no column userId"),
        (GOOD, ["split=official"], "has no official fold"),
        (GOOD, ["split=leave_last", "split.k=9"], "leaves no test rows"),
        (
            GOOD,
            ["dataset.columns.timestamp=t", "split=temporal"],
            "r.csv has no column t",
        ),
        (GOOD.replace("timestamp", "t"), ["split=temporal"], "needs a timestamp"),
        (GOOD, ["training.resume=true"], "there is no checkpoint"),
        (GOOD, ["+dataset.column=x"], "dataset.column is unknown"),
    ],
)
def test_ratings(
    workdir: Path, text: str | None, overrides: list[str], message: str
) -> None:
    if text is not None:
        (workdir / "r.csv").write_text(text)
    check(cfexp(*CSV, *overrides, cwd=workdir), message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("movieId,title\n1,A\n1,B\n", "1 movies appear more than once"),
        ("movieId,title\n1,A\n", "9 rated movies are not in the movies table"),
        ("title\nA\n", "has no column movieId"),
    ],
)
def test_movies(workdir: Path, text: str, message: str) -> None:
    (workdir / "r.csv").write_text(GOOD)
    (workdir / "m.csv").write_text(text)
    more = ["dataset.movies=m.csv", "dataset.unknown_movies=error"]
    check(cfexp(*CSV, *more, cwd=workdir), message)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["dataset.root=nowhere"], "dataset.root=nowhere does not exist"),
        (["dataset.root=empty"], "holds no u.data"),
        (["dataset.root=r.csv"], "neither a folder nor a zip file"),
        (["dataset.url=http://127.0.0.1:9/x.zip"], "cannot download"),
        (["dataset=csv", "dataset.ratings=bad.parquet"], "bad.parquet"),
    ],
)
def test_files(workdir: Path, overrides: list[str], message: str) -> None:
    (workdir / "empty").mkdir()
    (workdir / "r.csv").write_text(GOOD)
    (workdir / "bad.parquet").write_text("not parquet")
    env = {"CFEXP_DATA_DIR": str(workdir / "empty")}
    check(cfexp(*ML, *overrides, cwd=workdir, env=env), message)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("sqlite:////no/such/mlflow.db", "the folder /no/such does not exist"),
        ("sqlite:///r.csv", "is not a SQLite file"),
        ("http://127.0.0.1:9", "no server answers"),
        ("ftp://127.0.0.1/x", "cannot use tracking.uri=ftp://127.0.0.1/x"),
    ],
)
def test_tracking(workdir: Path, uri: str, message: str) -> None:
    (workdir / "r.csv").write_text(GOOD)
    check(cfexp("model=bias", *TINY, f"tracking.uri={uri}", cwd=workdir), message)


def test_reuse(workdir: Path) -> None:
    """Models, users and pairs that are not there."""
    trained = ["model=bias", *SMALL, "hydra.run.dir=trained"]
    assert cfexp(*trained, cwd=workdir).returncode == 0
    (workdir / "pairs.csv").write_text("userId,item\n1,2\n")
    (workdir / "gaps.csv").write_text("userId,movieId\n1,\n")
    (workdir / "empty").mkdir()
    for arguments, message in [
        (["mode=evaluate", "run_id=latest"], "there is no mlflow.db"),
        (["mode=evaluate", "run_id=none"], "there is no mlflow.db"),
        (["mode=evaluate", "run_id=models:/m/1"], "there is no mlflow.db"),
        (["mode=evaluate", "run_id=empty"], "the folder empty holds no trained model"),
        (["mode=evaluate", "run_id=trained", "seed=5"], "trained with another split"),
        (["mode=evaluate", "run_id=trained", "experiment=quick"], "cannot be laid"),
        (["mode=finetune", "run_id=trained"], "cannot be fine-tuned"),
        (["mode=recommend", "run_id=trained", "user=nobody"], "user=nobody has no"),
        (["mode=predict", "run_id=trained", "pairs=no.csv"], "no.csv"),
        (["mode=predict", "run_id=trained", "pairs=pairs.csv"], "no column movieId"),
        (["mode=predict", "run_id=trained", "pairs=gaps.csv"], "has missing values"),
    ]:
        check(cfexp(*arguments, cwd=workdir), message)


def test_traceback_on_request(workdir: Path) -> None:
    done = cfexp("seed=-1", cwd=workdir, env={"HYDRA_FULL_ERROR": "1"})
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_folder_that_hydra_would_interpolate(workdir: Path) -> None:
    folder = workdir / "a ${x}"
    folder.mkdir()
    check(cfexp("model=bias", *SMALL, cwd=folder), "Rename the folder")
    assert not list(folder.iterdir())
