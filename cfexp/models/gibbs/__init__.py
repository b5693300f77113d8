"""A Gibbs sampler of factorisation models, in TensorFlow."""
