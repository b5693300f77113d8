"""Shares one compiled program between the fits of several folds and seeds.

Equal models share a program if each of their layers is a Keras layer or declares
``in_weights``: the names of the values in its ``get_config`` that it stores as weights,
so that fits of one program may differ in them. For most layers there are none:
``in_weights: ClassVar[tuple[str, ...]] = ()``. Everything else that changes the layer's
output must be in ``get_config``. Subclasses do not inherit the declaration.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from cfexp.training.program import Program

_programs: "dict[str, Program] | None" = None


@contextmanager
def shared_programs() -> Iterator[None]:
    """Lets consecutive fits of equal models share a compiled program.

    A fit overwrites the variables of the one before it: save that model first, and do
    not use it afterwards.
    """
    global _programs
    before, _programs = _programs, {}
    try:
        yield
    finally:
        _programs = before


def program_for(
    model: "keras.Model",
    optimizer: "keras.optimizers.Optimizer",
    batch_size: int,
    make: "Callable[[], Program]",
) -> "Program":
    """Returns the program of an equal model if programs are shared, else a new one.

    Args:
        model: The model.
        optimizer: Its optimizer.
        batch_size: Rows in a batch.
        make: Creates a new program.
    """
    if _programs is None or not can_share(model):
        return make()
    parts: Any = [
        _without_weights(model.get_config()),
        optimizer.get_config(),
        type(optimizer).__name__,
        batch_size,
    ]
    key = json.dumps(parts, sort_keys=True, default=str)
    if key not in _programs:
        _programs[key] = make()
    return _programs[key]


def can_share(model: "keras.Model") -> bool:
    """Returns whether all layers of a model, nested ones too, allow sharing."""
    kinds = {type(layer) for layer in model._flatten_layers()}
    return all(
        kind.__module__.startswith("keras.") or "in_weights" in vars(kind)
        for kind in kinds
    )


def _without_weights(config: Any) -> Any:
    """Returns a model's configuration without the values that are stored as weights."""
    if isinstance(config, list | tuple):
        return [_without_weights(value) for value in config]
    if not isinstance(config, dict):
        return config
    found = {name: _without_weights(value) for name, value in config.items()}
    if isinstance(found.get("config"), dict):
        held = _in_weights(found)
        own = {k: v for k, v in found["config"].items() if k not in held}
        found = {**found, "config": own}
    return found


def _in_weights(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the names of the values that an object of Keras stores as weights."""
    import keras

    name = config.get("registered_name")
    if name is None:  # Keras' own layers store their seeds as weights
        return ("seed",)
    return getattr(keras.saving.get_registered_object(name), "in_weights", ())
