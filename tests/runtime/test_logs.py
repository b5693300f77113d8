"""Messages and logs hold no password."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cfexp.errors import TrackingError, first_line, masked
from cfexp.runtime.logs import SAID, ConsoleHandler, MaskingFormatter, logged_to
from cfexp.runtime.output import Output, Verbosity, output, set_output

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


@pytest.fixture
def own_output() -> Iterator[None]:
    """Takes back what a test makes the process print."""
    before = Output(**vars(output))
    yield
    set_output(before)


@pytest.mark.usefixtures("own_output")
@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (Output(), "info warning hydra-warning"),
        (Output(verbosity=Verbosity.QUIET), "warning hydra-warning"),
        (
            Output(verbosity=Verbosity.VERBOSE),
            "debug info warning hydra-info hydra-warning",
        ),
        (Output(job="job 3"), "warning hydra-warning"),
        (Output(is_worker=True, verbosity=Verbosity.VERBOSE), ""),
    ],
)
def test_messages_for_people(
    wanted: Output, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_output(wanted)
    handler = ConsoleHandler()
    for name, prefix in (("cfexp.runs.train", ""), ("hydra.core.utils", "hydra-")):
        for level in ("debug", "info", "warning"):
            number = getattr(logging, level.upper())
            text = f"{prefix}{level}"
            handler.handle(logging.LogRecord(name, number, "x", 1, text, (), None))
    assert capsys.readouterr().err.split() == shown.split()


@pytest.mark.usefixtures("own_output")
def test_message_of_a_job_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    set_output(Output(job="job 3"))
    handler = ConsoleHandler()
    handler.setFormatter(MaskingFormatter("[%(levelname)s] %(message)s"))
    record = logging.LogRecord("cfexp", logging.WARNING, "x", 1, "low", (), None)
    handler.handle(record)
    assert capsys.readouterr().err == "[WARNING] job 3: low\n"
    setattr(record, SAID, True)
    handler.handle(record)
    assert capsys.readouterr().err == ""


def test_log_file_of_a_part(tmp_path: Path) -> None:
    path = tmp_path / "new/cfexp.log"
    with logged_to(path):
        logging.getLogger("cfexp.x").warning("http://u:%s@h", SECRET)
        from cfexp.runtime.console import print_lines

        print_lines([("folder", f"http://u:{SECRET}@h")])
    logging.getLogger("cfexp.x").warning("later")
    said = path.read_text()
    assert "[cfexp.x][WARNING] http://***@h" in said
    assert "folder  http://***@h" in said
    assert SECRET not in said
    assert "later" not in said
