"""One run, from configuration to logged model: the table of contents of cfexp."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from cfexp.config.build import build
from cfexp.config.identity import digest, run_key, telling
from cfexp.config.overrides import with_overrides
from cfexp.config.repeats import repeats
from cfexp.config.schema import Mode
from cfexp.data.ratings import Ratings
from cfexp.data.split import Split
from cfexp.errors import ConfigError
from cfexp.models.overlap import DROP, check_related
from cfexp.models.predictor import Predictor
from cfexp.runs import metadata as describe
from cfexp.runs import plan
from cfexp.runs import verdict as reproduce
from cfexp.runs.evaluate import evaluate_saved, rows_to_test
from cfexp.runs.predict import check_output, predict
from cfexp.runs.recommend import recommend
from cfexp.runs.repeats import Member, train_repeats
from cfexp.runs.results import check_folder
from cfexp.runs.sweep import Swept
from cfexp.runs.train import Source, train
from cfexp.runtime.provenance import git_state
from cfexp.runtime.workers import worker_index
from cfexp.runtime.xla_cache import keep_programs
from cfexp.tracking.folder import Past
from cfexp.tracking.settings import Choice, Tracking
from cfexp.tracking.tracker import check_tracking, find_model, open_run
from cfexp.training.fit import check_tunable

log = logging.getLogger(__name__)


def run(
    cfg: DictConfig,
    specs: Mapping[str, Any],
    *,
    folder: Path,
    name: str,
    overrides: Sequence[str],
    swept: Swept | None = None,
) -> float | None:
    """Does what ``mode`` says; returns the objective of a sweep where it trains.

    Args:
        cfg: A composed configuration.
        specs: What `cfexp.config.build.build` made of it.
        folder: Where the run's files go.
        name: Name of the run.
        overrides: What the user set on the command line.
        swept: The sweep that it is a job of.

    Raises:
        CfexpError: Something the user can mend; the message says how.
    """
    tracking: Tracking = specs["tracking"]
    _check_files(cfg, folder)
    parent_id = None
    if swept:
        tracking = tracking.replace(uri=swept.uri or tracking.uri)
        specs, parent_id = {**specs, "tracking": tracking}, swept.parent_id
    if cfg.mode is Mode.train:
        if specs["training"].strategy == "multiworker":
            specs, folder = for_worker(worker_index(), specs, folder)
        if cfg.cv or cfg.seeds:
            return _train_repeats(cfg, specs, folder, name, overrides, parent_id)
        job = plan.job(
            cfg,
            specs,
            folder=folder,
            name=name,
            overrides=overrides,
            parent_id=parent_id,
        )
        return train(job).metrics[cfg.objective]
    if cfg.mode is Mode.reproduce:
        _reproduce(cfg, tracking, folder, name, overrides)
        return None
    use = _finetune if cfg.mode is Mode.finetune else _use
    return use(cfg, tracking, folder, name, overrides, parent_id)


def _finetune(
    cfg: DictConfig,
    tracking: Tracking,
    folder: Path,
    name: str,
    overrides: Sequence[str],
    parent_id: str | None,
) -> float | None:
    """Trains a trained model further; returns the objective, where it has one."""
    keep_programs()  # before the model is loaded, which imports TensorFlow
    predictor, source = _trained_model(cfg, tracking, overrides)
    cfg = with_overrides(predictor.origin.config, cfg, list(overrides))
    cfg.training.refit = False  # the trained model is changed only once
    specs = {**build(cfg), "tracking": tracking}
    check_tunable(specs["model"])
    job = plan.job(
        cfg,
        specs,
        folder=folder,
        name=name,
        overrides=overrides,
        parent_id=parent_id,
        tags={"cfexp.source": source},
    )
    begun = Source(predictor, source, cfg.known_rows, cfg.same_ids)
    return train(job, source=begun).metrics.get(cfg.objective)


def _use(
    cfg: DictConfig,
    tracking: Tracking,
    folder: Path,
    name: str,
    overrides: Sequence[str],
    parent_id: str | None,
) -> None:
    """Predicts, recommends or evaluates with a trained model."""
    predictor, source = _trained_model(cfg, tracking, overrides)
    cfg = with_overrides(predictor.origin.config, cfg, list(overrides))
    specs = build(cfg)
    if cfg.mode is Mode.predict:
        predict(predictor, pairs=cfg.pairs, output=_output(cfg, folder))
        return
    ratings: Ratings = specs["dataset"].load()
    check_related(predictor, ratings, same_ids=cfg.same_ids)
    if cfg.mode is Mode.recommend:
        output = _output(cfg, folder)
        recommend(predictor, ratings, user=cfg.user, k=cfg.k, output=output)
        return
    split: Split = specs["split"].split(ratings, seed=cfg.seed)
    rows = rows_to_test(predictor, ratings, split, known_rows=cfg.known_rows)
    model = predictor.origin.model
    tags = describe.tags(ratings, split, None, kind="evaluate", model=model)
    with open_run(
        tracking,
        name=name,
        tags=tags | {"cfexp.source": source},
        folder=folder,
        parent_id=parent_id,
    ) as tracked:
        metrics = evaluate_saved(predictor, ratings, rows, output=folder)
        tracked.log_results(metrics, folder / "results")


def _trained_model(
    cfg: DictConfig, tracking: Tracking, overrides: Sequence[str]
) -> tuple[Predictor, str]:
    """Returns the model of ``run_id`` and its run id, or its folder."""
    saved = find_model(cfg.run_id, tracking=tracking, choice=_choice(cfg, overrides))
    predictor = Predictor.load(saved.folder)
    origin, name = predictor.origin, saved.run_id or str(saved.folder.absolute())
    log.info("the model of %s: %s, trained on %s", name, origin.model, origin.dataset)
    return predictor, name


def _choice(cfg: DictConfig, overrides: Sequence[str]) -> Choice:
    return Choice(cfg.best_of, describe.asked(cfg, overrides))


def _check_files(cfg: DictConfig, folder: Path) -> None:
    """Checks, before any work, that nothing of the user's would be written over.

    Raises:
        ConfigError: Something would.
    """
    if cfg.mode not in (Mode.predict, Mode.recommend):
        check_folder(folder)
        named = Path(cfg.run_id or "").expanduser().absolute()
        if cfg.run_id and named in (folder.absolute(), folder.absolute() / "model"):
            raise ConfigError(
                f"hydra.run.dir={folder} is the folder of run_id={cfg.run_id}, whose"
                " results would be lost. Choose another hydra.run.dir"
            )
        return
    read = [cfg.pairs, cfg.dataset.get("ratings"), cfg.dataset.get("movies")]
    check_output(
        _output(cfg, folder),
        overwrite=cfg.overwrite,
        read=[Path(path) for path in read if path],
    )


def _output(cfg: DictConfig, folder: Path) -> Path:
    """Returns the file that predictions or recommendations go to."""
    kind = "predictions" if cfg.mode is Mode.predict else "recommendations"
    return Path(cfg.output or folder / f"{kind}.csv")


def _reproduce(
    cfg: DictConfig,
    tracking: Tracking,
    folder: Path,
    name: str,
    overrides: Sequence[str],
) -> None:
    """Trains a finished run again, from its own configuration, and judges both."""
    from cfexp.tracking.find import annotate, find_past

    check_tracking(tracking)
    choice = _choice(cfg, overrides)
    past = find_past(cfg.run_id, tracking=tracking, choice=choice)
    cfg = _as_it_was(past, cfg, overrides)
    if "cfexp.members" in past.tags:
        cfg.model.runs = past.tags["cfexp.members"].split()
    source = _source_of(past, cfg, tracking)
    specs = {**build(cfg), "tracking": tracking}
    ratings: Ratings = specs["dataset"].load()
    split: Split = specs["split"].split(ratings, seed=cfg.seed)
    if source:
        split = source.checked(split, ratings)
    reproduce.check_data(past, data=ratings.fingerprint, split=split.fingerprint)
    reproduce.warn_of_code(past, git_state(Path.cwd()))
    job = plan.job(
        cfg,
        specs,
        folder=folder,
        name=name if cfg.run_name else f"reproduce {past.run_id}",
        overrides=json.loads(past.tags["cfexp.overrides"]),
        tags={"cfexp.reproduces": past.run_id},
    )
    outcome = train(job, ratings=ratings, source=source)
    now = Past.load("", folder / "results")
    file = folder / "results" / reproduce.FILE
    verdict = reproduce.judge(past, now, file)
    if outcome.run_id:
        tags = {"cfexp.reproduced": verdict}
        annotate(tracking, outcome.run_id, tags=tags, file=file)
    reproduce.check_verdict(past, verdict, file)


def _as_it_was(past: Past, cfg: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """Returns the configuration of a past run; it may be kept elsewhere, no more.

    Raises:
        ConfigError: An override would make it another run.
    """
    was = with_overrides(past.config, cfg, [])
    found = with_overrides(past.config, cfg, list(overrides))
    if run_key(found) != run_key(was):
        changed = " ".join(telling(list(overrides)))
        raise ConfigError(
            f"{changed}: cfexp reproduce trains run {past.run_id} as it was, and this"
            " would make it another run. Leave it out, or train it with mode=train"
        )
    found.mode, found.run_id = Mode.train, None
    return found


def _source_of(past: Past, cfg: DictConfig, tracking: Tracking) -> Source | None:
    """Returns the model that a fine-tuned past run went on from."""
    name = past.tags.get("cfexp.source")
    if name is None:
        return None
    keep_programs()
    saved = find_model(name, tracking=tracking, choice=Choice())
    # What was left out then shows in the split's fingerprint, which is checked.
    return Source(Predictor.load(saved.folder), name, DROP, same_ids=True)


def _train_repeats(
    cfg: DictConfig,
    specs: Mapping[str, Any],
    folder: Path,
    name: str,
    overrides: Sequence[str],
    parent_id: str | None,
) -> float:
    """Trains each fold and seed of one configuration; returns the mean objective."""
    members = [
        Member(
            repeat.label,
            plan.job(
                repeat.cfg,
                {**build(repeat.cfg), "tracking": specs["tracking"]},
                folder=folder / str(i),
                name=f"{repeat.label} {name}"[:200],
                overrides=repeat.overrides,
            ),
        )
        for i, repeat in enumerate(repeats(cfg, overrides))
    ]
    key = digest(*(member.job.config_key for member in members), parent_id or "")
    metrics = train_repeats(
        members,
        folder=folder,
        name=name,
        key=None if cfg.rerun else key,
        parent_id=parent_id,
    )
    return metrics[cfg.objective]


def for_worker(
    index: int, specs: Mapping[str, Any], folder: Path
) -> tuple[Mapping[str, Any], Path]:
    """Returns the specs and folder of one of several workers.

    All train and test the same model; only the first one's files and MLflow run stay.
    """
    if index == 0:
        return specs, folder
    alone = {
        "tracking": specs["tracking"].replace(enabled=False),
        "training": specs["training"].replace(checkpoint_every=0),
    }
    return {**specs, **alone}, folder / f"worker_{index}"
