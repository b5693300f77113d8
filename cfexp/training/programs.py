"""Keeps compiled programs for further models of the same architecture.

Jobs of a sweep, folds, seeds and a refit train with one program each time that their
networks have one signature, see `cfexp.models.signature`.
"""

import keras

from cfexp.models.forward import size_of
from cfexp.models.signature import signature
from cfexp.runtime.memo import Memo
from cfexp.training.program import Batch, Program
from cfexp.training.updates import Optimizers

# Programs keep variables of their own; larger models than this share none.
MAX_PROGRAMS, MAX_BYTES = 8, 200_000_000


def kept(n: int = MAX_PROGRAMS) -> Memo:
    """Returns what keeps at most `n` programs and `MAX_BYTES`."""
    return Memo(keep=n, max_bytes=MAX_BYTES, size=lambda program: program.size)


_programs = kept()


def program_for(
    model: keras.Model, optimizers: Optimizers, batch: Batch, *, xla: bool = True
) -> Program:
    """Returns a program that trains models like this one.

    Args:
        model: The model.
        optimizers: Its optimizers, built.
        batch: The size of a batch.
        xla: See `Program`.

    Returns:
        A program with variables of its own, or for this model alone, with the model's.
    """
    size = size_of([*model.variables, *optimizers.variables])
    found = signature(model, *optimizers) if size <= MAX_BYTES else None
    if found is None:
        return Program(model, optimizers, batch, xla=xla)

    def make() -> Program:
        own = type(model).from_config(model.get_config())
        return Program(own, optimizers.copied(own), batch, xla=xla)

    return _programs((found, batch, xla), make)


def forget() -> None:
    """Forgets all programs, so that the next ones are compiled."""
    _programs.clear()
