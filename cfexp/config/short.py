"""Which models the short forms of options have an effect for, see `schema.SHORT`."""

from collections.abc import Iterable

from cfexp.config.schema import SHORT
from cfexp.spec import Spec


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


def without_effect(overrides: Iterable[str], model: type[Spec]) -> list[str]:
    """Returns the overrides that are short forms without an effect for a model."""
    absent = tuple(f"{name}=" for name in SHORT if not has(model, name))
    return [one for one in overrides if one.startswith(absent)]
