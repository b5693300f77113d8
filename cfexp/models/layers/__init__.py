"""Keras layers of the model families; importing it registers all of them."""
