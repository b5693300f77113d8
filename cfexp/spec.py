"""Base of the checked hyperparameter classes.

A spec holds the hyperparameters of one dataset, split, model, optimizer or training
loop. Creating one is cheap and imports no heavy library, so that every value is
checked before TensorFlow is loaded.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, ClassVar, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from cfexp.errors import ConfigError, did_you_mean


class Mark(Enum):
    """What a field is to a result, said where it is declared."""

    NO_EFFECT = "does not change it"
    REPEATS = "repeats it, as a fold or a seed does"


# Marks a path, say: ``checkpoint_dir: Annotated[str, NO_EFFECT] = "checkpoints"``.
NO_EFFECT = Mark.NO_EFFECT
REPEATS = Mark.REPEATS
# Names a spec's class, in configurations and in `Spec.settings` of another spec.
TARGET = "_target_"
NOT_SET = "is not set: give it a value"

_WHOLE, _NUMBER, _LIST = "a whole number", "a number", "a list, as in [1,2]"
# What a value must be, by pydantic's type of the error.
_MUST_BE = {
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "list_type": _LIST,
    "tuple_type": _LIST,
    "dict_type": "a table: {a: 1}",
    "missing": "a longer list",
    "too_short": "a longer list",
    "too_long": "a shorter list",
}
_BOUNDS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


class SpecError(ConfigError):
    """Values that a spec refuses.

    Args:
        problems: What is wrong, each beginning with the name of the option.
    """

    def __init__(self, *problems: str):
        self.problems = sorted(set(problems))
        super().__init__("; ".join(self.problems))


class Spec(BaseModel):
    """A checked set of hyperparameters, each a field with a type and a default.

    A field's type may bound it: ``width: Annotated[int, Field(ge=1)] = 8``.

    Attributes:
        group: The group of the configuration that the class belongs to.

    Raises:
        ConfigError: On creation, naming every unknown, missing, ill-typed or
            out-of-range value.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        coerce_numbers_to_str=True,
        validate_default=True,
    )
    group: ClassVar[str] = ""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            found = error.errors(include_url=False)
            raise SpecError(*(self._problem(one, values) for one in found)) from None
        if problems := self.problems():
            raise SpecError(*problems)

    def problems(self) -> list[str]:
        """Returns the problems of values that are right one by one, but not together.

        Each begins with the name of an option.
        """
        return []

    def settings(self) -> dict[str, Any]:
        """Returns all hyperparameters by name, as JSON and YAML hold them.

        Where a value is a spec itself, its own and its class, as `TARGET`.
        """
        names = type(self).model_fields
        return {n: _plain(getattr(self, n), Spec.settings) for n in names}

    def identity(self) -> dict[str, Any]:
        """Returns the hyperparameters that change a result; see `NO_EFFECT`."""
        return {
            name: _plain(getattr(self, name), Spec.identity)
            for name, field in type(self).model_fields.items()
            if NO_EFFECT not in field.metadata
        }

    @classmethod
    def target(cls) -> str:
        """Returns the class's name in a configuration: ``cfexp.models.Ncf``."""
        package = cls.__module__
        if package.startswith("cfexp."):  # a package's public names outlive its files
            package = ".".join(package.split(".")[:2])
        return f"{package}.{cls.__qualname__}"

    def replace(self, **changes: Any) -> Self:
        """Returns a copy with other values of some fields, checked as a new one.

        Raises:
            ConfigError: A value is wrong.
        """
        own = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**{**own, **changes})

    @classmethod
    def label(cls) -> str:
        """Returns what a user calls this choice of the group."""
        return f"this {cls.group}" if cls.group else "this"

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_silent_change(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuses what pydantic takes: true as a number, and 1.0 as a whole one."""
        parts = list(_parts(cls.model_fields[str(info.field_name)]))
        kinds = [kind for kind in (bool, int, float) if kind in parts]
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, bool):
                taken = bool in kinds or not kinds
            else:
                taken = not isinstance(one, float) or float in kinds or int not in kinds
            if not taken:
                kind = "float_type" if float in kinds else "int_type"
                raise PydanticCustomError(kind, "refused", {"got": one})
        return value

    @classmethod
    def _problem(cls, error: ErrorDetails, values: Mapping[str, Any]) -> str:
        """Returns what pydantic says, in users' words."""
        name, *inner = map(str, error["loc"])
        kind, got = error["type"], error.get("ctx", {}).get("got", error["input"])
        if kind == "extra_forbidden":
            near = did_you_mean(name, cls.model_fields)
            return f"{name} is no option of {cls.label()}{near}"
        if kind == "missing" and not inner:
            return f"{name} {NOT_SET}"
        bounds = _bounds(cls.model_fields[name])
        if isinstance(values.get(name), Mapping):
            name = ".".join([name, *inner])
        if got is None:
            return f"{name} must not be null: give a value"
        if kind in _MUST_BE:
            wanted = _MUST_BE[kind]
        elif kind == "literal_error":
            expected = str(error["ctx"]["expected"])
            wanted = f"one of {expected.replace(chr(39), '').replace(' or ', ', ')}"
        elif kind.startswith(("greater_than", "less_than")):
            wanted = bounds
        else:
            return f"{name} is refused: {error['msg']}. Got: {got!r}"
        return f"{name} must be {wanted}. Got: {got!r}"


def _plain(value: Any, of: Callable[[Spec], dict[str, Any]]) -> Any:
    """Returns a value as JSON and YAML hold it."""
    if isinstance(value, Spec):
        return {TARGET: value.target(), **of(value)}
    if isinstance(value, Mapping):
        return {name: _plain(one, of) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, of) for one in value]
    return value.value if isinstance(value, Enum) else value


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested hyperparameters as ``model.embed_dim`` and so on, no classes."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        elif name != TARGET:
            found[f"{prefix}{name}"] = value
    return found


def digest(*parts: str) -> str:
    """Returns 16 hex digits of texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _parts(hint: Any) -> Iterator[Any]:
    """Yields the types and limits that a field's annotation is made of."""
    yield hint
    own = isinstance(hint, FieldInfo)
    for part in [hint.annotation, *hint.metadata] if own else get_args(hint):
        yield from _parts(part)


def _bounds(field: FieldInfo) -> str:
    """Returns a field's bounds, as in ``>= 0 and < 1``."""
    parts = list(_parts(field))
    found = {
        sign: bound
        for name, sign in _BOUNDS.items()
        for part in parts
        if (bound := getattr(part, name, None)) is not None
    }
    return " and ".join(f"{sign} {bound:,}" for sign, bound in found.items())
