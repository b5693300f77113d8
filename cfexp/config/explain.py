"""Explains any error in one line: what happened, the value received, how to fix it.

Imports no heavy library: errors of other libraries are recognised by their messages.
"""

import re
import sys
from collections.abc import Mapping, Sequence

from hydra.errors import HydraException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from cfexp.config.choices import choices_of, owners_of
from cfexp.config.compose import conf_dir
from cfexp.config.mistyped import meant_by, meant_option
from cfexp.config.schema import ACROSS, GROUPS
from cfexp.config.wording import (
    interpolation_problem,
    problem_in_file,
    problem_of,
    problem_of_system,
)
from cfexp.errors import CfexpError, did_you_mean, first_line, in_words

TRACEBACK_VARIABLE = "HYDRA_FULL_ERROR"
EXAMPLE = "'name=\"a value\"'"
SEE_ALL = "See all options with: cfexp --cfg job"
OUT_OF_MEMORY = ("ResourceExhaustedError", "RESOURCE_EXHAUSTED", "OOM when allocating")


def explain(
    error: BaseException,
    commands: tuple[str, ...] = (),
    *,
    arguments: Sequence[str] | None = None,
) -> str:
    """Returns an error as one line: what happened and, if known, how to fix it.

    Args:
        error: Any error.
        commands: Names of the commands, to suggest one for a mistyped name.
        arguments: The overrides; those of the command line if None.
    """
    if "Config group override must be" in str(error):
        text = _no_option_name(sys.argv[1:] if arguments is None else arguments)
    else:
        text = _explanation(error, commands)
    return " ".join(text.split())


def _explanation(error: BaseException, commands: tuple[str, ...]) -> str:
    if isinstance(error, CfexpError):
        return str(error)
    if isinstance(error, OverrideParseException):
        return _unreadable(str(error.override), commands)
    known = None
    if isinstance(error, HydraException):
        known = _of_hydra(error)
    elif isinstance(error, OmegaConfBaseException):
        known = interpolation_problem(error) or _missing(error)
    elif isinstance(error, MarkedYAMLError | UnicodeDecodeError | RecursionError):
        known = problem_in_file(error)
    elif isinstance(error, OSError) and error.errno is not None:
        known = problem_of_system(error)
    elif _is_out_of_memory(error):
        known = (
            "there is not enough memory for this model and these data. Lower embed_dim,"
            " the model's layers or units, or training.batch_size"
        )
    return known or _unexpected(error)


def _unexpected(error: BaseException) -> str:
    """Explains an error that is not foreseen, and may be a bug of cfexp."""
    reason = str(error).strip() or "no reason is given"
    return (
        f"unexpected error ({in_words(error)}): {reason} (set {TRACEBACK_VARIABLE}=1 to"
        " see the traceback, and report it)"
    )


def _unreadable(override: str, commands: tuple[str, ...]) -> str:
    meant = (
        meant_by(override, commands) if re.fullmatch(r"[\w./-]+", override) else None
    )
    word = " Commands: see cfexp --help" if re.fullmatch(r"\w+", override) else ""
    name, _, value = override.partition("=")
    example = f"\"{name}='{value}'\"" if value and "'" not in value else ""
    return meant or (
        f"cannot read the override {override}: write name=value, and quote a value with"
        f" spaces or signs: {example or EXAMPLE}.{word}".removesuffix(".")
    )


def _of_hydra(error: HydraException) -> str | None:
    """Explains an error of Hydra's composition."""
    text = str(error)
    for pattern, explanation in HYDRA_MESSAGES:
        if found := re.search(pattern, text):
            return explanation(found, error)
    cause = error.__cause__
    if isinstance(cause, OmegaConfBaseException):
        return interpolation_problem(cause) or f"{first_line(error)}: {cause.msg}"
    if cause is not None and not isinstance(cause, HydraException):
        return _explanation(cause, ())
    return re.sub(r"Config search path:.*", "", text, flags=re.DOTALL)


def _no_option(found: re.Match[str], error: BaseException) -> str:
    listed = re.search(r"Available options in '(.+?)':\n((?:\t.*\n?)+)", str(error))
    if listed is None:
        return f"there is no config {found[1]}"
    group, options = listed[1], listed[2].split()
    name = found[1].removeprefix(f"{group}/")
    if group in ACROSS:
        folders = re.findall(r"path=file://(.+)", str(error))
        options = sorted({*options, *choices_of(group, *folders)})
    return _not_an_option(group, name, options)


def _not_an_option(group: str, name: str, options: Sequence[str]) -> str:
    return (
        f"{group}={name} is not an option{did_you_mean(name, options)}. Options of"
        f" {group}: {', '.join(options)}."
    )


def _no_key(found: re.Match[str], error: BaseException) -> str:
    if not found[1]:
        return "an override has no name: write name=value. " + SEE_ALL
    if inner := re.search(r"use \+(experiment|search)/(.+)=(.+)", str(error)):
        return f"{found[1]} is not a group. Write {inner[1]}={inner[2]}/{inner[3]}"
    if "not in" not in f"{error}{error.__cause__}":
        meant = re.search(r"Did you mean to override (\S+)\?", str(error))
        near = f" (did you mean {meant[1]}?)" if meant else ""
        return f"{found[1]} cannot be set{near}. {SEE_ALL}"
    owners = owners_of(found[1])
    if owners:
        listed = " and ".join(filter(None, [", ".join(owners[:-1]), owners[-1]]))
        return (
            f"{found[1]} is an option of {listed}, which is not chosen."
            f" Choose it too: {owners[0]} {found[1]}=value"
        )
    given = (argument.lstrip("+").partition("=") for argument in sys.argv[1:])
    value = next((value for name, _, value in given if name == found[1]), "")
    return f"there is no option {found[1]}{meant_option(found[1], value)}. {SEE_ALL}"


def no_option_of(error: Exception, chosen: Mapping[str, str]) -> str | None:
    """Returns that an option is not one of what a job of a sweep chooses.

    Args:
        error: Why the job cannot be composed.
        chosen: The option of each group, such as ``{"model": "bias"}``.
    """
    found = re.search(r"Could not override '(\w+)\.([^']+)'", str(error))
    if found is None or found[1] not in GROUPS or not chosen.get(found[1]):
        return None
    (group, option), choice = found.groups(), chosen[found[1]]
    owners = owners_of(f"{group}.{option}")
    if not owners:
        return None  # nothing has it: it is mistyped
    return (
        f"{group}={choice} has no option {option}, unlike {', '.join(owners)}. Leave"
        f" out {group}={choice}, or {group}.{option}"
    )


def _bad_value(found: re.Match[str], error: BaseException) -> str:
    option = found[1].lstrip("+")
    cause = error.__cause__ or error
    if isinstance(cause, OmegaConfBaseException) and (
        problem := interpolation_problem(cause)
    ):
        return problem
    return f"{option} {problem_of(cause)}"


def _several(found: re.Match[str], _: BaseException) -> str:
    return (
        f"{found[1]} lists several values: add -m for a sweep over them, or write"
        " name=[a,b] for a list"
    )


def _no_folder(found: re.Match[str], _: BaseException) -> str:
    return f"--config-dir: there is no folder {found[1]}. Correct the path"


def _bad_config(found: re.Match[str], _: BaseException) -> str:
    config_file, text = found.groups()
    if key := re.match(r"Key '(.+)' not in", text):
        near = meant_option(key[1])
        return f"{config_file}.yaml: there is no option {key[1]}{near}. {SEE_ALL}"
    return f"{config_file}.yaml {problem_of(ValueError(text))}"


def _no_choice(found: re.Match[str], error: BaseException) -> str:
    """Explains a wrong option in a list of options."""
    group, name = found.groups()
    folders = re.findall(r"path=file://(.+)", str(error))
    return _not_an_option(group, name, choices_of(group, *folders))


HYDRA_MESSAGES = (
    (r"Could not load '(\w+)/([^']+)'", _no_choice),
    (r"Could not find '(.+?/[^/']*)'", _no_option),
    (r"Could not (?:override|delete) '([^']*)'", _no_key),
    (r"Error merging override ([^=\s]+)=", _bad_value),
    (r"Ambiguous value for argument '(.+?)'", _several),
    (r"Additional config directory '(.+?)' not found", _no_folder),
    (r"In '(.+?)': \w+ raised while composing config:\s*(.*)", _bad_config),
)


def _missing(error: OmegaConfBaseException) -> str:
    if found := re.search(r"Missing mandatory value: (\S+)", str(error)):
        return f"{found[1]} is not set. Set {found[1]}=value"
    key = str(error.full_key or "")
    return f"{key} {problem_of(error)}" if key else first_line(error)


def _no_option_name(arguments: Sequence[str]) -> str:
    """Explains which override gives a group something else than an option's name."""
    for argument in arguments:
        group, _, value = argument.partition("=")
        if group.split("@")[0] in (*GROUPS, *ACROSS) and not re.match(
            r"[A-Za-z_'\"\[][\w-]*", "" if value == "null" else value
        ):
            options = choices_of(group, conf_dir())
            return (
                f"{argument} is not an option: choose one of {', '.join(options[:12])}"
            )
    return "the value of a group must be the name of one of its options"


def _is_out_of_memory(error: BaseException) -> bool:
    text = f"{type(error).__name__} {error}"
    return isinstance(error, MemoryError) or any(mark in text for mark in OUT_OF_MEMORY)
