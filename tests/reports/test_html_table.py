"""Tables of HTML pages."""

import numpy as np
import pandas as pd
from pages import tables_of

from cfexp.reports.html_table import sortable


def test_numbers_are_shown_rounded_and_kept_whole() -> None:
    """Counts are whole, errors have four places, p-values are read at a glance."""
    frame = pd.DataFrame(
        {
            "system": ["a", "b"],
            "rmse": [0.91234567, np.nan],
            "best_epoch": [7.0, np.nan],
            "n": [110382.0, 3.0],
            "p": [1e-9, 1.0],
        }
    )
    page = sortable(frame, name="system", id="x")
    for text in (">0.9123<", ">7<", ">110,382<", "&lt; 0.001<", ">1.000<", "></td>"):
        assert text in page
    (found,) = tables_of(page)
    pd.testing.assert_frame_equal(found, frame, check_dtype=False)
    assert 'data-name="b"' in page


def test_texts_are_no_markup() -> None:
    name = '<img src=x onerror="alert(1)">'
    page = sortable(pd.DataFrame({name: [name]}), name=name)
    assert "<img" not in page
    assert '"alert' not in page
