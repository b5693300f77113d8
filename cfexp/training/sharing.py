"""One compiled program for the fits of several folds and seeds."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from cfexp.training.engines import Program

# What a model holds in weights, so that it may differ between fits of one program.
IN_WEIGHTS = ("mean_rating", "seed", "rows")
# Layers that their configuration and weights say all of.
PLAIN_LAYERS = ("keras.", "cfexp.models.blocks")

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


def known_programs(
    model: "keras.Model", optimizer: "keras.optimizers.Optimizer", batch_size: int
) -> "tuple[dict[str, Program], str] | None":
    """Returns where a program may be kept and its key; None where none is shared."""
    if _programs is None:
        return None
    for layer in model.layers:
        if not type(layer).__module__.startswith(PLAIN_LAYERS):
            return None
    parts: Any = [
        _without_weights(model.get_config()),
        optimizer.get_config(),
        type(optimizer).__name__,
        batch_size,
    ]
    return _programs, json.dumps(parts, sort_keys=True, default=str)


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
