"""The identity of runs and sweeps: names and keys from the fields of experiments."""

import ast
import hashlib
import inspect
import json
import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from cfexp.config.schema import SHORT
from cfexp.models.travelling import modules_of, sources
from cfexp.runtime.cache import cache_dir
from cfexp.runtime.files import write_text
from cfexp.spec import NO_EFFECT, REPEATS, Spec, digest

if TYPE_CHECKING:
    from cfexp.experiment import Experiment

# Options outside of an experiment's fields that change its result.
QUOTES = "'\""
BESIDE = (*SHORT, "experiment", "cv", "seeds")
# What a sweeper chooses jobs by; not their number, nor where it keeps them.
CHOOSE = ("_target_", "params", "sampler", "pruner")
# The packages, and the module, whose code changes the numbers of a result.
NUMBERS = ("data", "evaluation", "models", "training", "experiment.py")


def effective(overrides: Iterable[str]) -> list[str]:
    """Returns the overrides that change a run's result, not only where it is saved."""
    return [override for override in overrides if _has_effect(override)]


def _has_effect(override: str) -> bool:
    from cfexp.experiment import Experiment  # which imports pandas

    name = override.lstrip("+").partition("=")[0].partition("@")[0].replace("/", ".")
    group, _, option = name.partition(".")
    if group in BESIDE:
        return True
    return group in Experiment.model_fields and option not in marked(group, NO_EFFECT)


def is_repeat(override: str) -> bool:
    """Returns whether an override sets the fold or seed of a repeated run."""
    return override.partition("=")[0] in repeated_options()


@cache
def repeated_options() -> tuple[str, ...]:
    """Returns the options that differ between repeats: ``split.fold`` and ``seed``."""
    from cfexp.experiment import Experiment

    fields = Experiment.model_fields
    own = [name for name in fields if REPEATS in fields[name].metadata]
    return (*(f"{group}.{o}" for group in fields for o in marked(group, REPEATS)), *own)


def marked(group: str, mark: object) -> list[str]:
    """Returns the options of a group that carry a mark, in any of its classes."""
    from cfexp.experiment import Experiment

    base = Experiment.model_fields[group].annotation
    if not (inspect.isclass(base) and issubclass(base, Spec)):
        return []
    fields = [f for cls in _with_subclasses(base) for f in cls.model_fields.items()]
    return list(dict.fromkeys(name for name, f in fields if mark in f.metadata))


def _with_subclasses(cls: type[Spec]) -> list[type[Spec]]:
    below = [c for sub in cls.__subclasses__() for c in _with_subclasses(sub)]
    return [cls, *below]


def run_name(
    model: str, overrides: Iterable[str], *, shared: Collection[str] = ()
) -> str:
    """Returns a run's name: its overrides, or else its model.

    Paths of the data's files are shortened to the files' names.

    Args:
        model: The model's name.
        overrides: The overrides of the command line.
        shared: Those that all jobs of the sweep have, named last.
    """
    ordered = sorted(effective(overrides), key=lambda override: override in shared)
    shown = [_without_folder(override) for override in ordered]
    return " ".join(shown)[:200] or model


def _without_folder(override: str) -> str:
    name, equals, value = override.partition("=")
    if not name.startswith("dataset.") or "://" in value or "/" not in value:
        return override
    return f"{name}{equals}{Path(value.strip(QUOTES)).name}"


def sweep_key(cfg: DictConfig) -> str:
    """Returns 16 hex digits that identify a sweep and the code that runs it.

    Args:
        cfg: The sweep's configuration, including the node ``hydra``.
    """
    from cfexp.experiment import Experiment

    composed: Any = OmegaConf.to_container(cfg, resolve=False)
    groups = {name: composed[name] for name in Experiment.model_fields}
    for name, values in groups.items():
        for option in marked(name, NO_EFFECT):
            values.pop(option, None)
    return digest(
        OmegaConf.to_yaml(OmegaConf.create(groups), sort_keys=True),
        *sorted(effective(cfg.hydra.overrides.task)),
        str(
            [item for item in composed["hydra"]["sweeper"].items() if item[0] in CHOOSE]
        ),
        OmegaConf.to_yaml(cfg.zip),
        code_version(),
    )


def job_key(
    experiment: "Experiment",
    data_sha256: str,
    split_sha256: str,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Returns 16 hex digits, the same for jobs with the same result.

    Args:
        experiment: The experiment, of which paths do not count.
        data_sha256: The ratings' fingerprint.
        split_sha256: The split's fingerprint.
        tags: Tags of the trained model that training starts from.
    """
    values = [getattr(experiment, name) for name in type(experiment).model_fields]
    values += experiment.metrics.values()
    return digest(
        experiment.key(),
        data_sha256,
        split_sha256,
        code_version(tuple(type(value) for value in values)),
        str(sorted(tags.items())),
    )


@cache
def code_version(classes: tuple[type, ...] = ()) -> str:
    """Returns 16 hex digits of the code that changes the numbers of a result.

    Docstrings, comments and reports are excluded; the modules of the user's own
    `classes` are included.
    """
    own = sources(modules_of(classes))
    return digest(_own_code(), *(_named_code(own[module]) for module in sorted(own)))


@cache
def _own_code() -> str:
    """Returns a hash of cfexp's own code that changes numbers.

    It takes 0.2 s, and is kept in the cache for files of the same content.
    """
    package = Path(__file__).parents[1]
    files = [path for part in NUMBERS for path in _sources(package / part)]
    source = hashlib.sha256(sys.version.encode())
    for path in files:
        source.update(f"{path.name} ".encode() + path.read_bytes())
    known = {"source": source.hexdigest()}
    kept = cache_dir() / "code.json"
    with suppress(OSError, ValueError):
        saved = json.loads(kept.read_text())
        if isinstance(saved, dict) and known.items() <= saved.items():
            return str(saved["digest"])
    found = digest(*map(_named_code, files))
    with suppress(OSError):  # a cache that cannot be written
        write_text(kept, json.dumps({**known, "digest": found}))
    return found


def _named_code(path: Path) -> str:
    return f"{path.name} {_code(path.read_text())}"


def _sources(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _code(source: str) -> str:
    """Returns a module's code, without comments, docstrings and line numbers."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            body[0] = ast.Pass()
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
