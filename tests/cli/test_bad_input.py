"""Every bad input is one line: what happened, what was received, how to mend it.

The commands run in this process, in one folder, which no refused command changes.
"""

import gzip
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from helpers import SMALL, cfexp, process

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
    "own.csv": "member,the film\n1,2\n",
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
    "shadow/model/dot.yaml": "_target_: cfexp.models.Dot\nl2: 9\n",
    "nothing/readme": "no model and no data here",
}
TABLE = [
    (part["after"] + line, message)
    for part in yaml.safe_load(
        Path(__file__).with_name("bad_input.yaml").read_text()
    ).values()
    for line, message in part["lines"].items()
]
# An error's or a class's name, which nobody needs who does not write Python.
PYTHONS = re.compile(r"\w(Error|Exception|Warning)\b|\bcfexp\.\w|__\w+__|<class")


def command(arguments: list[str]) -> tuple[int, str]:
    """Runs the command line in the folder of bad files; its status and its errors."""
    done = cfexp(*arguments, cwd=Path.cwd())
    return done.returncode, done.stderr


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
    for name in ("origin", "old", "encoder", "movies", "keras"):
        shutil.copytree(folder / "trained", folder / f"t_{name}")
    (folder / "t_origin/model/origin.json").write_text("{}")
    origin = folder / "t_old/model/origin.json"
    origin.write_text(json.dumps(json.loads(origin.read_text()) | {"config": "a: 1"}))
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


@pytest.mark.parametrize(("line", "message"), TABLE, ids=lambda row: row)
def test_bad_input(place: Path, line: str, message: str) -> None:
    before = tree(place)
    status, stderr = command(shlex.split(line))
    check(status, stderr, message)
    assert tree(place) == before


def test_table_is_long() -> None:
    assert len(TABLE) == len(dict(TABLE)) >= 90


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


@pytest.mark.slow
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
        assert status == 0, stderr
        assert "this run saves no checkpoint" in stderr
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


@pytest.mark.slow
def test_process_of_its_own(workdir: Path) -> None:
    """As a user sees it: the status, one line, and nothing left."""
    done = process("model=nfc", cwd=workdir)
    check(done.returncode, done.stderr, "model=nfc is not an option")
    assert not list(workdir.iterdir())


@pytest.mark.slow
def test_traceback_on_request(workdir: Path) -> None:
    done = process("seed=-1", cwd=workdir, env={"HYDRA_FULL_ERROR": "1"})
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
