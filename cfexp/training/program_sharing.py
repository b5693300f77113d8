"""One compiled program for the fits of several folds and seeds.

Networks share a program where each of their layers is Keras' own, or declares
``in_weights``: the names of those values of its ``get_config`` that it holds in weights
while it is used, so that fits of one program may differ in them. Often there is none:
``in_weights: ClassVar[tuple[str, ...]] = ()``. Nothing else may change what it does.
A subclass declares it again, since it may hold more.
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
    """Lets fits of equal models, one after the other, share a compiled program.

    A fit takes over the variables of the one before it, whose model must not be used
    any more by then: save it first.
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
    """Returns the program of an equal model, where it is shared, else a new one."""
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
    """Returns whether a network's layers, inner ones too, say all that they hold."""
    kinds = {type(layer) for layer in model._flatten_layers()}
    return all(
        kind.__module__.startswith("keras.") or "in_weights" in vars(kind)
        for kind in kinds
    )


def _without_weights(config: Any) -> Any:
    """Returns the configuration of a network without what it holds in weights."""
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
    """Returns what an object holds in weights, by its configuration in Keras' form."""
    import keras

    name = config.get("registered_name")
    if name is None:  # of Keras, whose layers hold their seeds in weights
        return ("seed",)
    return getattr(keras.saving.get_registered_object(name), "in_weights", ())
