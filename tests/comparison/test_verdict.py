"""What a comparison found, in words."""

import numpy as np
import pandas as pd
import pytest

from cfexp.comparison.page import _html
from cfexp.comparison.verdict import p_text, verdict


def table(*rows: tuple[str, float, float, float, float]) -> pd.DataFrame:
    """Returns a comparison; the first row is the reference."""
    names = ["system", "difference", "low", "high", "p"]
    return pd.DataFrame([("ref", 0.0, 0.0, 0.0, np.nan), *rows], columns=names)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("a", 0.1, -0.1, 0.3, 0.9)], "none differs significantly from ref"),
        # The interval alone is not corrected for the number of systems.
        ([("a", 0.1, 0.01, 0.3, 0.06)], "none differs significantly from ref"),
        (
            [("a", -0.1, -0.2, -0.01, 0.01), ("b", 0.2, 0.1, 0.3, 0.001)],
            "significantly different from ref: better: a; worse: b",
        ),
    ],
)
def test_verdict(rows: list[tuple[str, float, float, float, float]], said: str) -> None:
    assert verdict(table(*rows)) == said


def test_numbers_of_the_report() -> None:
    """Counts are whole, errors have four places, p-values are read at a glance."""
    frame = pd.DataFrame({"rmse": [0.91234567], "best_epoch": [7.0], "n": [110382.0]})
    page = _html(frame)
    for text in (">0.9123<", ">7<", ">110,382<"):
        assert text in page
    assert [p_text(p) for p in (1.0, 0.63, 1e-9, np.nan)] == [
        "1.000",
        "0.630",
        "< 0.001",
        "",
    ]
