"""What TensorFlow reads when it is imported."""

import os
import sys

import keras  # noqa: F401
import pytest

from cfexp.runtime import tensorflow, tuning


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "--xla_backend_extra_options=xla_cpu_disable_loop_unrolling"),
        (
            "--xla_dump_to=/x",
            "--xla_dump_to=/x --xla_backend_extra_options="
            "xla_cpu_disable_loop_unrolling",
        ),
        ("--xla_backend_extra_options=mine", "--xla_backend_extra_options=mine"),
    ],
)
def test_flags_of_the_user_stay(
    monkeypatch: pytest.MonkeyPatch, given: str | None, expected: str
) -> None:
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    if given is not None:
        monkeypatch.setenv("XLA_FLAGS", given)
    for _ in range(2):  # also in the worker that a process starts
        tuning.set_xla_flags()
        assert os.environ["XLA_FLAGS"] == expected


def test_flags_are_set_where_tensorflow_is_imported_already(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a notebook; XLA reads them when it first compiles."""
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    assert "tensorflow" in sys.modules
    tensorflow.start()
    assert tuning.OPTIONS in os.environ["XLA_FLAGS"]


@pytest.mark.parametrize(
    ("cpus", "given", "threads"), [(8, None, "7"), (1, None, "1"), (8, "3", "3")]
)
def test_processors_are_left_to_others(
    monkeypatch: pytest.MonkeyPatch, cpus: int, given: str | None, threads: str
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cpus)
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", given or "")
    if given is None:
        monkeypatch.delenv("TF_NUM_INTRAOP_THREADS")
    tuning.spare(1)
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == threads
