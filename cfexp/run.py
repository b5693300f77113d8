"""One run, from configuration to logged model: the table of contents of cfexp."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf

import cfexp
from cfexp import describe, report, results, reuse
from cfexp.cluster import worker_index
from cfexp.config import Mode, build, run_key, with_overrides
from cfexp.data.ratings import Ratings
from cfexp.evaluate import Evaluation
from cfexp.fitting import Settings, Start, evaluate_fitted, fit_baselines, fit_model
from cfexp.models.bias import Bias, Mean
from cfexp.models.ensemble import Ensemble
from cfexp.predictor import Origin, Predictor, max_difference
from cfexp.provenance import git_state
from cfexp.split import Split
from cfexp.stacking import Member, load_member, stack
from cfexp.stopwatch import Stopwatch
from cfexp.tracking.open import check_tracking, find_members, find_model, open_run
from cfexp.tracking.settings import Tracking
from cfexp.training import checkpoint
from cfexp.training.programs import keep_programs
from cfexp.training.settings import Training

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
    cfg: DictConfig,
    specs: Mapping[str, Any],
    *,
    folder: Path,
    name: str,
    overrides: list[str],
) -> float | None:
    """Does what ``mode`` says; returns the objective of a sweep where it trains.

    Args:
        cfg: A composed configuration.
        specs: What `cfexp.config.build` made of it.
        folder: Where the run's files go.
        name: Name of the run.
        overrides: What the user set on the command line.

    Raises:
        CfexpError: Something the user can mend; the message says how.
    """
    if cfg.mode is Mode.train:
        if specs["training"].strategy == "multiworker":
            specs, folder = for_worker(worker_index(), specs, folder)
        result = train(cfg, specs, folder=folder, name=name)
        return result.metrics[cfg.objective]
    tracking: Tracking = specs["tracking"]
    saved = find_model(cfg.run_id, tracking=tracking, metric=cfg.best_of)
    source = {"cfexp.source": saved.run_id or str(saved.folder)}
    if cfg.mode is Mode.finetune:
        keep_programs()  # before the model is loaded, which imports TensorFlow
    predictor = Predictor.load(saved.folder)
    cfg = with_overrides(predictor.origin.config, cfg, overrides)
    if cfg.mode is Mode.finetune:
        cfg.training.refit = False  # the trained model is changed only once
        start = (predictor.encoder, predictor.scorer)
        result = train(
            cfg, build(cfg), folder=folder, name=name, start=start, tags=source
        )
        return result.metrics[cfg.objective]
    specs = build(cfg)
    if cfg.mode is Mode.predict:
        output = Path(cfg.output or folder / "predictions.csv")
        reuse.predict(predictor, pairs=cfg.pairs, output=output)
        return None
    ratings: Ratings = specs["dataset"].load()
    if cfg.mode is Mode.recommend:
        output = Path(cfg.output or folder / "recommendations.csv")
        reuse.recommend(predictor, ratings, user=cfg.user, k=cfg.k, output=output)
        return None
    split: Split = specs["split"].split(ratings, seed=cfg.seed)
    found = describe.tags(
        ratings, split, None, kind="evaluate", model=predictor.origin.model
    )
    with open_run(tracking, name=name, tags=found | source) as tracked:
        metrics = reuse.evaluate_saved(predictor, ratings, split, output=folder)
        tracked.log_results(metrics, folder / "results")
    return None


def train(
    cfg: DictConfig,
    specs: Mapping[str, Any],
    *,
    folder: Path,
    name: str,
    start: Start | None = None,
    tags: Mapping[str, str] | None = None,
) -> RunResult:
    """Trains, evaluates, saves and logs one model.

    Args:
        cfg: A composed configuration.
        specs: What `cfexp.config.build` made of it.
        folder: Where the run's files go.
        name: Name of the run.
        start: A trained model to go on from, with its encoder.
        tags: Tags of the MLflow run besides cfexp's own.

    Raises:
        CfexpError: The configuration, the data, the training or the tracking failed.
    """
    training: Training = specs["training"]
    settings = Settings(training, specs["optimizer"], cfg.seed, cfg.deterministic)
    config = OmegaConf.to_yaml(cfg, resolve=True)
    watch = Stopwatch()

    with watch("data"):
        ratings: Ratings = specs["dataset"].load()
        split: Split = specs["split"].split(ratings, seed=cfg.seed)
        against = {
            key: evaluate_fitted(fitted, ratings, split.test)
            for key, fitted in fit_baselines(BASELINES, ratings, split).items()
        }
    report.log_data(ratings, split)

    path = Path(training.checkpoint_dir) / f"{run_key(cfg)}.npz"
    resumed = checkpoint.load(path).note if training.resume else {}
    check_tracking(specs["tracking"])
    # MLflow then does its imports and first contact while XLA compiles.
    with watch("imports"):
        specs["model"].prepare()
        members = [] if start else _members(specs, ratings, split)
    git = git_state(Path.cwd())
    model = specs["model"].name
    found = describe.tags(ratings, split, git, kind="train", model=model)
    named = {"cfexp.members": " ".join(m.name for m in members)} if members else {}
    tracked = open_run(
        specs["tracking"],
        name=name,
        tags=found | {"cfexp.folder": str(folder)} | named | dict(tags or {}),
        resume_id=resumed.get("run_id") or None,
    )

    with tracked:
        tracked.log_start(
            params=describe.params(yaml.safe_load(config)),
            inputs=describe.inputs(ratings, split),
        )
        with watch("fit"):
            if members:
                fitted = stack(members, ratings, split, seed=cfg.seed)
            else:
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
        baselines = {key: tested.evaluation for key, tested in against.items()}
        metrics = describe.metrics(fitted, test.evaluation, baselines)
        origin = Origin(
            model=model,
            dataset=ratings.name,
            data_fingerprint=ratings.fingerprint,
            split_fingerprint=split.fingerprint,
            config=config,
            cfexp=cfexp.__version__,
        )
        predictor = Predictor(
            encoder=fitted.encoder,
            scorer=fitted.scorer,
            movies=ratings.movies,
            origin=origin,
        )
        with watch("save"):
            predictor.save(folder / "model")
            results.write(
                folder / "results",
                config=config,
                metrics=metrics | watch.metrics(),
                test=results.test_predictions(ratings, split.test, test),
                valid=results.predictions(ratings, split.valid, fitted.val_predicted),
                history=fitted.history,
                git=git,
            )
        with watch("log"):
            sample = results.sample(ratings, split.test)
            reloaded = tracked.log_model(folder / "model", example=sample.head(5))
            difference = max_difference(predictor, reloaded, sample)
        metrics |= {"reload_max_abs_diff": difference} | watch.metrics()
        results.write_metrics(folder / "results", metrics)
        tracked.log_results(metrics, folder / "results")
    if worker_index() == 0:
        path.unlink(missing_ok=True)

    report.print_evaluation(f"{name} on {ratings.name}", test.evaluation, baselines)
    report.print_summary(fitted, metrics, watch, run_id=tracked.run_id, folder=folder)
    return RunResult(tracked.run_id, folder, metrics, test.evaluation, predictor)


def for_worker(
    index: int, specs: Mapping[str, Any], folder: Path
) -> tuple[Mapping[str, Any], Path]:
    """Returns the specs and folder of one of several workers.

    All train and test the same model; only the first one's files and MLflow run stay.
    """
    if index == 0:
        return specs, folder
    alone = {
        "tracking": replace(specs["tracking"], enabled=False),
        "training": replace(specs["training"], checkpoint_every=0),
    }
    return {**specs, **alone}, folder / f"worker_{index}"


def _members(specs: Mapping[str, Any], ratings: Ratings, split: Split) -> list[Member]:
    """Returns the runs that an ensemble stacks; none for other models."""
    model = specs["model"]
    if not isinstance(model, Ensemble):
        return []
    found = find_members(
        model.runs,
        tracking=specs["tracking"],
        data_fingerprint=ratings.fingerprint,
        split_fingerprint=split.fingerprint,
    )
    return [
        load_member(saved.reference, saved.folder, valid, ratings, split)
        for saved, valid in found
    ]
