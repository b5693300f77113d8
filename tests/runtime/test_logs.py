"""Messages and logs hold no password."""

import logging
import sys

import pytest

from cfexp.errors import TrackingError, first_line, masked
from cfexp.runtime.logs import MaskingFormatter

SECRET = "PWSECRET"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cannot use http://u:p@h:1/x: no", "cannot use http://***@h:1/x: no"),
        ("postgresql://u:p/a@ss@h/db", "postgresql://***@h/db"),
        ("https://TOKEN@h", "https://***@h"),
        ("'mysql+pymysql://u:p@h'", "'mysql+pymysql://***@h'"),
        ("x://h/db?user=u&password=p&ssl=1", "x://h/db?user=u&password=***&ssl=1"),
        ("h?sslpassword=p&access_token=t", "h?sslpassword=***&access_token=***"),
        ("sqlite:////home/a@b/mlflow.db", "sqlite:////home/a@b/mlflow.db"),
        ("http://localhost:5000 and a@b.c", "http://localhost:5000 and a@b.c"),
        ("models:/films@champion", "models:/films@champion"),
    ],
)
def test_masked(text: str, expected: str) -> None:
    assert masked(text) == expected
    assert masked(expected) == expected


def test_messages_and_logs_are_masked() -> None:
    text = f"no answer of http://u:{SECRET}@h"
    assert str(TrackingError(text)) == "no answer of http://***@h"
    assert first_line(ValueError(text)) == "no answer of http://***@h"
    try:
        raise ValueError(text)
    except ValueError:
        record = logging.LogRecord("x", 1, "x", 1, text, (), sys.exc_info())
    said = MaskingFormatter("%(message)s").format(record)
    assert "Traceback" in said
    assert SECRET not in said
