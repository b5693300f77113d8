"""The character encoding of a user's CSV file, found out from its bytes."""

import bz2
import codecs
import gzip
import logging
import lzma
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from cfexp.errors import did_you_mean

log = logging.getLogger(__name__)

UTF_8, WESTERN = "utf-8", "cp1252"
# Byte order marks; that of UTF-32 begins as that of UTF-16.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
OPEN: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}
BLOCK = 1 << 20  # bytes read at once
# Bytes that no text has: control characters but blanks, line ends and an old end mark.
CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1a")


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


def encoding_of(file: Path, where: str, fix: str) -> str:
    """Returns the encoding of a text file, perhaps compressed.

    UTF-8, or what a byte order mark says; UTF-16 without one if every other byte is
    zero; else cp1252, which is that of Windows in Western Europe and has all printable
    characters of Latin-1: other encodings of one byte cannot be told from it, so that a
    warning shows how a word is read.

    Args:
        file: The file.
        where: Its name in messages.
        fix: What to do if it has another encoding, for messages.

    Returns:
        UTF-8 too if it is no text, which is told when it is read.
    """
    with _opened(file) as opened:
        block = opened.read(BLOCK)
        for mark, name in MARKS:
            if block.startswith(mark):
                return name
        if 0 in block:
            return _utf_16(block)
        decoder = codecs.getincrementaldecoder(UTF_8)()
        while block:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                return _western(block, where, fix)
            block = opened.read(BLOCK)
    return UTF_8


def _utf_16(block: bytes) -> str:
    """Returns UTF-16 in the order of bytes whose zeros these are, if they are."""
    even, odd = block[::2].count(0), block[1::2].count(0)
    if min(even, odd) or max(even, odd) < len(block) / 8:
        return UTF_8
    return "utf-16-le" if odd else "utf-16-be"


def _western(block: bytes, where: str, fix: str) -> str:
    """Returns cp1252 if a block may be of it, and says so."""
    if CONTROL & set(block):
        return UTF_8
    word = _first_word(block)
    log.warning(
        "%s is not UTF-8: it is read as %s, with words such as %s. If it has another"
        " encoding, %s",
        *(where, WESTERN, word, fix),
    )
    return WESTERN


def _first_word(block: bytes) -> str:
    """Returns the first word with a character that ASCII lacks."""
    return next(
        word.decode(WESTERN, errors="replace")
        for word in block.replace(b",", b" ").replace(b";", b" ").split()
        if not word.isascii()
    )


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    """Opens a file, decompressed if its name says that it is compressed."""
    if file.suffix.lower() != ".zip":
        with OPEN.get(file.suffix.lower(), open)(file, "rb") as opened:
            yield opened
        return
    with zipfile.ZipFile(file) as archive:
        if not archive.namelist():
            raise zipfile.BadZipFile("it holds no file")
        with archive.open(archive.namelist()[0]) as member:
            yield member
