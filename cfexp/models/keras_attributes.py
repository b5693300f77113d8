"""What Keras looks at again for each layer that it saves or loads."""

from keras.src.backend.common import global_state
from keras.src.saving import saving_lib

KINDS = ("Layer", "Operation", "Functional", "Sequential")


def remember_attributes() -> None:
    """Lets Keras remember which attributes of its layers hold no others.

    Keras 3 keeps them under one name and looks for them under another, so that it makes
    a new layer for each one that it saves or loads: a third of the time that saving
    takes. Without the first function, there is nothing to do.
    """
    attributes = getattr(saving_lib, "get_attr_skipset", None)
    if attributes is None:
        return
    for kind in KINDS:
        name = f"saving_attr_skiplist_{kind}"
        if global_state.get_global_attribute(name) is None:
            global_state.set_global_attribute(name, attributes(kind))
