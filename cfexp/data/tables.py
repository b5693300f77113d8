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
from cfexp.data.decimals import with_decimal_commas
from cfexp.data.encodings import encoding_of
from cfexp.data.layout import (
    Layout,
    names_without_header,
    separator_of,
    setting_of,
)
from cfexp.errors import DataError, did_you_mean, first_line

log = logging.getLogger(__name__)

# Separators as the command line passes them: a backslash and a letter.
ESCAPES = {r"\t": "\t", r"\s+": r"\s+"}
CHOICE = "; set dataset.separator and dataset.encoding to what it uses"
# What pandas says of a row with more values than the first ones.
TOO_LONG = re.compile(r"Expected \d+ fields in line (\d+), saw \d+")
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
    layout: Layout = Layout(),  # noqa: B008  it is frozen
    order: Sequence[str] = (),
) -> pd.DataFrame:
    r"""Reads a CSV or Parquet file.

    Args:
        path: The file; CSV unless its name ends in ``.parquet``.
        option: The option that names it, for messages.
        texts: Columns of a CSV to read as text, such as ids.
        layout: How a CSV is laid out.
        order: The names of the columns, in order, if the file has no header; it may
            have fewer columns. Empty: it must have a header.

    Raises:
        DataError: The file does not exist, or is not of the kind its name suggests.
    """
    file = _existing(path, option)
    try:
        if file.suffix.lower() == ".parquet":
            return _read_parquet(file, option)
        return _read_csv(file, option, texts, layout, order)
    except UNREADABLE as error:
        ours = option.startswith("dataset.")
        hint = CHOICE if ours else "; save it as UTF-8"
        raise DataError(
            f"{option}={path} cannot be read: {reason(error)}. Give a complete CSV file"
            f" with a header, or a Parquet file{hint}."
        ) from error


def reason(error: Exception) -> str:
    """Returns why a file cannot be read, without a full stop."""
    said = first_line(error).rstrip(".")
    longer = TOO_LONG.search(said)
    if isinstance(error, pd.errors.ParserWarning) or longer:
        return (
            f"{f'line {longer[1]} has' if longer else 'it has rows with'} more values"
            " than its header has names (numbers with a decimal comma need quotes, or"
            " another separator)"
        )
    return said


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
    option: str,
    texts: Collection[str],
    layout: Layout,
    order: Sequence[str],
) -> pd.DataFrame:
    """Reads a CSV file, see `read_table`."""
    where, ours = f"{option}={file}", option.startswith("dataset.")
    fix = f"set {setting_of(option, 'encoding')}" if ours else "save it as UTF-8"
    encoding = layout.encoding or encoding_of(file, where, fix)
    options = _options(layout.separator or separator_of(file, encoding), encoding)
    header = _first_line(file, options)
    names = names_without_header(header, layout.header, order, option)
    if names is not None:
        header = names
        options |= {"names": names, "header": None}
        if layout.header is None:
            _tell_no_header(where, names, option if ours else None)
    kinds = {name: "str" for name in header if name.strip() in texts}
    with strict_rows():
        frame = pd.read_csv(
            file, index_col=False, dtype=kinds, decimal=layout.decimal or ".", **options
        )
    pairs = zip(header, frame.columns, strict=True)
    frame = frame.set_axis([name.strip() or given for name, given in pairs], axis=1)
    if layout.decimal is not None:
        return frame
    fix = "set \"dataset.decimal='.'\"" if ours else "write numbers with a point"
    return with_decimal_commas(frame, texts, where, fix)


def _tell_no_header(where: str, names: Sequence[str], option: str | None) -> None:
    """Says how the columns of a file without a header are read.

    Args:
        where: The file.
        names: The names of its columns.
        option: The option that names it; None if no option names its columns.
    """
    fix = "insert a line with their names"
    if option:
        fix = f"name them in order: {setting_of(option, 'header')}=[...]"
    log.warning(
        "%s has no header: its columns are read as %s. If they are others, %s",
        *(where, ", ".join(names), fix),
    )
