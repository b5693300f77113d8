"""Keras layers of the model families; importing it registers all of them."""

from cfexp.models.layers import dropout, genres, head, inputs, kernels, rated

__all__ = ["dropout", "genres", "head", "inputs", "kernels", "rated"]
