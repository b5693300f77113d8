"""Folds and seeds share a compiled program."""

import numpy as np
import pytest
from small_models import by_name, recipe

from cfexp.data.ratings import Ratings
from cfexp.data.splitters import RandomHoldout
from cfexp.models.base import NeuralModel
from cfexp.training.fit import fit_model
from cfexp.training.program import Program
from cfexp.training.program_sharing import shared_programs

# Families without a layer that holds training rows.
SHARING = ("dot", "ncf", "deep")


@by_name
def test_folds_share_their_program(
    model: NeuralModel, ratings: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other rows, ids, mean and seed; the same results as with a program each."""
    made: list[Program] = []

    def program(*arguments: object) -> Program:
        made.append(Program(*arguments))
        return made[-1]

    monkeypatch.setattr("cfexp.training.engines.Program", program)

    def trained(seed: int) -> list[np.ndarray]:
        split = RandomHoldout(test_size=0.2, valid_size=0.1).split(ratings, seed=seed)
        fitted = fit_model(recipe(model, epochs=2, seed=seed), ratings, split)
        return fitted.scorer.trained()

    if model.name not in SHARING:
        with shared_programs():
            trained(0), trained(1)
        assert len(made) == 2
        return
    alone = [trained(seed) for seed in (0, 1)]
    assert len(made) == 2
    del made[:]
    with shared_programs():
        together = [trained(seed) for seed in (0, 1, 0)]
    assert len(made) == 1
    assert made[0].run_chunk.experimental_get_tracing_count() == 1
    for one, other in zip([*alone, alone[0]], together, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)
