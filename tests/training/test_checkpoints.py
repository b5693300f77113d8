"""Interrupted and resumed as if never interrupted; damaged checkpoints."""

import io
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from small_models import named, recipe

from cfexp.data.ratings import Ratings
from cfexp.data.split import Split
from cfexp.errors import ConfigError, DamagedError
from cfexp.training import checkpoint
from cfexp.training.checkpoint import Checkpointing
from cfexp.training.fit import fit_model
from cfexp.training.history import Epoch
from cfexp.training.recipe import Hooks


def fit_with_checkpoints(
    ratings: Ratings,
    split: Split,
    path: Path,
    on_epoch=lambda e: None,
    restart_if_damaged: bool = False,
    **changes: object,
):  # type: ignore[no-untyped-def]
    return fit_model(
        recipe(named("dot"), epochs=6, checkpoint_every=2, **changes),
        ratings,
        split,
        hooks=Hooks(
            Checkpointing(path, lambda: {"run_id": "abc"}, restart_if_damaged), on_epoch
        ),
    )


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_and_resumed_is_as_if_never_interrupted(
    ratings: Ratings, split: Split, tmp_path: Path, stop: signal.Signals
) -> None:
    path = tmp_path / "c" / "point.npz"

    def interrupt(epoch: Epoch) -> None:
        if epoch.epoch == 3:
            os.kill(os.getpid(), stop)

    before = signal.getsignal(stop)
    with pytest.raises(KeyboardInterrupt, match=stop.name):
        fit_with_checkpoints(ratings, split, path, interrupt)
    assert signal.getsignal(stop) is before
    resumed = fit_with_checkpoints(ratings, split, path, resume=True)
    whole = fit_with_checkpoints(ratings, split, tmp_path / "other.npz")
    assert [e.epoch for e in resumed.history.epochs] == [1, 2, 3, 4, 5, 6]
    for a, b in zip(
        resumed.scorer.model.get_weights(),
        whole.scorer.model.get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    assert not list(path.parent.glob("*.tmp"))


def test_resume_needs_a_good_checkpoint(
    ratings: Ratings, split: Split, tmp_path: Path
) -> None:
    path = tmp_path / "point.npz"
    with pytest.raises(ConfigError, match="there is no checkpoint"):
        fit_with_checkpoints(ratings, split, path, resume=True)


DAMAGES = {
    "half": lambda whole: whole[: len(whole) // 2],
    "empty": lambda whole: b"",
    "noise": lambda whole: bytes(range(256)) * 40,
    "changed": lambda whole: whole.replace(whole[2000:2100], bytes(100)),
    "no epochs": lambda whole: archive(meta=np.array('{"note": {}}')),
    "no json": lambda whole: archive(meta=np.array("{")),
    "other epochs": lambda whole: archive(meta=np.array('{"epochs": [{"a": 1}]}')),
    "other arrays": lambda whole: archive(
        meta=np.array('{"epochs": [], "note": {}}'), weights_0=np.zeros((3, 3))
    ),
}


def archive(**arrays: np.ndarray) -> bytes:
    """Returns the bytes of an archive, as of a checkpoint."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.slow
def test_damaged_checkpoints(
    ratings: Ratings, split: Split, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused in one helpful line, or replaced where a sweep goes on by itself."""
    path = tmp_path / "point.npz"
    fit_with_checkpoints(ratings, split, path)
    whole = path.read_bytes()
    for name, damage in DAMAGES.items():
        path.write_bytes(damage(whole))
        with pytest.raises(DamagedError, match="is damaged") as refused:
            fit_with_checkpoints(ratings, split, path, resume=True)
        said = str(refused.value)
        assert str(path) in said, name
        assert "training.resume=false" in said, name
        assert "\n" not in said, name
    caplog.clear()
    restarted = fit_with_checkpoints(
        ratings, split, path, restart_if_damaged=True, resume=True
    )
    assert len(restarted.history.epochs) == 6
    assert [r.levelname for r in caplog.records if "job again" in r.message] == [
        "WARNING"
    ]
    assert len(checkpoint.load(path).epochs) == 6
