"""One compiled program for the fits of several folds and seeds."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from cfexp.training.program import Program

# What a model holds in weights, so that it may differ between fits of one program.
IN_WEIGHTS = ("mean_rating", "seed", "rows")

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
    if _programs is None or not all(_is_plain(type(x)) for x in model.layers):
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


def _is_plain(layer: type) -> bool:
    """Returns whether a layer's configuration and weights say all of it.

    Keras' own do; others say so themselves, which their subclasses do not inherit.
    """
    own = layer.__module__.startswith("keras.")
    return bool(vars(layer).get("shares_programs", own))


def _without_weights(config: Any) -> Any:
    if isinstance(config, dict):
        return {
            key: _without_weights(value)
            for key, value in config.items()
            if key not in IN_WEIGHTS
        }
    if isinstance(config, list | tuple):
        return [_without_weights(value) for value in config]
    return config
