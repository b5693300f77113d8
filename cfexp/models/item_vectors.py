"""The embeddings that a network has of movies."""

import re

import keras

from cfexp.data.encoding import Encoded, FloatArray
from cfexp.models.forward import tensor_values

# Layers of `Inputs.embed`: the id's embedding, and its sum with those of features.
LAYER = re.compile(r"item_(and_features_)?(?P<name>\w+)")
KINDS = (keras.layers.Embedding, keras.layers.Add)
BIAS = "bias"


def item_vectors(network: keras.Model, items: Encoded) -> FloatArray | None:
    """Returns the embeddings of movies, those of all towers side by side.

    Args:
        network: The network.
        items: A row for each movie; its user does not count.

    Returns:
        Shape ``(n, widths together)``; None if the network has no such embeddings.
    """
    names = {layer.name for layer in network.layers}
    found = {}
    for layer in network.layers:
        match = LAYER.fullmatch(layer.name)
        if not match or not isinstance(layer, KINDS) or match["name"] == BIAS:
            continue
        if match[1] or f"item_features_{match['name']}" not in names:
            found[match["name"]] = layer.output
    if not found:
        return None
    return tensor_values(network, list(found.values()), items)
