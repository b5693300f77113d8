"""Builds and trains a neural model on some rows of a dataset."""

from collections.abc import Callable

import keras
import tensorflow as tf

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import IntArray, Ratings
from cfexp.data.streaming import encode_on_disk
from cfexp.errors import ConfigError
from cfexp.models.base import NeuralModel
from cfexp.models.scorer import KerasScorer
from cfexp.training.checkpoint import Checkpointing
from cfexp.training.distributed import strategy_named
from cfexp.training.fit import Settings, Start
from cfexp.training.history import Epoch, History
from cfexp.training.loop import fit


def fit_neural(
    model: NeuralModel,
    ratings: Ratings,
    train: IntArray,
    valid: IntArray | None,
    *,
    settings: Settings,
    epochs: int | None = None,
    checkpoints: Checkpointing | None = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    start: Start | None = None,
) -> tuple[FeatureEncoder, KerasScorer, History]:
    """Fits an encoder and a model to the rows `train`.

    Args:
        model: The model family.
        ratings: The dataset.
        train: Row positions to train on.
        valid: Row positions that choose the epoch; None to keep the last one.
        settings: How to fit.
        epochs: Stop after this many epochs.
        checkpoints: Where to keep checkpoints.
        on_epoch: Called after each epoch.
        start: A trained model to go on from, with its encoder; it is changed.

    Returns:
        The encoder, the trained model and its epochs.
    """
    strategy = strategy_named(settings.training.strategy)
    if start and settings.training.strategy != "none":
        raise ConfigError(
            "a trained model cannot be moved to several devices: set"
            " training.strategy=none with mode=finetune."
        )
    # Jobs of a sweep share the process: none may see another's names or seeds.
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(settings.seed)
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()
    if start:
        encoder, scorer = start
        assert isinstance(scorer, KerasScorer)
        network = scorer.model
    else:
        encoder = FeatureEncoder.fit(ratings, train)
    stream_from = settings.training.stream_from
    if stream_from is not None and len(train) >= stream_from:
        rows = encode_on_disk(ratings, encoder, train)
    else:
        rows = encode(ratings, encoder, train)
    with strategy.scope():
        if not start:
            network = model.build(encoder.spec, rows)
        history = fit(
            network,
            rows,
            None if valid is None else encode(ratings, encoder, valid),
            training=settings.training,
            optimizer=settings.optimizer,
            seed=settings.seed,
            epochs=epochs,
            is_trained=start is not None,
            checkpoints=checkpoints,
            on_epoch=on_epoch,
        )
    return encoder, KerasScorer(network), history
