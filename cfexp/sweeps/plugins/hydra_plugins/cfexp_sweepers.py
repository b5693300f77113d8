"""Makes cfexp's plugins known to Hydra, which looks for them in this package only."""

from cfexp.sweeps import grid, search, workers


class Grid(grid.Grid):
    """Runs every combination of the values that options list."""


class Search(search.Search):
    """Tries values that Optuna proposes."""


class Workers(workers.Workers):
    """Runs jobs in several processes of this machine."""
