"""Base class of the checked hyperparameters of datasets, splits, models and so on.

Creating an object is cheap and imports no heavy library, so that every value is checked
before TensorFlow is loaded.
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
    """How a field relates to the result; used in the field's annotation."""

    NO_EFFECT = "does not change it"
    REPEATS = "repeats it, as a fold or a seed does"


# For example ``checkpoint_dir: Annotated[str, NO_EFFECT] = "checkpoints"``.
NO_EFFECT = Mark.NO_EFFECT
REPEATS = Mark.REPEATS
# Key of the class name, in configurations and in nested `Spec.settings`.
TARGET = "_target_"
NOT_SET = "is not set: give it a value"

_WHOLE, _NUMBER, _LIST = "a whole number", "a number", "a list, as in [1,2]"
# The kind of value that is needed, by pydantic's error type.
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
    """Hyperparameters are wrong.

    Args:
        problems: The problems, each beginning with the name of the option.
    """

    def __init__(self, *problems: str):
        self.problems = sorted(set(problems))
        super().__init__("; ".join(self.problems))


class Spec(BaseModel):
    """A checked, frozen set of hyperparameters, each a field with type and default.

    A field's annotation may have bounds: ``width: Annotated[int, Field(ge=1)] = 8``.

    Attributes:
        group: The group of the configuration that the class belongs to.

    Raises:
        SpecError: On creation: values are unknown, missing, ill-typed or out of range;
            the message lists all of them.
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
        """Returns problems that no single field can check, such as wrong combinations.

        Each begins with the name of an option.
        """
        return []

    def settings(self) -> dict[str, Any]:
        """Returns all hyperparameters by name, as plain values for JSON and YAML.

        A nested object becomes a mapping of its own hyperparameters and `TARGET`.
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
        """Returns a copy with changed fields, checked again.

        Raises:
            SpecError: A value is wrong.
        """
        own = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**{**own, **changes})

    @classmethod
    def label(cls) -> str:
        """Returns the name of this choice in messages, such as ``model=ncf``."""
        return f"this {cls.group}" if cls.group else "this"

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_silent_change(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuses values that pydantic would convert: true to 1, 1.0 to 1."""
        parts = list(_parts(cls.model_fields[str(info.field_name)]))
        kinds = [kind for kind in (bool, int, float) if kind in parts]
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, bool):
                fits = bool in kinds or not kinds
            else:
                fits = not isinstance(one, float) or float in kinds or int not in kinds
            if not fits:
                kind = "float_type" if float in kinds else "int_type"
                raise PydanticCustomError(kind, "refused", {"got": one})
        return value

    @classmethod
    def _problem(cls, error: ErrorDetails, values: Mapping[str, Any]) -> str:
        """Returns one of pydantic's errors as a message for users."""
        name, *inner = map(str, error["loc"])
        kind, got = error["type"], error.get("ctx", {}).get("got", error["input"])
        if kind == "extra_forbidden":
            near = did_you_mean(name, cls.model_fields)
            return f"{name} is not an option of {cls.label()}{near}"
        if kind == "missing" and not inner:
            return f"{name} {NOT_SET}"
        bounds = _bounds(cls.model_fields[name])
        value = values.get(name)
        for key in inner:  # others than keys are kinds of value, of which one must fit
            if isinstance(value, Mapping) and key in value:
                name, value = f"{name}.{key}", value[key]
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
    """Returns a value as a plain one for JSON and YAML."""
    if isinstance(value, Spec):
        return {TARGET: value.target(), **of(value)}
    if isinstance(value, Mapping):
        return {name: _plain(one, of) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, of) for one in value]
    return value.value if isinstance(value, Enum) else value


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested hyperparameters as ``model.embed_dim``, without class names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        elif name != TARGET:
            found[f"{prefix}{name}"] = value
    return found


def digest(*parts: str) -> str:
    """Returns a hash of texts, as 16 hex digits."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _parts(hint: Any) -> Iterator[Any]:
    """Yields the types and bounds in a field's annotation."""
    yield hint
    own = isinstance(hint, FieldInfo)
    for part in [hint.annotation, *hint.metadata] if own else get_args(hint):
        yield from _parts(part)


def _bounds(field: FieldInfo) -> str:
    """Returns a field's bounds, such as ``>= 0 and < 1``."""
    parts = list(_parts(field))
    found = {
        sign: bound
        for name, sign in _BOUNDS.items()
        for part in parts
        if (bound := getattr(part, name, None)) is not None
    }
    return " and ".join(f"{sign} {bound:,}" for sign, bound in found.items())
