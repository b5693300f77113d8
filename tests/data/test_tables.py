"""A user's own files: what is read as it is meant, and what is refused in one line."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from omegaconf import DictConfig
from pyarrow import parquet

from cfexp.config.build import build_spec
from cfexp.data import encodings
from cfexp.data.ratings import Ratings
from cfexp.errors import CfexpError

HEAD = "userId,movieId,rating,timestamp"
GOOD = f"{HEAD}\n" + "".join(
    f"{user},{movie},{1 + (user * movie) % 5},{user + movie}\n"
    for user in range(1, 21)
    for movie in range(1, 11)
)
PAIRS = [(user, movie) for user in range(3) for movie in range(4)]
Load = Callable[..., Ratings]


@pytest.fixture
def load(workdir: Path, composed: Callable[..., DictConfig]) -> Load:
    """Loads ``dataset=csv`` from the text of its ratings file, and options."""

    def loaded(
        ratings: str | bytes, *options: str, movies: str = "", name: str = "r.csv"
    ) -> Ratings:
        data = ratings.encode() if isinstance(ratings, str) else ratings
        (workdir / name).write_bytes(data)
        if movies:
            (workdir / "m.csv").write_text(movies)
            options = (*options, "dataset.movies=m.csv")
        given = ("dataset=csv", f"dataset.ratings={name}", *options)
        spec = build_spec("dataset", composed(*given).dataset)
        return spec.load()  # type: ignore[attr-defined]

    return loaded


def separated(separator: str) -> str:
    return GOOD.replace(",", separator)


def with_halves(separator: str, half: str) -> str:
    """Returns the ratings with another text for a rating of 3."""
    lines = [line.split(",") for line in GOOD.splitlines()]
    rows = [[*r[:2], half if r[2] == "3" else r[2], r[3]] for r in lines]
    return "\n".join(map(separator.join, rows)) + "\n"


@pytest.mark.parametrize(
    ("text", "options", "name"),
    [
        (GOOD, ["dataset.separator=','"], "r.csv"),
        (separated(";"), ["dataset.separator=';'"], "r.csv"),
        (separated("\t"), [r"dataset.separator='\t'"], "r.csv"),
        (separated("\t"), [], "r.tsv"),
        (gzip.compress(separated("\t").encode()), [], "r.tsv.gz"),
        (separated("::"), ["dataset.separator='::'"], "r.dat"),
        *((separated(separator), [], "r.csv") for separator in ("\t", ";", "|", "::")),
        (separated(",").partition("\n")[2], [], "r.csv"),
        (separated("::").partition("\n")[2], [], "r.dat"),
        (separated("[,"), ["dataset.separator='[,'"], "r.csv"),
        (separated("  "), [r"dataset.separator='\s+'"], "r.csv"),
        (separated(", "), [], "r.csv"),
        (GOOD.encode("utf-16"), ["dataset.encoding=utf-16"], "r.csv"),
        *(
            (GOOD.encode(name), [], "r.csv")
            for name in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
        ),
        (gzip.compress(GOOD.encode("utf-16")), [], "r.csv.gz"),
        ('"userId"' + GOOD.removeprefix("userId"), [], "r.csv"),
        (('"userId"' + GOOD.removeprefix("userId")).encode("utf-8-sig"), [], "r.csv"),
        (GOOD.replace("\n", ",\n"), [], "r.csv"),
        (GOOD.replace("\n1,", "\n1.0,"), [], "r.csv"),
    ],
)
def test_layouts(load: Load, text: str | bytes, options: list[str], name: str) -> None:
    assert load(text, *options, name=name).fingerprint == load(GOOD).fingerprint


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (lambda f: f.set_index("userId"), 1),
        (lambda f: f.astype({"userId": "category", "movieId": "Int64"}), 1),
        (lambda f: f.assign(userId=f["userId"].astype("uint64") + 2**63), None),
        (lambda f: f.assign(timestamp=pd.to_datetime(f["timestamp"], unit="s")), 1),
    ],
)
def test_parquet(
    load: Load,
    workdir: Path,
    change: Callable[[pd.DataFrame], pd.DataFrame],
    first: int | None,
) -> None:
    plain = load(GOOD)
    change(pd.read_csv("r.csv")).to_parquet("a.parquet")
    data = load(Path("a.parquet").read_bytes(), name="b.parquet")
    assert (data.fingerprint == plain.fingerprint) == (first is not None)
    assert data.n_users == 20
    assert data.frame["userId"].iloc[0] == (first or str(2**63 + 1))


def test_a_text_among_numeric_ids(load: Load) -> None:
    data = load(f"{GOOD}abc,1,3,5\n007,1,3,5\n" + '"a,b",1,3,5\n')
    assert {"1", "20", "abc", "007", "a,b"} <= set(data.frame["userId"])
    movies = "movieId,title\n1.0,One\nx,Two\n"
    data = load(GOOD, movies=movies)
    titles = data.movies.set_index("movieId")["title"]
    assert titles["1"] == "One"
    assert titles["2"] == ""
    assert set(data.frame["movieId"]) == set(map(str, range(1, 11)))


def test_columns_can_be_left_out(load: Load) -> None:
    text = GOOD.replace(HEAD, "userId,movieId,rating,timestamp").replace(",2\n", ",?\n")
    data = load(text, "dataset.columns.timestamp=null")
    assert list(data.frame.columns) == ["userId", "movieId", "rating"]
    movies = "movieId,title\n1,A\n"
    data = load(GOOD, "dataset.columns.title=null", movies=movies)
    assert set(data.movies["title"]) == {""}


@pytest.mark.parametrize(
    ("options", "written", "genres"),
    [
        ([], "Action | Drama|", "Action|Drama"),
        (["dataset.genre_separator=','"], "Action , Drama", "Action|Drama"),
        (["dataset.genre_separator=','"], "18", "18"),
        ([], "(no genres listed)", ""),
    ],
)
def test_genres(load: Load, options: list[str], written: str, genres: str) -> None:
    movies = f'movieId,genres\n1,"{written}"\n2,\n'
    data = load(GOOD, *options, movies=movies)
    assert data.movies["genres"].tolist()[:2] == [genres, ""]


def test_lists_of_genres(load: Load) -> None:
    frame = pd.DataFrame({"movieId": [1, 2], "genres": [["War", "Drama"], None]})
    frame.to_parquet("m.parquet")
    data = load(GOOD, "dataset.movies=m.parquet")
    assert data.movies["genres"].tolist()[:2] == ["War|Drama", ""]


def test_another_genre_separator_is_noticed(
    load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    load(GOOD, movies='movieId,genres\n1,"Action, Drama"\n2,War\n')
    assert "set \"dataset.genre_separator=','\"" in caplog.text


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (GOOD, ["dataset.encoding=klingon"], "encoding=klingon is not known; give"),
        (
            GOOD,
            ["dataset.encoding=utf9"],
            "encoding=utf9 is not known (did you mean ut",
        ),
        (GOOD, ["dataset.separator=''"], "separator must be one or more characters"),
        (GOOD, ["dataset.genre_separator=''"], "genre_separator must not be empty"),
        (GOOD, ["dataset.separator='[,'"], "set \"dataset.separator=','\""),
        *(
            (
                separated(sep),
                ["dataset.separator=','"],
                f"dataset.separator='{written}'",
            )
            for sep, written in ((";", ";"), ("\t", r"\t"), ("::", "::"))
        ),
        (separated(" "), [], "set \"dataset.separator='\\s+'\""),
        (
            GOOD.partition("\n")[2].replace(",", ",5,5,"),
            [],
            "Its first line seems to be data: name its columns in order, as in"
            " dataset.header.ratings=[userId,movieId,rating,timestamp,column5,",
        ),
        (
            GOOD,
            ["dataset.header.ratings=[a,b]"],
            "header.ratings=[a,b]: the file has 4",
        ),
        (
            GOOD.replace("\n", ",x\n"),
            ["dataset.header=false"],
            "dataset.header.ratings=false: the file has 5 columns, the first line is"
            f" {HEAD.replace(',', ', ')}, x. Give the name of each column, such as"
            " dataset.header.ratings=[userId,movieId,rating,timestamp,column5].",
        ),
        (GOOD, ["+dataset.header.films=true"], "header.films is unknown; choose from"),
        (GOOD, ["dataset.header.movies=3"], "header.movies must be true or false"),
        (GOOD, ["dataset.decimal=x"], "decimal must be one of ., ,. Got: 'x'"),
        (
            with_halves(";", "3,5"),
            ["dataset.decimal='.'"],
            "column rating has 32 values that are not numbers",
        ),
        (
            with_halves(",", "3,5"),
            [],
            "line 3 has more values than its header has names (numbers with a decimal"
            " comma need quotes, or another separator)",
        ),
        (
            GOOD.replace(HEAD, "member,film,stars,when"),
            [],
            "r.csv has no column userId, movieId, rating; it has: member, film, stars,"
            " when. Did you mean dataset.columns.userId=member"
            " dataset.columns.movieId=film dataset.columns.rating=stars?",
        ),
        (
            GOOD.replace("rating", "a"),
            [],
            "Set dataset.columns.rating to the file's name of it. For data without"
            " ratings, such as views or purchases (implicit data), set"
            " dataset.columns.rating=null and training.loss=softmax.",
        ),
        (GOOD.replace("timestamp", "rating"), [], "r.csv has 2 columns rating: which"),
        (
            GOOD,
            ["+dataset.columns.users=a"],
            "columns.users is unknown (did you mean u",
        ),
        (GOOD, ["dataset.columns.movieId=userId"], "is used for another column too"),
        (
            GOOD,
            ["dataset.columns.userId=null"],
            "only rating, timestamp, fold, title, genres can be",
        ),
        (GOOD, ["dataset.columns.userId=usrId"], "no column usrId (did you mean userI"),
        (
            GOOD.replace("\n", ",8\n").replace(",8", "", 1),
            [],
            "more values than its heade",
        ),
        (f"{GOOD}77,1,3,noon\n", [], "are not times (seconds since 1970, or ISO 8601)"),
        (f"{GOOD}inf,1,3,5\n", [], "column userId: inf is not an id"),
        (f"{GOOD}1e300,1,3,5\n", [], "column userId: 1e300 is too large to be exact"),
        (f"{GOOD}77,1,1e308,5\n", [], "1 values that lie beyond 1,000,000"),
        (GOOD, ["dataset.scale=[1,inf]"], "scale must be a finite number"),
    ],
)
def test_refused(load: Load, text: str, options: list[str], message: str) -> None:
    with pytest.raises(CfexpError) as refused:
        load(text, *options)
    assert message in str(refused.value)


def test_refused_files(load: Load, workdir: Path) -> None:
    whole = gzip.compress(GOOD.encode())
    lists = pd.DataFrame({"userId": [[1]], "movieId": [1], "rating": [3.0]})
    lists.to_parquet("lists")
    names = ["userId", "movieId", "rating", "rating"]
    twice = pa.table([pa.array([float(k)]) for k in range(4)], names=names)
    parquet.write_table(twice, "twice")
    huge = pd.DataFrame({"userId": [1e300], "movieId": [1], "rating": [3.0]})
    huge.to_parquet("huge")
    for name, data, message in [
        ("r.csv.gz", whole[: len(whole) // 2], "r.csv.gz cannot be read: Compressed"),
        ("r.csv.gz", b"\x1f\x8b noise", "r.csv.gz cannot be read"),
        ("r.csv.zip", b"PK", "r.csv.zip cannot be read: File is not a zip file"),
        ("r.csv", np.random.default_rng(0).bytes(999), "r.csv cannot be read: 'utf-8'"),
        ("lists.parquet", Path("lists").read_bytes(), "userId: [1] is not an id"),
        ("twice.parquet", Path("twice").read_bytes(), "has 2 columns rating"),
        ("huge.parquet", Path("huge").read_bytes(), "1e+300 is too large"),
    ]:
        with pytest.raises(CfexpError) as refused:
            load(data, name=name)
        assert message in str(refused.value)


def test_a_folder_is_no_file(load: Load, workdir: Path) -> None:
    (workdir / "dir").mkdir()
    (workdir / "dir" / "mine.csv").write_text(GOOD)
    for table in ("ratings", "movies"):
        with pytest.raises(CfexpError, match=rf"dataset.{table}=dir is a folder.*mine"):
            load(GOOD, f"dataset.{table}=dir")


def test_separators_of_movies_are_not_those_of_their_genres(load: Load) -> None:
    """Titles hold commas, and genres bars, in a file without a header too."""
    movies = (
        "1::Léon: The Professional, uncut (1994)::Action|Crime\n"
        "2::Up; Down (1996)::Comedy\n"
    )
    found = load(GOOD, movies=movies).movies.set_index("movieId")
    assert found["title"][1] == "Léon: The Professional, uncut (1994)"
    assert found["genres"][1] == "Action|Crime"
    assert found["genres"][2] == "Comedy"


def test_no_header_is_told_and_ids_may_be_text(
    load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    rows = "".join(f"user-{u:03}|tt{m}|{1 + (u + m) % 5}\n" for u, m in PAIRS)
    found = load(rows)
    assert found.frame["userId"].iloc[0] == "user-000"
    assert found.frame["movieId"].iloc[0] == "tt0"
    assert found.frame["rating"].iloc[0] == 1
    assert "has no header: its columns are read as userId, movieId, rating. If" in (
        caplog.text
    )


def test_ids_of_movies_may_be_called_otherwise_in_their_own_table(load: Load) -> None:
    """One mapping cannot name both."""
    text = GOOD.replace("movieId", "film")
    movies = "id,title\n01,One\n2,Two\n"
    found = load(
        text.replace("\n1,1,", "\n1,01,"), "dataset.columns.movieId=film", movies=movies
    )
    titles = found.movies.set_index("movieId")["title"]
    assert titles["01"] == "One"
    assert titles["2"] == "Two"


@pytest.mark.parametrize("options", [[], ["dataset.decimal=','"]])
@pytest.mark.parametrize(("separator", "half"), [(";", "3,5"), (",", '"3,5"')])
def test_decimal_commas(
    load: Load,
    options: list[str],
    separator: str,
    half: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected = load(with_halves(",", "3.5"))
    caplog.clear()
    found = load(with_halves(separator, half), *options)
    assert found.fingerprint == expected.fingerprint
    told = "numbers such as 3,5 in rating are read with a decimal comma" in caplog.text
    assert told != bool(options)


def test_decimal_commas_without_a_header_and_of_movies(load: Load) -> None:
    """Lists of genres by number, and titles, are no numbers with a comma."""
    rows = "".join(f"u{u};m{m};{1 + (u + m) % 5},5\n" for u, m in PAIRS)
    movies = "movieId;title;genres;length\nm0;1,2;18,35;1,5\nm1;3,4;18,35;2\n"
    found = load(rows, movies=movies)
    assert found.frame["rating"].iloc[0] == 1.5
    row = found.movies.set_index("movieId").loc["m0"]
    assert (row["title"], row["genres"], row["length"]) == ("1,2", "18,35", 1.5)


def test_western_encodings(
    load: Load, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "movieId,title\n1,Plain\n2,Amélie €\n"
    Path("w.csv").write_bytes(text.encode("cp1252"))
    movies = load(GOOD, "dataset.movies=w.csv").movies.set_index("movieId")
    assert movies["title"][2] == "Amélie €"
    assert (
        "dataset.movies=w.csv is not UTF-8: it is read as cp1252, with words such as"
        " Amélie. If it has another encoding, set dataset.encoding" in caplog.text
    )
    caplog.clear()
    monkeypatch.setattr(encodings, "BLOCK", 16)  # a later one has the first such byte
    movies = load(GOOD, "dataset.movies=w.csv").movies.set_index("movieId")
    assert movies["title"][2] == "Amélie €"
    Path("w.csv").write_bytes("movieId,title\n2,Амели\n".encode("cp1251"))
    options = ["dataset.movies=w.csv", "dataset.encoding=cp1251"]
    caplog.clear()
    assert "Амели" in set(load(GOOD, *options).movies["title"])
    assert "UTF-8" not in caplog.text


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (GOOD.partition("\n")[2], ["dataset.header=false"]),
        (GOOD, ["dataset.header=true"]),
        (
            GOOD.partition("\n")[2],
            ["dataset.header.ratings=[userId,movieId,rating,timestamp]"],
        ),
        (
            "\n".join(",".join([*r.split(",")[::-1], "x"]) for r in GOOD.split()[1:]),
            ["dataset.header.ratings=[timestamp,rating,movieId,userId,more]"],
        ),
        (
            GOOD.partition("\n")[2],
            ["dataset.header.ratings=[u,movieId,rating,timestamp]"]
            + ["dataset.columns.userId=u"],
        ),
    ],
)
def test_header_can_be_said(
    load: Load, text: str, options: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    expected = load(GOOD).fingerprint
    assert load(text, *options).fingerprint == expected
    assert "header" not in caplog.text


def test_users_without_a_header(load: Load) -> None:
    Path("u.csv").write_text("1,F,23\n2,M,40\n")
    with pytest.raises(CfexpError) as refused:
        load(GOOD, "dataset.users=u.csv")
    assert "dataset.header.users=[userId,column2,column3]" in str(refused.value)
    options = ["dataset.users=u.csv", "dataset.header.users=[userId,sex,age]"]
    users = load(GOOD, *options).users.set_index("userId")
    assert (users["sex"][1], users["age"][2]) == ("F", 40)
