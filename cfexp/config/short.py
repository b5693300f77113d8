"""Which models the short forms of options have an effect for, see `schema.SHORT`."""

import logging
from collections.abc import Iterable

from cfexp.config.schema import SHORT
from cfexp.spec import Spec

log = logging.getLogger(__name__)


def has(model: type[Spec], name: str) -> bool:
    """Returns whether the option of a short form has an effect for a model.

    Args:
        model: The class of the model.
        name: The short form.
    """
    if name == "members":
        from cfexp.models.base import NeuralModel  # which imports pandas

        return issubclass(model, NeuralModel)
    return name in model.model_fields


def with_effect(overrides: Iterable[str], model: type[Spec]) -> tuple[str, ...]:
    """Returns overrides without short forms that have none for a model; logs those."""
    absent = tuple(f"{name}=" for name in SHORT if not has(model, name))
    found = []
    for one in overrides:
        if one.startswith(absent):
            log.info("%s is left out: %s has none", one, model.label())
        else:
            found.append(one)
    return tuple(found)
