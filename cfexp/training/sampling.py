"""Samples the posterior of a model on some rows of a dataset."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.encoding import Encoded
from cfexp.data.ratings import IntArray, Ratings
from cfexp.errors import TrainingError
from cfexp.evaluation.metrics import mae, rmse
from cfexp.models.base import SampledModel, Sampler, Scorer
from cfexp.runtime.signals import deferred_interrupts
from cfexp.training.history import Epoch, History
from cfexp.training.progress import EpochBar
from cfexp.training.recipe import NO_HOOKS, Hooks, Recipe

ENGINE = "gibbs"


@dataclass(frozen=True)
class Sampled:
    """Samples of a model's posterior.

    Attributes:
        encoder: The encoder of its inputs.
        scorer: The model that predicts the samples' mean.
        history: One epoch for each sample.
    """

    encoder: FeatureEncoder
    scorer: Scorer
    history: History


class _Validation:
    """The errors of the mean of the samples so far, on validation rows."""

    def __init__(self, rows: Encoded | None):
        self._rows = rows
        self._total = np.zeros(len(rows) if rows else 0)
        self._n = 0

    def __bool__(self) -> bool:
        return self._rows is not None

    def errors(self, sample: Scorer | None, *, kept: bool) -> tuple[float, float]:
        """Returns RMSE and MAE; of the sample alone, until one is kept."""
        if self._rows is None or sample is None:
            return math.nan, math.nan
        predicted = sample.predict(self._rows)
        if kept:
            self._total += predicted
            self._n += 1
        mean = self._total / self._n if self._n else predicted
        return rmse(self._rows.rating, mean), mae(self._rows.rating, mean)


def sample_posterior(
    recipe: Recipe,
    ratings: Ratings,
    train: IntArray,
    valid: IntArray | None,
    *,
    hooks: Hooks = NO_HOOKS,
) -> Sampled:
    """Fits an encoder to training rows and samples the model's posterior.

    Args:
        recipe: Model, features and seed.
        ratings: The dataset.
        train: Positions of the training rows.
        valid: Positions of rows to validate, which choose nothing; None: no rows.
        hooks: Callbacks for epochs and the model; there are no checkpoints.

    Raises:
        TrainingError: A sample is not finite.
        Pruned: ``hooks.on_epoch`` gives the training up.
        KeyboardInterrupt: On SIGINT or SIGTERM, after the present sample.
    """
    model = recipe.model
    assert isinstance(model, SampledModel)
    declared = model.declared(recipe.features, ratings)
    encoder = FeatureEncoder.fit(ratings, train, declared)
    rows = encode(ratings, encoder, train)
    sampler = model.sampler(rows, encoder.spec, recipe.seed)
    label = "refitting" if valid is None else "training"
    validation = _Validation(None if valid is None else encode(ratings, encoder, valid))
    hooks.on_model(encoder, lambda some: sampler.sample().predict(some))
    with EpochBar(model.sweeps, len(rows), label=label) as bar:
        reports = (bar.show, hooks.on_epoch)  # which may end the training
        samples, epochs = _sampled(model, sampler, validation, reports)
    speed = len(rows) / min(epoch.seconds for epoch in epochs)
    history = History(tuple(epochs), ENGINE, speed, averaged=True)
    return Sampled(encoder, sampler.average(samples), history)


def _sampled(
    model: SampledModel,
    sampler: Sampler,
    validation: _Validation,
    reports: Sequence[Callable[[Epoch], None]],
) -> tuple[list[Scorer], list[Epoch]]:
    """Returns the samples that are kept, and all of them as epochs."""
    samples, epochs, numbers = [], [], model.kept
    with deferred_interrupts() as stop:
        for number in range(1, model.sweeps + 1):
            kept = number in numbers
            epoch, sample = _sweep(sampler, number, validation, kept=kept)
            if kept and sample is not None:
                samples.append(sample)
            epochs.append(epoch)
            for report in reports:
                report(epoch)
            if stop.received:
                raise KeyboardInterrupt(stop.received.name)
    return samples, epochs


def _sweep(
    sampler: Sampler, number: int, validation: _Validation, *, kept: bool
) -> tuple[Epoch, Scorer | None]:
    """Takes one sample, returned if needed, and validates the mean of those so far."""
    started = time.perf_counter()
    square = sampler.sweep()
    seconds = time.perf_counter() - started
    if not math.isfinite(square):
        raise TrainingError(
            f"sample {number} has the training error {square}: the sampler has"
            " diverged. Lower model.embed_dim, or set another seed."
        )
    # Converts all vectors.
    sample = sampler.sample() if kept or validation else None
    val_rmse, val_mae = validation.errors(sample, kept=kept)
    epoch = Epoch(
        epoch=number,
        train_loss=square,
        val_rmse=val_rmse,
        val_mae=val_mae,
        seconds=seconds,
        time=time.time(),
    )
    return epoch, sample
