"""Datasets, their splits, and their encoding: from files to rows of numbers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
