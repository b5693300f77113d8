"""The leaderboard of a sweep."""

import numpy as np
import pandas as pd
import pytest

from cfexp.runs.leaderboard import means_over_repeats


def test_means_over_repeats() -> None:
    board = pd.DataFrame(
        {
            "job": ["model=a seed=0", "model=a seed=1", "model=b seed=0", "model=a x"],
            "status": ["finished", "finished", "finished", "failed"],
            "val_rmse": [1.0, 2.0, 5.0, np.nan],
            "test_rmse": [2.0, 4.0, 5.0, np.nan],
            "test_mae": [1.0, 1.0, 5.0, np.nan],
        }
    )
    means = means_over_repeats(board)
    assert means["jobs"].tolist() == ["model=a"]
    assert means["n"].tolist() == [2]
    assert means["mean test_rmse"].tolist() == [3.0]
    assert means["std test_rmse"].tolist() == [pytest.approx(np.sqrt(2))]
