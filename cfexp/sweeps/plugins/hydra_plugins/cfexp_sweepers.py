"""Makes cfexp's sweepers known to Hydra, which looks for them in this package only."""

from cfexp.sweeps import grid, search


class Grid(grid.Grid):
    """Runs every combination of the values that options list."""


class Search(search.Search):
    """Tries values that Optuna proposes."""
