"""cfexp: config-driven experiments for neural collaborative filtering."""

__version__ = "0.1.0"
