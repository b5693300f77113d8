"""Reads the user's CSV and Parquet files, and explains what is wrong with them."""

import csv
import logging
import lzma
import re
import warnings
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from pyarrow import parquet

from cfexp.data.checks import require_once
from cfexp.data.layout import is_data, separator_of
from cfexp.errors import DataError, did_you_mean, first_line

log = logging.getLogger(__name__)

# Separators as the command line passes them: a backslash and a letter.
ESCAPES = {r"\t": "\t", r"\s+": r"\s+"}
CHOICE = "; set dataset.separator and dataset.encoding to what it uses"
UNREADABLE = (
    ValueError,
    OSError,
    EOFError,
    LookupError,
    ImportError,
    NotImplementedError,
    csv.Error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    pd.errors.ParserWarning,
)


def read_table(
    path: str,
    *,
    option: str,
    texts: Collection[str] = (),
    separator: str | None = None,
    encoding: str = "utf-8",
    order: Sequence[str] = (),
) -> pd.DataFrame:
    r"""Reads a CSV or Parquet file.

    Args:
        path: The file; CSV unless its name ends in ``.parquet``.
        option: The option that names it, for messages.
        texts: Columns of a CSV to read as text, such as ids.
        separator: Column separator of a CSV, taken literally except ``\t`` and
            ``\s+``. None: it is found out, see `separator_of`.
        encoding: Encoding of a CSV.
        order: The names of the columns, in order, if the file has no header; it may
            have fewer columns. Empty: it must have a header.

    Raises:
        DataError: The file does not exist, or is not of the kind its name suggests.
    """
    file = _existing(path, option)
    try:
        if file.suffix.lower() == ".parquet":
            return _read_parquet(file, option)
        if separator is None:
            separator = separator_of(file, encoding)
        names = _header(file, option, separator, encoding, order)
        return _read_csv(file, texts, separator, encoding, names)
    except UNREADABLE as error:
        hint = CHOICE if option.startswith("dataset.") else ""
        raise DataError(
            f"{option}={path} cannot be read: {reason(error)}. Give a complete CSV file"
            f" with a header, or a Parquet file{hint}."
        ) from error


def reason(error: Exception) -> str:
    """Returns why a file cannot be read, without a full stop."""
    if isinstance(error, pd.errors.ParserWarning):
        return "it has rows with more values than its header has names"
    return first_line(error).rstrip(".")


@contextmanager
def strict_rows() -> Iterator[None]:
    """Makes pandas refuse rows longer than the header, if ``index_col=False``.

    Otherwise pandas takes their first values for an index, and shifts all columns.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        # Columns of mixed types are checked value by value later.
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)
        yield


def separator_problems(separator: str) -> list[str]:
    """Returns what is wrong with a configured separator."""
    if not separator or set(separator) & set("\r\n\"'"):
        return [
            r"separator must be one or more characters, such as ';' or '\t', and no"
            f" quote or line end. Got: {separator!r}"
        ]
    return []


def encoding_problems(encoding: str) -> list[str]:
    """Returns what is wrong with a configured encoding."""
    try:
        "".encode(encoding)
    except (LookupError, ValueError):
        near = did_you_mean(encoding, ("utf-8", "utf-16", "latin-1", "cp1252"))
        return [
            f"encoding={encoding} is not known{near}; give one that Python knows, such"
            " as utf-8, latin-1 or cp1252"
        ]
    return []


def layout_hint(columns: Sequence[str]) -> str:
    """Returns the fix for a layout that the header suggests; empty if it is fine."""
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
    if all(re.fullmatch(r"[-+.\d]+", column) for column in columns):
        return (
            " Its first line seems to be data: insert a line with the columns' names"
            " before it, such as userId,movieId,rating,timestamp."
        )
    return ""


def _existing(path: str, option: str) -> Path:
    file = Path(path).expanduser()
    if file.is_dir():
        names = sorted(p.name for p in file.iterdir())
        raise DataError(
            f"{option}={path} is a folder. Give one of its files, CSV or Parquet; it"
            f" holds: {', '.join(names[:5]) or 'nothing'}."
        )
    if not file.exists():
        near = [p.name for p in file.parent.glob("*")] if file.parent.is_dir() else []
        raise DataError(
            f"{option}: there is no file {path}{did_you_mean(file.name, near)}."
        )
    return file


def _read_parquet(file: Path, option: str) -> pd.DataFrame:
    names = parquet.read_schema(file).names
    require_once(f"{option}={file}", names, names)
    frame = pd.read_parquet(file)
    indexed = any(name is not None for name in frame.index.names)
    return frame.reset_index() if indexed else frame


def _header(
    file: Path, option: str, separator: str, encoding: str, order: Sequence[str]
) -> list[str] | None:
    """Returns the names of the columns of a file without a header; else None."""
    first = _first_line(file, _options(separator, encoding))
    if not is_data(first, order, len(order)):
        return None
    names = list(order[: len(first)])
    log.warning(
        "%s=%s has no header: its columns are read as %s. If they are others, insert a"
        " line with their names",
        *(option, file, ", ".join(names)),
    )
    return names


def _first_line(file: Path, options: Mapping[str, Any]) -> list[str]:
    # Read without a header: pandas would rename the second of two equal names.
    first = pd.read_csv(file, header=None, nrows=1, dtype="str", **options)
    return list(first.iloc[0].fillna(""))


def _options(separator: str, encoding: str) -> dict[str, Any]:
    separator = ESCAPES.get(separator, separator)
    if len(separator) > 1 and separator not in ESCAPES:
        separator = re.escape(separator)
    simple = len(separator) == 1 or separator == r"\s+"
    engine = "c" if simple else "python"
    return {"sep": separator, "encoding": encoding, "engine": engine}


def _read_csv(
    file: Path,
    texts: Collection[str],
    separator: str,
    encoding: str,
    names: list[str] | None,
) -> pd.DataFrame:
    """Reads a CSV file, whose columns have `names` if it has no header."""
    options = _options(separator, encoding)
    header = names or _first_line(file, options)
    kinds = {name: "str" for name in header if name.strip() in texts}
    if names is not None:
        options |= {"names": names, "header": None}
    with strict_rows():
        frame = pd.read_csv(file, index_col=False, dtype=kinds, **options)
    pairs = zip(header, frame.columns, strict=True)
    return frame.set_axis([name.strip() or given for name, given in pairs], axis=1)
