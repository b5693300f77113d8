"""Builds and trains a neural model on some rows of a dataset."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf

from cfexp.data.encoder import FeatureEncoder
from cfexp.data.encoding import Encoded, FeatureSpec
from cfexp.data.ratings import IntArray, Ratings
from cfexp.errors import ConfigError
from cfexp.evaluation.metrics import FloatArray
from cfexp.models.base import Model, NeuralModel, Scorer
from cfexp.models.layers.ordinal import ordinal_head
from cfexp.models.layers.seeds import seeded
from cfexp.models.members import MeanScorer
from cfexp.models.scorer import KerasScorer, check_loadable
from cfexp.runtime import process
from cfexp.runtime.building import one_at_a_time
from cfexp.training.distributed import strategy_named
from cfexp.training.fallback import FallbackEngine
from cfexp.training.history import History
from cfexp.training.loop import fit
from cfexp.training.member import Member, seeds_of
from cfexp.training.members import scorer_of
from cfexp.training.recipe import NO_HOOKS, Hooks, Recipe, Usable
from cfexp.training.stage import Stage, rows_of

# Of an ordinal loss.
MAX_LEVELS = 50


@dataclass(frozen=True)
class Trained:
    """A trained neural model.

    Attributes:
        encoder: The encoder of its inputs.
        scorer: The model.
        history: Its epochs.
        val_predicted: Predictions of the validation rows; empty if there are none.
    """

    encoder: FeatureEncoder
    scorer: Scorer
    history: History
    val_predicted: FloatArray


def fit_neural(
    recipe: Recipe,
    ratings: Ratings,
    stage: Stage,
    *,
    hooks: Hooks = NO_HOOKS,
    start: Usable | None = None,
) -> Trained:
    """Fits an encoder and a model to the training rows of a stage.

    Args:
        recipe: Model, optimizer, training settings and seed.
        ratings: The dataset.
        stage: The rows and the number of epochs.
        hooks: Checkpoints, and a callback for epochs.
        start: A trained model to fine-tune; its weights are changed in place.
    """
    encoder = start.encoder if start else _encoder(recipe, ratings, stage.train)
    rows = rows_of(recipe, ratings, encoder, stage)
    with one_at_a_time:
        strategy = _prepared(recipe, start)
        with strategy.scope():
            own = (
                _started(recipe, start)
                if start
                else _built(recipe, encoder, rows.train)
            )
    hooks.on_model(encoder, scorer_of(own).predict)
    tuned, last = start is not None, stage.epochs
    with strategy.scope():
        history = fit(
            own, rows, recipe=recipe, hooks=hooks, epochs=last, is_trained=tuned
        )
    scorer = scorer_of(own, rows.valid, noise=history.best.train_rmse)
    predicted = scorer.predict(rows.valid) if rows.valid else np.empty(0)
    return Trained(encoder, scorer, history, predicted)


def compile_neural(recipe: Recipe, ratings: Ratings, stage: Stage) -> bool:
    """Compiles what `fit_neural` would, without training, in a thread of its own.

    Returns:
        Whether there was something to compile.
    """
    encoder = _encoder(recipe, ratings, stage.train)
    rows = rows_of(recipe, ratings, encoder, stage)
    with one_at_a_time:
        spec = _spec(recipe, encoder, rows.train)
        network = _network(recipe.model, spec, rows.train, recipe.seed)
        member = Member.of(network, rows.train, recipe, recipe.seed)
        # Traced here, too: not while another thread makes a network.
        KerasScorer(network).predict(rows.train.at(np.arange(1)))
    engine = member.engine
    return isinstance(engine, FallbackEngine) and engine.compile()


def _prepared(recipe: Recipe, start: Usable | None) -> tf.distribute.Strategy:
    """Resets seeds; returns the strategy."""
    strategy = strategy_named(recipe.training.strategy)
    if start and recipe.training.strategy != "none":
        raise ConfigError(
            "a trained model cannot be moved to several devices: set"
            " training.strategy=none with mode=finetune."
        )
    process.collect_garbage()
    _reset(recipe, recipe.seed)
    if recipe.deterministic:
        tf.config.experimental.enable_op_determinism()
    return strategy


def _reset(recipe: Recipe, seed: int) -> None:
    """Resets the seeds that a network does not have of its own.

    Members, and jobs of a sweep, share the process: a network must not depend on the
    others.
    """
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (a metric of the user's may draw from it)
    if recipe.deterministic or not _is_ours(recipe):
        # With a new seed TensorFlow forgets how it runs each operation, so that the
        # next network takes almost twice as long to make.
        keras.utils.set_random_seed(seed)


def _is_ours(recipe: Recipe) -> bool:
    """Returns whether classes of cfexp, whose seeds are their own, make the network."""
    made_by = (type(recipe.model), type(recipe.optimizer))
    return all(kind.__module__.startswith("cfexp.") for kind in made_by)


def _encoder(recipe: Recipe, ratings: Ratings, rows: IntArray) -> FeatureEncoder:
    declared = recipe.model.declared(recipe.features, ratings)
    return FeatureEncoder.fit(ratings, rows, declared)


def _started(recipe: Recipe, start: Usable) -> list[keras.Model]:
    """Returns the networks of a trained model.

    Raises:
        ConfigError: They are not as many as the recipe says.
    """
    scorer = start.scorer
    each = scorer.members if isinstance(scorer, MeanScorer) else (scorer,)
    if len(each) != recipe.training.members:
        raise ConfigError(
            f"training.members={recipe.training.members}: the trained model has"
            f" {len(each)}. Set training.members={len(each)}"
        )
    networks = []
    for one in each:
        assert isinstance(one, KerasScorer)
        networks.append(one.model)
    return networks


def _built(
    recipe: Recipe, encoder: FeatureEncoder, rows: Encoded
) -> Sequence[keras.Model]:
    """Returns new networks, each as if it were the only one."""
    spec = _spec(recipe, encoder, rows)
    networks: list[keras.Model] = []
    for seed in seeds_of(recipe):
        if networks:  # for the first one, all is reset already
            _reset(recipe, seed)
        networks.append(_network(recipe.model, spec, rows, seed))
    return networks


def _spec(recipe: Recipe, encoder: FeatureEncoder, rows: Encoded) -> FeatureSpec:
    """Returns what networks are built from."""
    features, ranking = recipe.features, recipe.training.ranking_loss()
    spec = replace(
        encoder.spec,
        user_l2=features.user_l2,
        item_l2=features.item_l2,
        ranking=ranking,
    )
    if recipe.training.loss == "ordinal":
        levels, shares = _levels(rows)
        spec = replace(spec, levels=levels, shares=shares)
    return spec


def _network(model: Model, spec: FeatureSpec, rows: Encoded, seed: int) -> keras.Model:
    assert isinstance(model, NeuralModel)
    with seeded(seed):
        network = model.build(spec, rows)
    check_loadable(network)
    if spec.levels and not ordinal_head(network):
        raise ConfigError(
            f"model={network.name} has no ordinal last layer: return Inputs.model(...)"
            " from its method build, or set training.loss=mse"
        )
    return network


def _levels(rows: Encoded) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns the distinct ratings in order, and the share of each.

    Raises:
        ConfigError: There are too many.
    """
    levels, counts = np.unique(rows.rating, return_counts=True)
    if len(levels) > MAX_LEVELS:
        raise ConfigError(
            f"training.loss=ordinal allows at most {MAX_LEVELS} different ratings. Got:"
            f" {len(levels):,}. Set training.loss=mse"
        )
    return tuple(levels.tolist()), tuple((counts / counts.sum()).tolist())
