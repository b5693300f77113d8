"""One experiment: data, split, model and training, and the steps to a result.

Independent of Hydra, MLflow and folders; `cfexp.train` tracks an experiment.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

import cfexp
from cfexp.data.dataset import Dataset
from cfexp.data.features import Features
from cfexp.data.ratings import RATING, IntArray, Ratings
from cfexp.data.split import Data, Splitter
from cfexp.data.splitters import RandomHoldout
from cfexp.errors import ConfigError
from cfexp.evaluation.metric import Metric
from cfexp.evaluation.metrics import FloatArray
from cfexp.evaluation.objective import unknown_metric, validation_metrics
from cfexp.evaluation.settings import EvaluationSettings
from cfexp.models.base import Model, NeuralModel, SampledModel, Scorer
from cfexp.models.ensemble import Ensemble
from cfexp.models.known import KnownPairs
from cfexp.models.ncf import Ncf
from cfexp.models.origin import Origin, outputs_of
from cfexp.models.predictor import Predictor
from cfexp.models.source import Source
from cfexp.models.trained_on import TrainedOn, fit_baselines
from cfexp.models.travelling import modules_of
from cfexp.runtime.stopwatch import Stopwatch
from cfexp.spec import REPEATS, Spec, digest, flat
from cfexp.training.fit import Fitted, fit_model
from cfexp.training.optimizers import Adam, Optimizer
from cfexp.training.ranking import rank
from cfexp.training.ranking_options import check_data, ranking_problems
from cfexp.training.recipe import NO_HOOKS, Hooks
from cfexp.training.result import Result
from cfexp.training.settings import Training
from cfexp.training.testing import fitted_on, test_model

if TYPE_CHECKING:
    from cfexp.training.stacking import Member


class Experiment(Spec):
    """A model, its data, and how it is trained and tested.

    Attributes:
        dataset: The ratings and movies.
        split: How train, validation and test rows are chosen.
        features: What the model knows of users, movies and ratings besides the ids.
        model: The model family and its hyperparameters.
        optimizer: The optimizer of a neural model.
        training: How a neural model is trained.
        seed: Seed of the split, weights, dropout and the order of rows.
        deterministic: Use only operations with bitwise reproducible results.
        evaluation: Whether movies are ranked, too, and how.
        metrics: Metrics besides RMSE and MAE, by name.
    """

    dataset: Dataset
    split: Splitter = RandomHoldout()
    features: Features = Features()
    model: Model = Ncf()
    optimizer: Optimizer = Adam()
    training: Training = Training()
    evaluation: EvaluationSettings = EvaluationSettings()
    seed: Annotated[int, Field(ge=0, le=2**31 - 1), REPEATS] = 0
    deterministic: bool = False
    metrics: Mapping[str, Metric] = {}

    def problems(self) -> list[str]:
        found = [metric.problem(name) for name, metric in self.metrics.items()]
        found += self.training.problems_with(self.model, self.optimizer)
        about = (self.training, self.features, self.metrics)
        found += ranking_problems(self.ranked, *about)
        known = validation_metrics(self.ranked, self.metrics)
        found.append(unknown_metric("training.monitor", self.training.monitor, known))
        return [problem for problem in found if problem]

    def load(
        self, ratings: Ratings | None = None, *, source: Source | None = None
    ) -> Data:
        """Loads the dataset and splits it.

        Args:
            ratings: The dataset; loaded if None.
            source: A trained model to fine-tune, which must not know the test rows.

        Raises:
            DataError: The dataset cannot be read, split or used.
        """
        if ratings is None:
            ratings = self.dataset.load()
        check_data(ratings, self.training.ranks, self.evaluation.sampled_negatives)
        if not source:
            self.model.declared(self.features, ratings)  # refuses unknown columns
        data = Data(ratings, self.split.split(ratings, seed=self.seed))
        return source.checked(data) if source else data

    def run(
        self,
        data: Data | None = None,
        *,
        source: Source | None = None,
        members: "Sequence[Member]" = (),
        hooks: Hooks = NO_HOOKS,
        watch: Stopwatch | None = None,
    ) -> Result:
        """Loads, splits, fits the model and the baselines, and tests them.

        Args:
            data: The result of `load`; loaded if None.
            source: A trained model to fine-tune.
            members: The trained models that an ensemble stacks.
            hooks: Checkpoints, and a callback for epochs.
            watch: Measures the seconds of each stage.

        Raises:
            CfexpError: The data cannot be used, or the training failed.
        """
        watch = watch or Stopwatch()
        with watch("data"):
            ratings, split = data = data or self.load(source=source)
        with watch("fit"):
            fitted = self._fit(data, source, members, hooks)
        with watch("evaluate"):
            known = _known(data, fitted, source, members)
            encoder = None if source else fitted.encoder
            baselines = fit_baselines(ratings, fitted.rows, encoder)
            said = fitted_on(fitted, split, members=len(members), source=source)
            own = None if self.training.ranks else self.own_metrics
            tested, comparison = test_model(fitted, baselines, data, said, own)
            ranking = rank(fitted, baselines, data, self.ranked, self.seed)
        predictor = Predictor(
            encoder=fitted.encoder,
            scorer=fitted.scorer,
            movies=ratings.movies,
            users=ratings.users,
            origin=self._origin(data, source, fitted.scorer),
            load_trained_on=lambda: TrainedOn(known, baselines),
        )
        valid = {}
        if fitted.val_rmse is not None:  # else it knew the validation rows
            valid = self.own_metrics(ratings, split.valid, fitted.val_predicted)
        return Result(
            self, data, fitted, tested, comparison, predictor, watch, valid, ranking
        )

    @property
    def ranked(self) -> EvaluationSettings:
        """`evaluation`, which includes ranking if the model learns to rank."""
        on = self.evaluation.ranking or self.training.ranks
        return self.evaluation.replace(ranking=on)

    def own_metrics(
        self, ratings: Ratings, rows: IntArray, predicted: FloatArray
    ) -> dict[str, float]:
        """Returns `metrics` of some rows, by name.

        Args:
            ratings: The dataset.
            rows: Positions of the rows.
            predicted: Their predictions, shape ``(n,)``.

        Raises:
            TrainingError: One returns no number.
        """
        truth = ratings.frame[RATING].to_numpy(np.float64)[rows]
        each = self.metrics.items()
        return {name: metric.value(name, truth, predicted) for name, metric in each}

    def _fit(
        self,
        data: Data,
        source: Source | None,
        members: "Sequence[Member]",
        hooks: Hooks,
    ) -> Fitted:
        if not isinstance(self.model, Ensemble):
            start = source.predictor if source else None
            return fit_model(self, *data, hooks=hooks, start=start)
        if len(members) < 2:
            raise ConfigError(
                "model=ensemble needs two or more trained runs to stack; cfexp.train"
                f" finds the best ones. Got: {len(members)}"
            )
        from cfexp.training.stacking import stack  # imports scikit-learn

        return stack(members, *data, seed=self.seed)

    def _origin(self, data: Data, source: Source | None, scorer: Scorer) -> Origin:
        kind = type(scorer)
        own = modules_of([kind])
        return Origin(
            model=self.model.name,
            dataset=data.ratings.name,
            data_fingerprint=data.ratings.fingerprint,
            split_fingerprint=data.split.fingerprint,
            config=self.settings(),
            cfexp=cfexp.__version__,
            sources=source.names if source else (),
            modules=modules_of([type(self.model), kind, *scorer.parts()]),
            scorer=f"{kind.__module__}.{kind.__qualname__}" if own else None,
            outputs=outputs_of(scorer, ranks=self.training.ranks),
        )

    def identity(self) -> dict[str, Any]:
        """Returns the settings that change the result, each group with its class."""
        found = super().identity()
        if not isinstance(self.model, NeuralModel):
            # Not trained in epochs: neither has an effect.
            del found["optimizer"], found["training"]
            if not isinstance(self.model, SampledModel):  # of ids only
                del found["features"]
        return found

    def params(self) -> dict[str, Any]:
        """Returns the settings that change the result, flat: ``model.embed_dim``."""
        return {"model.name": self.model.name, **flat(self.identity())}

    def key(self) -> str:
        """Returns 16 hex digits, the same for experiments with the same result."""
        return digest(json.dumps(self.identity(), sort_keys=True))


def _known(
    data: Data, fitted: Fitted, source: Source | None, members: "Sequence[Member]"
) -> KnownPairs:
    """Returns the pairs that a model knows, also from those that it was made of."""
    before = [member.known for member in members if member.known]
    before += [source.predictor.trained_on.known] if source else []
    new = KnownPairs.of(data.ratings, fitted.rows, data.split.valid)
    return new.union(*before) if before else new
