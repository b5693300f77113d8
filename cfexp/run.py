"""One run, from configuration to logged model: the table of contents of cfexp."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from omegaconf import DictConfig, OmegaConf

import cfexp
from cfexp import describe, report, results, reuse
from cfexp.config import Mode, build, build_spec, run_key, with_overrides
from cfexp.data.ratings import Ratings
from cfexp.evaluate import Evaluation
from cfexp.fitting import Settings, Start, evaluate_fitted, fit_baseline, fit_model
from cfexp.models.bias import Bias, Mean
from cfexp.optimizers import Optimizer
from cfexp.predictor import Origin, Predictor, max_difference
from cfexp.provenance import git_state
from cfexp.split import Split
from cfexp.stopwatch import Stopwatch
from cfexp.tracking.open import check_tracking, find_model, open_run
from cfexp.tracking.settings import Tracking
from cfexp.training import checkpoint
from cfexp.training.settings import Training

log = logging.getLogger(__name__)

# Every run is held against these, whatever its configuration says.
BASELINES = {
    "mean": Mean(name="mean"),
    "bias": Bias(name="bias", reg_user=15.0, reg_item=10.0, iterations=10),
}


@dataclass(frozen=True)
class RunResult:
    """What a finished training leaves behind.

    Attributes:
        run_id: Id of its MLflow run; None without tracking.
        folder: Its folder, with ``results/`` and ``model/``.
        metrics: Its final metrics.
        evaluation: Its errors on the test rows.
        predictor: The trained model.
    """

    run_id: str | None
    folder: Path
    metrics: dict[str, float]
    evaluation: Evaluation
    predictor: Predictor


def run(
    cfg: DictConfig, *, folder: Path, name: str, overrides: list[str]
) -> float | None:
    """Does what ``mode`` says; returns the objective of a sweep where it trains.

    Args:
        cfg: A composed configuration.
        folder: Where the run's files go.
        name: Name of the run.
        overrides: What the user set on the command line.

    Raises:
        CfexpError: Something the user can mend; the message says how.
    """
    build(cfg)
    if cfg.mode is Mode.train:
        return train(cfg, folder=folder, name=name).metrics[cfg.objective]
    tracking = cast(Tracking, build_spec("tracking", cfg.tracking))
    saved = find_model(cfg.run_id, tracking=tracking, metric=cfg.best_of)
    predictor = Predictor.load(saved.folder)
    cfg = with_overrides(predictor.origin.config, cfg, overrides)
    specs: dict[str, Any] = build(cfg)
    if cfg.mode is Mode.predict:
        reuse.predict(predictor, pairs=cfg.pairs, output=_output(cfg, folder))
        return None
    ratings: Ratings = specs["dataset"].load()
    if cfg.mode is Mode.recommend:
        reuse.recommend(
            predictor, ratings, user=cfg.user, k=cfg.k, output=_output(cfg, folder)
        )
        return None
    if cfg.mode is Mode.finetune:
        cfg.training.refit = False  # the trained model is changed only once
        result = train(
            cfg,
            folder=folder,
            name=name,
            start=(predictor.encoder, predictor.scorer),
            tags={"cfexp.source": saved.run_id or str(saved.folder)},
        )
        return result.metrics[cfg.objective]
    split: Split = specs["split"].split(ratings, seed=cfg.seed)
    with open_run(
        tracking,
        name=name,
        tags=describe.tags(
            ratings, split, None, kind="evaluate", model=predictor.origin.model
        )
        | {"cfexp.source": saved.run_id or str(saved.folder)},
    ) as tracked:
        metrics = reuse.evaluate_saved(predictor, ratings, split, output=folder)
        tracked.log_results(metrics, folder / "results")
    return None


def train(
    cfg: DictConfig,
    *,
    folder: Path,
    name: str,
    start: Start | None = None,
    tags: dict[str, str] | None = None,
) -> RunResult:
    """Trains, evaluates, saves and logs one model.

    Args:
        cfg: A composed configuration.
        folder: Where the run's files go.
        name: Name of the run.
        start: A trained model to go on from, with its encoder.
        tags: Tags of the MLflow run besides cfexp's own.

    Raises:
        CfexpError: The configuration, the data, the training or the tracking failed.
    """
    specs: dict[str, Any] = build(cfg)
    training: Training = specs["training"]
    optimizer: Optimizer = specs["optimizer"]
    settings = Settings(training, optimizer, cfg.seed, cfg.deterministic)
    config = OmegaConf.to_yaml(cfg, resolve=True)
    watch = Stopwatch()

    with watch("data"):
        ratings: Ratings = specs["dataset"].load()
        split: Split = specs["split"].split(ratings, seed=cfg.seed)
        baselines = {
            key: evaluate_fitted(fit_baseline(b, ratings, split), ratings, split.test)
            for key, b in BASELINES.items()
        }
    report.log_data(ratings, split)

    # MLflow then does its imports and first contact while XLA compiles.
    with watch("imports"):
        check_tracking(specs["tracking"])
        specs["model"].prepare()
    path = Path(training.checkpoint_dir) / f"{run_key(cfg)}.npz"
    resumed = checkpoint.load(path).note if training.resume else {}
    with watch("tracking"):
        git = git_state(Path.cwd())
        tracked = open_run(
            specs["tracking"],
            name=name,
            tags=describe.tags(
                ratings, split, git, kind="train", model=specs["model"].name
            )
            | {"cfexp.folder": str(folder)}
            | (tags or {}),
            resume_id=resumed.get("run_id") or None,
        )

    with tracked:
        with watch("tracking"):
            tracked.log_start(
                params=describe.params(yaml.safe_load(config)),
                inputs=describe.inputs(ratings, split),
            )
        with watch("fit"):
            fitted = fit_model(
                specs["model"],
                ratings,
                split,
                settings=settings,
                checkpoints=checkpoint.Checkpointing(
                    path, lambda: {"run_id": tracked.run_id or ""}
                ),
                on_epoch=tracked.log_epoch,
                start=start,
            )
        with watch("evaluate"):
            test = evaluate_fitted(fitted, ratings, split.test)
        against = {key: tested.evaluation for key, tested in baselines.items()}
        metrics = describe.metrics(fitted, test.evaluation, against)
        predictor = Predictor(
            encoder=fitted.encoder,
            scorer=fitted.scorer,
            movies=ratings.movies,
            origin=Origin(
                model=specs["model"].name,
                dataset=ratings.name,
                data_fingerprint=ratings.fingerprint,
                split_fingerprint=split.fingerprint,
                config=config,
                cfexp=cfexp.__version__,
            ),
        )
        metrics |= watch.metrics()
        with watch("save"):
            predictor.save(folder / "model")
            results.write(
                folder / "results",
                config=config,
                metrics=metrics,
                predictions=results.test_predictions(
                    ratings, split.test, test.predicted, fitted.rows
                ),
                history=fitted.history,
                git=git,
            )
        with watch("log"):
            sample = results.sample(ratings, split.test)
            reloaded = tracked.log_model(folder / "model", example=sample.head(5))
            difference = max_difference(predictor, reloaded, sample)
        metrics |= {"reload_max_abs_diff": difference} | watch.metrics()
        tracked.log_results(metrics, folder / "results")
    path.unlink(missing_ok=True)

    report.print_evaluation(f"{name} on {ratings.name}", test.evaluation, against)
    report.print_summary(fitted, metrics, watch, run_id=tracked.run_id, folder=folder)
    return RunResult(tracked.run_id, folder, metrics, test.evaluation, predictor)


def _output(cfg: DictConfig, folder: Path) -> Path:
    default = {Mode.predict: "predictions.csv", Mode.recommend: "recommendations.csv"}
    return Path(cfg.output) if cfg.output else folder / default[cfg.mode]
