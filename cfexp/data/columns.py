"""Column names: the canonical ones, the user's own, and guesses for errors."""

import re
from collections.abc import Mapping, Sequence

from cfexp.data.checks import require_once
from cfexp.data.layout import NUMBER, example
from cfexp.errors import DataError, did_you_mean

USER, ITEM, RATING, TIMESTAMP = "userId", "movieId", "rating", "timestamp"
TITLE, GENRES = "title", "genres"
# Of ratings: the fold, or the part, that a rating is in.
FOLD = "fold"

COLUMNS = {
    "ratings": (USER, ITEM, RATING, TIMESTAMP, FOLD),
    "movies": (ITEM, TITLE, GENRES),
    "users": (USER,),
}
# The columns of files without a header, in their order.
HEADERLESS = {
    "ratings": (USER, ITEM, RATING, TIMESTAMP),
    "movies": (ITEM, TITLE, GENRES),
    "users": (USER,),
}
OPTIONAL = (TIMESTAMP, FOLD, TITLE, GENRES)
# Columns that may be left out with null; without ratings, all of them are 1.
NULLABLE = (RATING, *OPTIONAL)
# Names of columns in other datasets, in lower case, letters only, without "id".
SYNONYMS = {
    USER: "user u member customer reviewer rater profile account person viewer reader",
    ITEM: "movie item i film product asin parentasin tconst imdb tmdb book isbn title",
    RATING: "rating ratings stars star score overall rate grade value vote points",
}


def column_problems(columns: Mapping[str, str | None]) -> list[str]:
    """Returns what is wrong with configured names of columns."""
    known = {name for names in COLUMNS.values() for name in names}
    found = [
        f"columns.{name} is unknown{did_you_mean(name, known)}; choose from"
        f" {', '.join(sorted(known))}"
        for name in columns
        if name not in known
    ]
    found += [
        f"columns.{name} must be a column's name; only {', '.join(NULLABLE)} can be"
        " left out with null"
        for name in known - set(NULLABLE)
        if name in columns and columns[name] is None
    ]
    for names in COLUMNS.values():
        own = [columns.get(name, name) for name in names]
        found += [
            f"columns.{name}={column} is used for another column too"
            for name, column in zip(names, own, strict=True)
            if column is not None and own.count(column) > 1 and name in columns
        ]
    return found


def require_mapped(
    where: str, table: str, own: Mapping[str, str | None], there: Sequence[str]
) -> None:
    """Checks that a file has each wanted column exactly once.

    Args:
        where: The option and the file, for messages.
        table: ``ratings``, ``movies`` or ``users``.
        own: The file's column names by canonical name; None: do not read.
        there: The columns that the file has.

    Raises:
        DataError: A column is missing or appears twice; the message lists the file's
            columns and, if it can be guessed, the option to set.
    """
    require_once(where, there, [c for c in own.values() if c is not None])
    for name, column in own.items():
        # A name set by the user must exist; default names of optional columns need not.
        if column is not None and column != name and column not in there:
            raise DataError(
                f"dataset.columns.{name}={column}: {where} has no column {column}"
                f"{did_you_mean(column, there)}; it has: {', '.join(there)}."
                f"{layout_hint(there, table)}"
            )
    wanted = [n for n in own if n not in OPTIONAL and own[n] is not None]
    missing = [n for n in wanted if own[n] not in there]
    if missing:
        raise DataError(
            f"{where} has no column {', '.join(missing)}; it has: {', '.join(there)}."
            f"{layout_hint(there, table) or guess(table, missing, there)}"
        )


def guess(
    table: str,
    missing: Sequence[str],
    there: Sequence[str],
    option: str = "dataset.columns",
) -> str:
    """Returns the options to set where a file lacks columns, to append to a sentence.

    Args:
        table: ``ratings``, ``movies`` or ``users``.
        missing: The canonical names of the columns that it lacks.
        there: The columns that it has.
        option: The option that names columns.
    """
    guesses = {name: _likely(table, name, there) for name in missing}
    found = [f"{option}.{n}={_typed(c)}" for n, c in guesses.items() if c is not None]
    unknown = [n for n, c in guesses.items() if c is None]
    hint = f" Did you mean {' '.join(found)}?" if found else ""
    if unknown:
        hint += f" Set {option}.{unknown[0]} to the file's name of it."
    if RATING in unknown:
        hint += (
            " For data without ratings, such as views or purchases (implicit data), set"
            f" {option}.{RATING}=null and training.loss=softmax."
        )
    return hint


def layout_hint(columns: Sequence[str], table: str) -> str:
    """Returns the fix for a layout that the header suggests; empty if it is fine.

    Args:
        columns: The names in the header.
        table: ``ratings``, ``movies`` or ``users``.
    """
    if len(columns) == 1:
        for separator in ("\t", ";", "|", "::", ","):
            if separator in columns[0]:
                written = separator.replace("\t", r"\t")
                return (
                    " Its columns seem to have another separator: set"
                    f" \"dataset.separator='{written}'\"."
                )
        if len(columns[0].split()) > 1:
            return (
                " Its columns seem to be separated by blanks: set"
                " \"dataset.separator='\\s+'\"."
            )
    if NUMBER.fullmatch(columns[0]) or all(map(NUMBER.fullmatch, columns)):
        names = example(HEADERLESS[table], len(columns))
        return (
            " Its first line seems to be data: name its columns in order, as in"
            f" dataset.header.{table}=[{names}]."
        )
    return ""


def _typed(column: str) -> str:
    """Returns a column's name as it is written on the command line."""
    return column if re.fullmatch(r"[\w.-]+", column) else f"\"'{column}'\""


def _likely(table: str, name: str, there: Sequence[str]) -> str | None:
    if table in ("movies", "users") and "id" in there:
        return "id"
    known = SYNONYMS[name].split()
    for column in there:
        plain = re.sub(r"[^a-z]", "", column.lower())
        if (plain.removesuffix("id") or plain) in known:
            return column
    for column in there:  # or one of its words
        if set(re.findall(r"[a-z]+", column.lower())) & set(known):
            return column
    return None
