"""Errors that no row of the table of bad inputs brings about, in one line."""

import errno

import pytest

from cfexp.config.command_table import COMMANDS
from cfexp.config.explain import explain
from cfexp.errors import TrainingError


class ResourceExhaustedError(Exception):
    """As TensorFlow's."""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (TrainingError("the loss\n  is nan"), "the loss is nan"),
        (
            OSError(errno.ENOSPC, "no", "out/metrics.json"),
            "out/metrics.json: No space left on device. Free some space",
        ),
        (PermissionError(errno.EACCES, "no", "x"), "x: Permission denied. Choose"),
        (
            ResourceExhaustedError("{{function_node __wrapped__Add}} [1000000000,9]"),
            "there is not enough memory for this model and these data. Lower embed_dim",
        ),
        (MemoryError(), "there is not enough memory"),
        (KeyError("x"), "unexpected error (key error): 'x' (set HYDRA_FULL_ERROR=1"),
        (
            ConnectionResetError(),
            "unexpected error (connection reset error): no reason",
        ),
    ],
)
def test_one_line_without_names_of_classes(error: Exception, message: str) -> None:
    said = explain(error, tuple(COMMANDS))
    assert said.startswith(message)
    assert "\n" not in said
    assert type(error).__name__ not in said
