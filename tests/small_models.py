"""Every family of models that cfexp has, small enough to be trained in a test."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import numpy as np
import pytest

import cfexp.models
from cfexp.data.encoder import encode
from cfexp.data.ratings import Ratings
from cfexp.data.split import Split
from cfexp.data.synthetic import Synthetic
from cfexp.experiment import Experiment
from cfexp.models.base import Model, NeuralModel
from cfexp.models.bias import Bias
from cfexp.models.scorer import KerasScorer
from cfexp.training import programs
from cfexp.training.fit import Fitted
from cfexp.training.optimizers import Adagrad, Adam, AdamW, Optimizer, Sgd
from cfexp.training.program import Program
from cfexp.training.settings import Training

# Sizes, penalties and dropout that suit small data.
SMALL = {"embed_dim": 4, "layers": [16, 8], "units": 8, "kernel_dim": 2}
SMALL |= {"l2": 0.02, "bias_l2": 0.02, "mlp_l2": 0.02, "history_l2": 0.01}
SMALL |= {"kernel_l2": 0.001, "sparsity": 0.01, "id_dropout": 0.02, "dropout": 0.1}
SMALL |= {"input_dropout": 0.1}
# One of the autoencoders is over items, the other over users.
SIDES = {"kernelae": {"of": "user"}}
BIAS = Bias(reg_user=15.0, reg_item=10.0, iterations=10)

SHARED = {
    "learning_rate": 0.01,
    "schedule": "constant",
    "final_fraction": 0.1,
    "step_epochs": 1,
    "step_factor": 0.5,
    "clipnorm": 1.0,
}
OPTIMIZERS: list[Optimizer] = [
    Adam(**SHARED, update="dense", beta_1=0.9, beta_2=0.999),
    AdamW(**SHARED, beta_1=0.9, beta_2=0.999, weight_decay=0.01),
    Sgd(**SHARED, momentum=0.9, nesterov=True),
    Adagrad(**SHARED, update="dense"),
    Adam(**{**SHARED, "clipnorm": None}, update="rows", beta_1=0.9, beta_2=0.999),
    Adagrad(**{**SHARED, "clipnorm": None}, update="rows"),
]


def families() -> list[type[Model]]:
    """Returns every family of models that cfexp has, wherever in its package."""
    modules = [
        importlib.import_module(f"cfexp.models.{found.name}")
        for found in pkgutil.iter_modules(cfexp.models.__path__)
    ]
    return sorted(
        {
            kind
            for module in modules
            for _, kind in inspect.getmembers(module, inspect.isclass)
            if issubclass(kind, Model) and kind.__module__ != Model.__module__
        },
        key=lambda kind: kind.__name__,
    )


def neural_models() -> list[NeuralModel]:
    """Returns a small model of every family that is trained by gradient descent."""
    return [
        kind(
            **{name: SMALL[name] for name in SMALL.keys() & kind.model_fields},
            **SIDES.get(kind.name, {}),
        )
        for kind in families()
        if issubclass(kind, NeuralModel)
    ]


MODELS = neural_models()
by_name = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


def named(name: str) -> NeuralModel:
    """Returns the small model of a family."""
    (found,) = (model for model in MODELS if model.name == name)
    return found


def recipe(model: Model, *, seed: int = 0, **training: object) -> Experiment:
    """Returns how a model is trained in tests; the dataset is another one.

    Args:
        model: The model.
        seed: Seed of weights, dropout and the order of rows.
        training: Options of `Training`.
    """
    how = {
        "epochs": 25,
        "batch_size": 256,
        "patience": None,
        "stream_from": None,
        "checkpoint_every": 0,
    }
    return Experiment(
        dataset=Synthetic(),
        model=model,
        optimizer=Adam(learning_rate=0.02),
        training=Training(**{**how, **training}),
        seed=seed,
    )


def programs_made(monkeypatch: pytest.MonkeyPatch) -> list[Program]:
    """Returns a list that gets the programs that are made from now on; none is kept."""
    found: list[Program] = []

    def program(*arguments: object, **xla: bool) -> Program:
        found.append(Program(*arguments, **xla))
        return found[-1]

    monkeypatch.setattr(programs, "Program", program)
    monkeypatch.setattr(programs, "_programs", programs.kept())
    return found


def reloaded(
    fitted: Fitted, ratings: Ratings, split: Split, folder: Path
) -> KerasScorer:
    """Returns a network that was saved and loaded, which predicts the same."""
    assert isinstance(fitted.scorer, KerasScorer)
    rows = encode(ratings, fitted.encoder, split.test)
    fitted.scorer.save(folder)
    again = KerasScorer.load(folder)
    np.testing.assert_allclose(
        again.predict(rows), fitted.scorer.predict(rows), atol=1e-6
    )
    return again
