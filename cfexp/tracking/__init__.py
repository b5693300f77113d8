"""Tracking of runs in MLflow, and the files in a run's folder."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
