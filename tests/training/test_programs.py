"""Models of one architecture are trained by one program, and as by one of their own."""

import numpy as np
import pytest
from small_models import by_name, named, programs_made, recipe

from cfexp.data.ratings import Ratings
from cfexp.data.splitters import RandomHoldout
from cfexp.experiment import Experiment
from cfexp.models.base import NeuralModel
from cfexp.training import engines, programs
from cfexp.training.fit import Fitted, fit_model
from cfexp.training.optimizers import Adam
from cfexp.training.program import Program


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Program]:
    """The programs that a test makes, all of them new."""
    return programs_made(monkeypatch)


def fit(job: Experiment, ratings: Ratings, *, test_size: float = 0.2) -> Fitted:
    split = RandomHoldout(test_size=test_size, valid_size=0.1)
    return fit_model(job, ratings, split.split(ratings, seed=job.seed))


def jobs(model: NeuralModel) -> list[Experiment]:
    """Returns jobs that differ in everything but the architecture."""
    names = {"l2", "bias_l2", "history_l2", "kernel_l2", "id_dropout", "dropout"}
    other = {name: 0.03 for name in names & type(model).model_fields.keys()}
    first = recipe(model, epochs=2)
    cosine = {"schedule": "cosine", "final_fraction": 0.1}
    return [
        first.replace(optimizer=Adam(learning_rate=0.02, final_fraction=0.2)),
        recipe(model.replace(**other), epochs=3, seed=1).replace(
            optimizer=Adam(learning_rate=0.01, **cosine)
        ),
    ]


@pytest.mark.long
@pytest.mark.slow
@by_name
def test_jobs_share_their_program(
    model: NeuralModel,
    ratings: Ratings,
    made: list[Program],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Other rows, ids, mean, seed, numbers and epochs: the results of own programs."""
    one, other = jobs(model)
    shared = [
        fit(job, ratings, test_size=size)
        for job, size in ((one, 0.2), (other, 0.21), (one, 0.2))
    ]
    assert len(made) == 1
    assert made[0].run_chunk.experimental_get_tracing_count() == 1
    monkeypatch.setattr(engines, "program_for", Program)
    # The first fit's program was its own; then as after other jobs, and as by its own.
    pairs = [(shared[2], shared[0]), (shared[1], fit(other, ratings, test_size=0.21))]
    for a, b in pairs:
        for x, y in zip(a.scorer.trained(), b.scorer.trained(), strict=True):
            np.testing.assert_allclose(x, y, atol=2e-4)


@pytest.mark.slow
def test_programs_are_bounded(
    ratings: Ratings, made: list[Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one used last is kept, the first one is made again."""
    monkeypatch.setattr(programs, "_programs", programs.kept(n=2))
    for width in (2, 3, 4, 4, 3, 2):
        job = recipe(named("dot").replace(embed_dim=width), epochs=1)
        fit(job, ratings)
    widths = [max(v.shape[-1] for v in p.variables if v.shape.rank) for p in made]
    assert widths == [2, 3, 4, 2]


def test_large_models_have_their_own(
    ratings: Ratings, made: list[Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their variables are not held twice."""
    monkeypatch.setattr(programs, "MAX_BYTES", 1)
    job = recipe(named("dot"), epochs=1)
    fitted = [fit(job, ratings) for _ in range(2)]
    assert len(made) == 2
    assert fitted[1].scorer.model.variables[0] is made[1].variables[0]
