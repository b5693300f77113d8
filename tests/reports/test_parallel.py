"""Axes of parallel coordinates."""

import numpy as np
import pandas as pd
import pytest

from cfexp.reports.parallel import MISSING, axis


@pytest.mark.parametrize(
    ("values", "heights", "ticks"),
    [
        ([1, 2, 5], [0, 0.25, 1], ["1", "2", "5"]),
        # A factor of 100: on a logarithmic scale.
        (["0.001", "0.01", "0.1"], [0, 0.5, 1], ["0.001", "0.01", "0.1"]),
        (["relu", "gelu"], [1, 0], ["gelu", "relu"]),
        # What a model does not have.
        (["8", None, "16"], [0, MISSING, 1], ["none", "8", "16"]),
        (["a", "None", np.nan], [0, MISSING, MISSING], ["none", "a"]),
        ([3, 3], [0, 0], ["3"]),
        # Too close to name each.
        ([0, 0.01, 100], [0, 0.0001, 1], ["0", "25", "50", "75", "100"]),
    ],
)
def test_axis(values: list[object], heights: list[float], ticks: list[str]) -> None:
    found = axis(pd.Series(values, dtype=object))
    np.testing.assert_allclose(found.heights, heights, atol=1e-12)
    assert [text for _, text in found.ticks] == ticks
    assert all(MISSING <= y <= 1 for y, _ in found.ticks)
