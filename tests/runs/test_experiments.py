"""Every shipped experiment runs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import tensorflow as tf
from helpers import ROOT, cfexp, ok
from small_data import synthetic

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture
def untraced() -> Iterator[None]:
    """Runs TensorFlow's functions as Python: each one here is called a few times."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.filterwarnings("ignore:.*does not apply to tf.data:UserWarning")
@pytest.mark.usefixtures("untraced")
def test_every_experiment_runs(workdir: Path) -> None:
    """All of `conf/experiment`, in one sweep, on small data in ml-100k's format."""
    data = synthetic().load()
    folder = workdir / "ml-100k"
    folder.mkdir()
    genres = sorted({g for text in data.movies["genres"] for g in text.split("|") if g})
    (folder / "u.genre").write_text("".join(f"{g}|{i}\n" for i, g in enumerate(genres)))
    flags = data.movies["genres"].str.get_dummies()[genres].astype(int)
    films = data.movies[["movieId", "title"]].assign(
        date="01-Jan-1995", video="", url=""
    )
    films.join(flags).to_csv(folder / "u.item", sep="|", header=False, index=False)
    tab = {"sep": "\t", "header": False, "index": False}
    data.frame.to_csv(folder / "u.data", **tab)
    data.frame.sample(500, random_state=0).to_csv(folder / "u1.test", **tab)
    users = data.frame["userId"].unique()
    people = [f"{user}|{20 + user % 40}|F|writer|10000" for user in users]
    (folder / "u.user").write_text("\n".join(people))
    other = workdir / "ml-latest-small"
    other.mkdir()
    data.frame.to_csv(other / "ratings.csv", index=False)
    data.movies[["movieId", "title", "genres"]].to_csv(
        other / "movies.csv", index=False
    )
    half = data.frame["movieId"] % 2 == 0
    for name in ("douban-monti", "flixster-monti"):
        (workdir / name).mkdir()
        for part, rows in (("train", data.frame[half]), ("test", data.frame[~half])):
            rows.to_csv(workdir / name / f"{part}.csv", index=False)
    old = workdir / "ml-1m"
    old.mkdir()
    for table, name in ((data.frame, "ratings"), (data.movies, "movies")):
        lines = ["::".join(map(str, row)) for row in table.itertuples(index=False)]
        (old / f"{name}.dat").write_text("\n".join(lines))
    people = [f"{user}::F::{user % 7}::{user % 21}::10000" for user in users]
    (old / "users.dat").write_text("\n".join(people))
    data.frame[half].to_csv(old / "glocalk_seed1234_test.csv", index=False)
    folder = ROOT / "conf/experiment"
    files = [file.relative_to(folder) for file in folder.rglob("*.yaml")]
    names = sorted(str(file.with_suffix("")) for file in files)
    names.remove("ml-100k/ensemble")
    # Compiled programs and the refit are tested for every family elsewhere.
    few = ["training.epochs=1", "training.batch_size=2000"]
    few += ["training.refit=false", "tracking=none"]
    common = [*few, "training.engine=keras"]
    sampled = [name for name in names if name.endswith("/bayes")]
    learn = re.compile("loss: (softmax|bpr|bce)$", re.M)
    ranked = [n for n in names if learn.search((folder / f"{n}.yaml").read_text())]
    names = [name for name in names if name not in (*sampled, *ranked)]
    kinds = {
        "all": (names, common),
        "sampled": (sampled, ["model.sweeps=3", "model.burn_in=1", "tracking=none"]),
        "ranked": (ranked, [*few, "evaluation.sampled_negatives=20"]),
    }
    for into, (kind, own) in kinds.items():
        done = cfexp(
            *("-m", f"experiment={','.join(kind)}", "embed_dim=4"),
            *(*own, f"hydra.sweep.dir={into}"),
            cwd=workdir,
            env={"CFEXP_DATA_DIR": str(workdir)},
        )
        ok(done)
        board = pd.read_csv(workdir / into / "leaderboard.csv")
        assert len(board) == len(kind)
        assert set(board["status"]) == {"finished"}
    members = [names.index(f"ml-100k/{model}") for model in ("dot", "fm")]
    runs = ",".join(f"all/{i}" for i in members)
    done = cfexp(
        *("experiment=ml-100k/ensemble", f"model.runs=[{runs}]", *common),
        cwd=workdir,
        env={"CFEXP_DATA_DIR": str(workdir)},
    )
    assert "member fm" in ok(done).stderr
    done = cfexp(
        *("experiment=ml-100k/dot", "search=dot", "model.l2=0.1,0.2"),
        *("optimizer.learning_rate=0.003", "hydra.sweep.dir=search", *common),
        cwd=workdir,
        env={"CFEXP_DATA_DIR": str(workdir)},
    )
    assert len(pd.read_csv(workdir / "search/leaderboard.csv")) == 2, done.stderr
