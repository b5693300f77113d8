"""The formats of tables that are written, by the ending of the file's name."""

from pathlib import Path

FORMATS = (".csv", ".parquet", ".json", ".jsonl")
COMPRESSED = ".gz"


def format_problems(path: Path, option: str) -> list[str]:
    """Returns why a table cannot be written to a file of this name."""
    if format_of(path) in FORMATS:
        return []
    return [
        f"{option} must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, which says"
        f" the format, as in {path.with_suffix('.csv')}. Got: {path}"
    ]


def format_of(path: Path) -> str:
    """Returns the ending that says a file's format, before that of a compression."""
    endings = [ending.lower() for ending in path.suffixes]
    if endings[-1:] == [COMPRESSED] and endings[-2:-1] != [".parquet"]:
        endings.pop()
    return endings[-1] if endings else ""
