"""Rewords errors of OmegaConf, YAML and the operating system for users."""

import errno
import os
import re
from collections.abc import Iterator
from types import FrameType

from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from cfexp.errors import did_you_mean, first_line

# OmegaConf's messages, with the value received, and our wording.
MEANINGS = (
    (r"Value '(?P<got>.*)' of type '\w+' could not be converted to Integer", "number"),
    (r"Value '(?P<got>.*)' is not a valid bool", "must be true or false"),
    (r"Invalid value '(?P<got>.*)', expected one of \[(?P<of>.*)\]", "choice"),
    (r"Cannot convert '\w+' to string: '(?P<got>.*)'", "must be a text"),
    (r"(field|Field) '.*' is not Optional|Non optional field", "null"),
    (
        r"Invalid value assigned: \w+ is not a DictConfig",
        "must be a table: {a: 1}",
    ),
    (r"is not a ListConfig, list or tuple", "must be a list: [a,b]"),
    (r"Invalid type assigned: list is not a subclass of Dict", "mapping"),
)
REASONS = {
    "number": "must be a whole number",
    "null": "must not be null: give a value",
    "mapping": "must hold lines of name: value, not a list",
}

# How to fix errors of the operating system, by number.
ADVICE = {
    errno.ENOSPC: "Free some space, or choose another place with hydra.run.dir=",
    errno.EROFS: "Start cfexp in a folder that can be written",
    errno.EACCES: "Choose another place, or ask for the right to use this one",
    errno.ENOENT: "Correct the path",
}


def problem_of(error: BaseException) -> str:
    """Returns what is wrong with a value, to be appended to the name of its option."""
    text = first_line(error)
    for pattern, meaning in MEANINGS:
        found = re.search(pattern, text)
        if found is None:
            continue
        parts = found.groupdict()
        reason = REASONS.get(meaning, meaning)
        if meaning == "choice":
            near = did_you_mean(parts["got"], parts["of"].split(", "))
            reason = f"must be one of {parts['of']}{near}"
        return f"{reason}. Got: {parts['got']!r}" if "got" in parts else reason
    return f"is refused: {text}"


def interpolation_problem(error: OmegaConfBaseException) -> str | None:
    """Returns the problem of a reference such as ``${seed}``; None if it is none."""
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
        return f"{option} refers to itself through other options. Give it a value"
    if "interpolation" in type(error).__name__.lower():
        return f"{option} holds a reference that cannot be read: {text}"
    return None


def problem_in_file(error: BaseException) -> str | None:
    """Returns which config file cannot be read, and where; None if not known."""
    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        tagged = "tag:" in (error.problem or "")
        what = "holds a tag that is not allowed" if tagged else "is not valid YAML"
        problem = re.sub(r"'tag:yaml.org,2002:(\S+)'", r"!!\1", error.problem or "")
        return f"{mark.name}, line {mark.line + 1}, {what}: {problem}. Correct the file"
    frames = [frame for frame in _frames(error) if "hydra" in frame.f_code.co_filename]
    if isinstance(error, UnicodeDecodeError):
        paths = [f.f_locals["full_path"] for f in frames if "full_path" in f.f_locals]
        return f"{paths[-1]} is not in UTF-8. Save it in UTF-8" if paths else None
    composed = [
        str(frame.f_locals["path"])
        for frame in frames
        if frame.f_code.co_name == "_create_defaults_tree_impl"
        and "path" in frame.f_locals
    ]
    names = list(dict.fromkeys(composed[-20:]))
    if not names:
        return None
    circle = " -> ".join(f"{name}.yaml" for name in [*names, names[0]])
    return f"configs include each other in a circle: {circle}. Correct their defaults"


def _frames(error: BaseException) -> Iterator[FrameType]:
    step = error.__traceback__
    while step is not None:
        yield step.tb_frame
        step = step.tb_next


def problem_of_system(error: OSError) -> str:
    """Returns what failed in the operating system, with which file, and the fix."""
    number = error.errno or 0
    where = f"{error.filename}: " if error.filename is not None else ""
    advice = ADVICE.get(number, "Correct the path, or choose another place")
    return f"{where}{os.strerror(number)}. {advice}"
