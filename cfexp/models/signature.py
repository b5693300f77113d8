"""What networks have in common that can use one traced or compiled program.

A program is traced once for an architecture; what differs between the networks that
use it are weights, and numbers that it reads:

- A layer's class declares ``in_weights``, the names of the values of its ``get_config``
  that it stores as weights. For most layers there are none: ``in_weights = ()``.
- It may declare ``numbers``, the names of attributes of the same name in ``get_config``
  that its ``call`` only computes with, so that they may be tensors, such as a penalty
  or a dropout rate. A number that is 0 is part of the architecture.

Everything else that changes the output must be in ``get_config``. Neither declaration
is inherited. Layers without ``in_weights`` share nothing, Keras' own ones excepted.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import keras

# Numbers of Keras' own classes, by the class's name. Adam's beta_2 is none: 1 - beta_2
# would lose half of its digits in 32 bits.
DECAY = ("initial_learning_rate", "decay_steps")
NUMBERS = {
    "L1": ("l1",),
    "L2": ("l2",),
    "L1L2": ("l1", "l2"),
    "CosineDecay": (*DECAY, "alpha"),
    "ExponentialDecay": (*DECAY, "decay_rate"),
    "AdamW": ("weight_decay",),
}


# The configuration, and the classes and functions that it names.
Signature = tuple[str, frozenset[Any]]

# A class and its configuration, and how many numbers are left out of it.
Described = tuple[list[Any], int]

# Parts of layers and optimizers that have numbers of their own.
INNER = (
    keras.regularizers.Regularizer,
    keras.optimizers.schedules.LearningRateSchedule,
)


@dataclass(frozen=True)
class Number:
    """A number that a program reads.

    Attributes:
        owner: The layer, regularizer, schedule or optimizer that has it.
        name: Its attribute.
    """

    owner: Any
    name: str

    @property
    def value(self) -> Any:
        """Its value."""
        return getattr(self.owner, self.name)


def numbers_of(*parts: Any) -> list[Number]:
    """Returns the numbers of networks and optimizers, in a fixed order.

    Args:
        parts: Keras models, optimizers and anything else that may declare numbers.
    """
    found = []
    for part in parts:
        is_model = isinstance(part, keras.Model)
        for each in part._flatten_layers() if is_model else [part]:
            inner = [v for _, v in sorted(vars(each).items()) if isinstance(v, INNER)]
            for owner in (each, *inner):
                names = _numbers(type(owner))
                found += [Number(owner, n) for n in names if getattr(owner, n)]
    return found


@contextmanager
def replaced(numbers: Sequence[Number], values: Sequence[Any]) -> Iterator[None]:
    """Replaces the values of numbers in the block, for example by tensors."""
    before = [number.value for number in numbers]
    try:
        for number, value in zip(numbers, values, strict=True):
            setattr(number.owner, number.name, value)
        yield
    finally:
        for number, value in zip(numbers, before, strict=True):
            setattr(number.owner, number.name, value)


def signature(model: keras.Model, *others: Any) -> Signature | None:
    """Returns what is equal for networks that can share a program.

    Args:
        model: The network.
        others: Objects with a ``get_config``, such as its optimizer.

    Returns:
        None if it cannot share any.
    """
    if not can_share(model):
        return None
    found = [_described_once(model), *map(_described, others)]
    parts = [part for part, _ in found]
    if sum(n for _, n in found) != len(numbers_of(model, *others)):
        return None  # a number lies where `numbers_of` does not look
    text = json.dumps(parts, sort_keys=True, default=str)
    # A notebook may define a class or function of the same name again.
    return text, frozenset(named_parts(parts))


def _described(part: Any) -> Described:
    """Returns what is equal in networks or optimizers; counts the numbers left out."""
    left_out: list[str] = []
    shared = _shared(_config(part, left_out), left_out)
    return [type(part).__name__, shared], len(left_out)


# Keras collects a network's configuration slowly, and it is asked for several times.
_networks: WeakKeyDictionary[keras.Model, Described] = WeakKeyDictionary()


def _described_once(model: keras.Model) -> Described:
    if model not in _networks:
        _networks[model] = _described(model)
    return _networks[model]


def named_parts(config: Any) -> list[Any]:
    """Returns what a configuration names besides Keras' own, None where unregistered.

    Args:
        config: In Keras' form: ``module``, ``class_name``, ``registered_name``.
    """
    if isinstance(config, list | tuple):
        return [part for value in config for part in named_parts(value)]
    if not isinstance(config, dict):
        return []
    found = named_parts(list(config.values()))
    name, module = config.get("registered_name"), str(config.get("module"))
    if config.get("class_name") == "function":
        name = None if module in ("builtins", "keras") else config["config"]
    return [*found, keras.saving.get_registered_object(name)] if name else found


def can_share(model: keras.Model) -> bool:
    """Returns whether all layers of a model, nested ones too, allow sharing."""
    kinds = {type(layer) for layer in model._flatten_layers()}
    return all(_is_keras(kind) or "in_weights" in vars(kind) for kind in kinds)


def _is_keras(kind: type) -> bool:
    return kind.__module__.startswith("keras.")


def _numbers(kind: type) -> tuple[str, ...]:
    own: tuple[str, ...] = vars(kind).get("numbers", ())
    bases = (base.__name__ for base in kind.__mro__ if _is_keras(base))
    return own or next((NUMBERS[name] for name in bases if name in NUMBERS), ())


def _config(part: Any, left_out: list[str]) -> dict[str, Any]:
    """Returns the configuration of a network or optimizer, without its own numbers."""
    config = part.get_config()
    if isinstance(part, keras.optimizers.Optimizer):
        del config["name"]  # counted through a process
        if not isinstance(config["learning_rate"], dict):
            del config["learning_rate"]  # a variable
    numbers = [name for name in _numbers(type(part)) if config.get(name)]
    left_out += numbers
    return {name: value for name, value in config.items() if name not in numbers}


def _shared(config: Any, left_out: list[str]) -> Any:
    """Returns a configuration without weights and numbers; adds the latter's names."""
    if isinstance(config, list | tuple):
        return [_shared(value, left_out) for value in config]
    if not isinstance(config, Mapping):
        return config
    found = {name: _shared(value, left_out) for name, value in config.items()}
    own = found.get("config")
    if isinstance(own, dict) and "class_name" in found:
        kind = _class(found)
        weights = getattr(kind, "in_weights", ("seed",))
        numbers = [n for n in _numbers(kind) if own.get(n)] if kind else []
        left_out += numbers
        own = {k: v for k, v in own.items() if k not in (*weights, *numbers)}
        found = {**found, "config": own}
    return found


def _class(config: Mapping[str, Any]) -> Any:
    """Returns the class that a configuration in Keras' form names; None if unknown."""
    name = config.get("registered_name") or config["class_name"]
    found = keras.saving.get_registered_object(name)
    for module in (keras.regularizers, keras.optimizers, keras.optimizers.schedules):
        found = found or getattr(module, config["class_name"], None)
    return found
