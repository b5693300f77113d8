"""Columns of text: titles and genres, the same in every version of pandas."""

import hashlib
import logging
from typing import Any

import numpy as np
import pandas as pd

log = logging.getLogger(__name__)

NO_GENRES = ("(no genres listed)", "unknown")


def as_text(column: pd.Series) -> pd.Series:
    """Returns a column as text, empty for missing values.

    Whole numbers are written without a decimal point, and lists joined by ``|``.
    """
    texts = [_text(value) for value in column.astype(object)]
    return pd.Series(texts, column.index, dtype="str")


def as_values(column: pd.Series) -> pd.Series:
    """Returns a column as text of values joined by ``|``, without blanks around them.

    Args:
        column: Texts, lists, or anything that can be written as text.
    """
    texts = [_joined(text.split("|")) for text in as_text(column)]
    return pd.Series(texts, column.index, dtype="str")


def as_genres(column: pd.Series, separator: str = "|") -> pd.Series:
    """Returns genres joined by ``|``, without blanks around them.

    Args:
        column: Lists of genres, or texts.
        separator: Separator between the genres of a text.
    """
    texts = [
        "" if text in NO_GENRES else _joined(text.split(between))
        for value in column.astype(object)
        for text, between in [(_text(value), "|" if _is_list(value) else separator)]
    ]
    return pd.Series(texts, column.index, dtype="str")


def warn_of_separator(name: str, genres: pd.Series, separator: str) -> None:
    """Warns if genres seem to have another separator."""
    distinct = genres[genres != ""].unique()
    if not len(distinct) or any("|" in text for text in distinct):
        return
    for other in (",", ";", "/"):
        if sum(other in text for text in distinct) > len(distinct) / 4:
            example = next(text for text in distinct if other in text)
            log.warning(
                "%s: genres such as %r may be several, but dataset.genre_separator is"
                " %s. If they are, set \"dataset.genre_separator='%s'\"",
                *(name, example, separator, other),
            )
            return


def update_digest(digest: "hashlib._Hash", column: pd.Series) -> None:
    """Feeds a column to `digest`, in the same form on every platform and version."""
    if pd.api.types.is_numeric_dtype(column):
        kind = "<f8" if pd.api.types.is_float_dtype(column) else "<i8"
        digest.update(column.to_numpy().astype(kind, copy=False).tobytes())
    else:
        texts = [str(text).encode(errors="surrogatepass") for text in column]
        # With their lengths, so that ["ab"] differs from ["a", "b"].
        digest.update(np.fromiter(map(len, texts), "<i8", len(texts)).tobytes())
        digest.update(b"".join(texts))
    digest.update(b"\x1e")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if _is_list(value):
        return _joined([_text(part) for part in value])
    if pd.isna(value):
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | np.ndarray)


def _joined(genres: list[str]) -> str:
    return "|".join(part for part in map(str.strip, genres) if part)
