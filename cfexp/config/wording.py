"""Says in users' terms what OmegaConf, YAML and the operating system say."""

import errno
import os
import re
from collections.abc import Iterator
from types import FrameType

from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from cfexp.errors import first_line

# What OmegaConf says, and what is meant; the value that was received follows.
MEANT = (
    (r"Value '(?P<got>.*)' of type '\w+' could not be converted to Integer", "number"),
    (r"Value '(?P<got>.*)' is not a valid bool", "must be true or false"),
    (r"Invalid value '(?P<got>.*)', expected one of \[(?P<of>.*)\]", "choice"),
    (r"Cannot convert '\w+' to string: '(?P<got>.*)'", "must be a text"),
    (r"(field|Field) '.*' is not Optional|Non optional field", "null"),
    (
        r"Invalid value assigned: \w+ is not a DictConfig",
        "must be a table: {a: 1}",
    ),
    (r"Invalid type assigned: list is not a subclass of Dict", "mapping"),
)
REASONS = {
    "number": "must be a whole number",
    "null": "must not be null: give a value",
    "mapping": "must hold lines of name: value, not a list",
}

# Of errors of the operating system, by number.
ADVICE = {
    errno.ENOSPC: "Free some space, or choose another place with hydra.run.dir=",
    errno.EROFS: "Start cfexp in a folder that can be written",
    errno.EACCES: "Choose another place, or ask for the right to use this one",
    errno.ENOENT: "Correct the path",
}


def problem_of(error: BaseException) -> str:
    """Returns what is wrong with a value, to follow the name of its option."""
    text = first_line(error)
    for pattern, meant in MEANT:
        found = re.search(pattern, text)
        if found is None:
            continue
        named = found.groupdict()
        reason = REASONS.get(meant, meant)
        if meant == "choice":
            reason = f"must be one of {named['of']}"
        return f"{reason}. Got: {named['got']!r}" if "got" in named else reason
    return f"is refused: {text}"


def interpolation_problem(error: OmegaConfBaseException) -> str | None:
    """Returns what is wrong with a reference such as ``${seed}``, if that is it."""
    text = first_line(error)
    option = str(error.full_key or "an option")
    if found := re.search(r"Interpolation key '(.+)' not found", text):
        return (
            f"{option} refers to ${{{found[1]}}}, but there is no option {found[1]}."
            " Correct the reference, or give a value"
        )
    if found := re.search(r"Environment variable '(.+)' not found", text):
        return (
            f"{option} refers to the environment variable {found[1]}, which is not set."
            f" Set it, or give a default: ${{oc.env:{found[1]},value}}"
        )
    if "Recursive interpolation" in text:
        return f"{option} refers to itself, by way of other options. Give it a value"
    if "interpolation" in type(error).__name__.lower():
        return f"{option} holds a reference that cannot be read: {text}"
    return None


def problem_in_file(error: BaseException) -> str | None:
    """Says which file cannot be read as a config, and where."""
    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        tagged = "tag:" in (error.problem or "")
        what = "holds a tag that is not allowed" if tagged else "is no YAML"
        problem = re.sub(r"'tag:yaml.org,2002:(\S+)'", r"!!\1", error.problem or "")
        return f"{mark.name}, line {mark.line + 1}, {what}: {problem}. Correct the file"
    frames = [frame for frame in _frames(error) if "hydra" in frame.f_code.co_filename]
    if isinstance(error, UnicodeDecodeError):
        paths = [f.f_locals["full_path"] for f in frames if "full_path" in f.f_locals]
        return f"{paths[-1]} is no text in UTF-8. Save it as such" if paths else None
    composed = [
        str(frame.f_locals["path"])
        for frame in frames
        if frame.f_code.co_name == "_create_defaults_tree_impl"
        and "path" in frame.f_locals
    ]
    names = list(dict.fromkeys(composed[-20:]))
    if not names:
        return None
    round_trip = " -> ".join(f"{name}.yaml" for name in [*names, names[0]])
    return (
        f"configs include each other without end: {round_trip}. Correct their defaults"
    )


def _frames(error: BaseException) -> Iterator[FrameType]:
    step = error.__traceback__
    while step is not None:
        yield step.tb_frame
        step = step.tb_next


def problem_of_system(error: OSError) -> str:
    """Returns what the operating system cannot do, and with which file."""
    number = error.errno or 0
    where = f"{error.filename}: " if error.filename is not None else ""
    advice = ADVICE.get(number, "Correct the path, or choose another place")
    return f"{where}{os.strerror(number)}. {advice}"
