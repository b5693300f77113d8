"""Which option of a sweep mattered."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from cfexp.evaluation.importance import importance


def test_main_effects_of_a_grid() -> None:
    """Sums of squares by hand: 4 (a/2)^2 = a^2 for two values of four jobs."""
    options = pd.DataFrame(product("xy", "12"), columns=["wide", "narrow"])
    results = pd.Series([0.9, 0.92, 1.0, 1.02])
    found = importance(options, results)
    assert found.index.tolist() == ["wide", "narrow"]
    wide, narrow = 0.1**2, 0.02**2
    assert found.tolist() == pytest.approx(
        [wide / (wide + narrow), narrow / (wide + narrow)]
    )


def test_what_cannot_be_told_is_left_out() -> None:
    """Values that never repeat, too few jobs, equal results; a failed job aside."""
    options = pd.DataFrame({"lr": [1, 2, 3, 4, 5], "layers": [1, 1, 2, 2, None]})
    results = pd.Series([1.0, 1, 2, 2, np.nan])
    assert importance(options, results).to_dict() == {"layers": 1.0}
    assert importance(options[:3], results[:3]).empty
    assert importance(options, results * 0).empty
