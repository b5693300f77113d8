"""What a comparison found, in words."""

import math

import numpy as np
import pandas as pd
import pytest

from cfexp.comparison.verdict import columns_explained, sentences, verdict
from cfexp.evaluation.significance import p_text

Row = tuple[str, float, float, float, float]


def table(*rows: Row) -> pd.DataFrame:
    """Returns a comparison; the first row is the reference."""
    found = pd.DataFrame(
        [("ref", 0.0, 0.0, 0.0, np.nan), *rows],
        columns=["system", "difference", "low", "high", "p"],
    )
    found.insert(1, "runs", 1)
    found.insert(2, "rmse", 0.9 + found["difference"])
    return found


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
def test_verdict(rows: list[Row], said: str) -> None:
    assert verdict(table(*rows)) == said


def test_what_is_better_can_be_said() -> None:
    """A metric of one's own may be better where it is higher."""
    found = table(("a", 0.1, 0.05, 0.15, 0.001)).rename(columns={"rmse": "within"})
    assert "a is better than ref by 0.1000 within" in sentences(found, maximise=True)[0]
    assert "a is worse than ref by 0.1000 within" in sentences(found, maximise=False)[0]
    assert verdict(found, maximise=True).endswith("better: a")
    explained = dict(columns_explained("ref", "within", maximise=True))
    assert "above 0 is better" in explained["difference"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            ("deep", -0.006, -0.0089, -0.0031, 0.0001),
            "deep is better than ref by 0.0060 RMSE, 95 % interval 0.0031 to 0.0089,"
            " p < 0.001; not by chance",
        ),
        (
            ("bias", 0.02, 0.0142, 0.0258, 0.012),
            "bias is worse than ref by 0.0200 RMSE, 95 % interval 0.0142 to 0.0258,"
            " p = 0.012; not by chance",
        ),
        (
            ("ncf", 0.0009, -0.0032, 0.005, 0.662),
            "ncf cannot be told from ref: difference +0.0009 RMSE, 95 % interval"
            " -0.0032 to +0.0050, p = 0.662; it may be chance",
        ),
        (
            ("fm", 0.0041, 0.0002, 0.0081, 0.131),
            "fm cannot be told from ref: difference +0.0041 RMSE, 95 % interval"
            " +0.0002 to +0.0081, p = 0.131; the interval leaves out 0, but among 1"
            " comparisons that may be chance",
        ),
        (
            ("one", 0.1, -math.inf, math.inf, 1.0),
            "one cannot be told from ref: there are too few users for an interval",
        ),
    ],
)
def test_sentences(row: Row, said: str) -> None:
    assert sentences(table(row)) == [said]


def test_p_values() -> None:
    texts = [p_text(p) for p in (1.0, 0.63, 1e-9, np.nan)]
    assert texts == ["1.000", "0.630", "< 0.001", ""]
