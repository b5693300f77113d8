"""Base of the small frozen dataclasses that configs are turned into.

A spec holds the hyper-parameters of one dataset, split, model, optimizer or
training loop. Creating one is cheap and imports no heavy library, so that every
value is checked before TensorFlow is loaded.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from cfexp.errors import ConfigError


def number(
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> Any:
    """Declares a numeric field with bounds: ``>= ge``, ``> gt``, ``<= le``, ``< lt``.

    Bounds apply to each element where the field holds a list, and not at all where
    it holds None.
    """
    bounds = {">=": ge, ">": gt, "<=": le, "<": lt}
    return dataclasses.field(
        metadata={"bounds": {k: v for k, v in bounds.items() if v is not None}}
    )


def choice(*options: str) -> Any:
    """Declares a text field that takes one of `options`."""
    return dataclasses.field(metadata={"options": options})


_HOLDS = {
    ">=": lambda value, bound: value >= bound,
    ">": lambda value, bound: value > bound,
    "<=": lambda value, bound: value <= bound,
    "<": lambda value, bound: value < bound,
}


def field_problems(name: str, value: Any, metadata: Any) -> list[str]:
    """Returns what is wrong with one field's value, one line for each problem."""
    problems = []
    options = metadata.get("options")
    if options and value not in options:
        problems.append(f"{name} must be one of {', '.join(options)}. Got: {value!r}")
    bounds = metadata.get("bounds", {})
    values = value if isinstance(value, list | tuple) else [value]
    for element in values:
        if isinstance(element, float) and not math.isfinite(element):
            problems.append(f"{name} must be a finite number. Got: {element!r}")
        elif element is not None and not all(
            _HOLDS[sign](element, bound) for sign, bound in bounds.items()
        ):
            wanted = " and ".join(f"{sign} {bound:,}" for sign, bound in bounds.items())
            problems.append(f"{name} must be {wanted}. Got: {element!r}")
    return problems


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked set of hyper-parameters.

    Raises:
        ConfigError: On creation, naming every field outside its bounds.
    """

    def __post_init__(self) -> None:
        problems = self.problems()
        if problems:
            raise ConfigError("; ".join(problems))

    def problems(self) -> list[str]:
        """Returns every problem of this spec; subclasses add cross-field rules."""
        return [
            problem
            for field in dataclasses.fields(self)
            for problem in field_problems(
                field.name, getattr(self, field.name), field.metadata
            )
        ]
