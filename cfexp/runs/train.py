"""Trains one model: from data to a logged model, once where that is asked for."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cfexp
from cfexp.data.checks import require_different_ratings
from cfexp.data.ratings import RATING, Ratings
from cfexp.data.split import Split
from cfexp.errors import ConfigError
from cfexp.evaluation.comparison import Comparison
from cfexp.evaluation.groups import times_seen
from cfexp.models.base import NeuralModel
from cfexp.models.ensemble import Ensemble
from cfexp.models.known import KnownPairs
from cfexp.models.overlap import check_related, unknown_split
from cfexp.models.predictor import Origin, Predictor, max_difference
from cfexp.models.trained_on import TrainedOn, fit_baselines
from cfexp.reports.card import write_card
from cfexp.reports.run_tables import log_data, print_evaluation, print_summary
from cfexp.runs import metadata as describe
from cfexp.runs import results
from cfexp.runs.job import Job, job_key
from cfexp.runs.results import (
    CARD,
    optional,
    predictions,
    test_predictions,
    weights_digest,
    write,
    write_metrics,
    write_skipped,
    writing,
)
from cfexp.runtime.files import check_folder
from cfexp.runtime.locks import claimed
from cfexp.runtime.provenance import GitState, git_state
from cfexp.runtime.stopwatch import Stopwatch
from cfexp.runtime.workers import worker_index
from cfexp.tracking.tags import owner_tags
from cfexp.tracking.tracker import check_tracking, find_earlier, find_members, open_run
from cfexp.training import checkpoint
from cfexp.training.fit import Fitted, Settings, Start, fit_model
from cfexp.training.settings import Training
from cfexp.training.stacking import Member, load_member, stack
from cfexp.training.testing import Tested, evaluate_fitted, test_baselines

if TYPE_CHECKING:
    from cfexp.tracking.previous import Earlier

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What is known of a job that is done.

    Attributes:
        run_id: Id of its MLflow run; None without tracking.
        metrics: Its final metrics.
        folder: The folder with its ``results/`` and ``model/``.
        repeated: Whether it was trained now, rather than found finished.
    """

    run_id: str | None
    metrics: dict[str, float]
    folder: Path
    repeated: bool = True


@dataclass(frozen=True)
class Source:
    """A trained model to go on from.

    Attributes:
        predictor: The model.
        name: Its run id, or its folder.
        known_rows: What to do with test and validation rows that it knows: ``error``
            or ``drop``.
        same_ids: Ids of other data mean the same users and movies.
    """

    predictor: Predictor
    name: str
    known_rows: str
    same_ids: bool

    @property
    def start(self) -> Start:
        """The model with its encoder, as `fit_model` takes them."""
        return self.predictor.encoder, self.predictor.scorer

    def checked(self, split: Split, ratings: Ratings) -> Split:
        """Returns the split without rows that the model knows; see `unknown_split`.

        Raises:
            DataError: It knows some and they are not to be left out, or the ids of the
                dataset need not be those that it knows.
        """
        check_related(self.predictor, ratings, same_ids=self.same_ids)
        known = self.predictor.trained_on.known
        return unknown_split(split, ratings, known, policy=self.known_rows)


def train(
    job: Job, *, ratings: Ratings | None = None, source: Source | None = None
) -> Outcome:
    """Trains, evaluates, saves and logs one model, if that is not done already.

    Args:
        job: What to do.
        ratings: The job's dataset, where it is loaded already.
        source: A trained model to go on from.

    Raises:
        CfexpError: The configuration, the data, the training or the tracking failed.
    """
    results.check_folder(job.folder)
    watch = Stopwatch()
    training: Training = job.specs["training"]
    check_folder(Path(training.checkpoint_dir), "training.checkpoint_dir")
    with watch("data"):
        ratings = ratings or job.specs["dataset"].load()
        require_different_ratings(ratings.name, ratings.frame[RATING])
        split: Split = job.specs["split"].split(ratings, seed=job.seed)
        if source:
            split = source.checked(split, ratings)
    log_data(ratings, split)
    check_tracking(job.specs["tracking"])
    key = job_key(job, ratings, split)
    path = Path(training.checkpoint_dir) / f"{key}.npz"
    together = training.strategy == "multiworker"
    # Workers of one training share its checkpoint, which only the first one writes.
    worker = f".worker{worker_index()}" if together and worker_index() else ""
    lock = path.with_suffix(f"{worker}.lock")
    if together or isinstance(job.specs["model"], Ensemble):
        job = replace(job, once=False)  # other workers cannot tell; members change
    with claimed(lock, wait=job.once) as (lock, first):
        if not first:
            training = _without_checkpoint(training, job.specs["model"], path)
        resumes = training.resume and not job.once
        run_id = checkpoint.load(path).note.get("run_id") if resumes else None
        if job.once:
            earlier = find_earlier(
                job.specs["tracking"], key, lock=lock, parent_id=job.parent_id
            )
            if earlier and earlier.finished:
                path.unlink(missing_ok=True)
                return _skipped(job, earlier)
            if earlier:
                run_id = earlier.run_id
                training = training.replace(resume=path.exists())
                where = "its checkpoint" if training.resume else "the start"
                log.info("going on with run %s from %s", run_id, where)
        tags = owner_tags(key, lock) | dict(job.tags)
        job = replace(job, specs={**job.specs, "training": training}, tags=tags)
        return _train(job, ratings, split, watch, path, source=source, run_id=run_id)


def _skipped(job: Job, earlier: "Earlier") -> Outcome:
    """Says which run has done a job, and returns what came out of it."""
    log.info(
        "skipped: run %s has done this job (rerun=true trains it again)",
        earlier.run_id,
    )
    write_skipped(job.folder, earlier.metrics, earlier.run_id)
    found = Path(earlier.folder)
    return Outcome(earlier.run_id, earlier.metrics, found, repeated=False)


def _without_checkpoint(training: Training, model: Any, path: Path) -> Training:
    """Returns how to train while another process trains the same, and keeps `path`.

    Raises:
        ConfigError: It was to go on from that checkpoint.
    """
    if training.resume:
        raise ConfigError(
            "training.resume=true, but another process is training exactly this now,"
            f" with the checkpoint {path}. Wait until it has ended, or set"
            " training.resume=false."
        )
    if training.checkpoint_every and isinstance(model, NeuralModel):
        log.warning(
            "another process is training exactly this now: this run keeps no"
            " checkpoint, and leaves alone %s",
            path,
        )
    return training.replace(checkpoint_every=0)


def _train(
    job: Job,
    ratings: Ratings,
    split: Split,
    watch: Stopwatch,
    path: Path,
    *,
    source: Source | None,
    run_id: str | None,
) -> Outcome:
    """Does what `train` says, at the checkpoint file `path`."""
    specs = job.specs
    # MLflow does its imports and first contact while XLA compiles.
    with watch("imports"):
        specs["model"].prepare()
        members = [] if source else _members(specs, ratings, split)
    git = git_state(Path.cwd())
    tags = describe.job_tags(job, ratings, split, git, members=members)
    tracked = open_run(
        specs["tracking"],
        name=job.name,
        tags=tags,
        folder=job.folder,
        parent_id=job.parent_id,
        resume_id=run_id,
    )
    with tracked:
        tracked.log_start(
            params=_params(job, source),
            inputs=describe.inputs(ratings, split),
        )
        with watch("fit"):
            if members:
                fitted = stack(members, ratings, split, seed=job.seed)
            else:
                fitted = fit_model(
                    specs["model"],
                    ratings,
                    split,
                    settings=Settings(
                        specs["training"],
                        specs["optimizer"],
                        job.seed,
                        job.deterministic,
                    ),
                    checkpoints=checkpoint.Checkpointing(
                        path,
                        lambda: {"run_id": tracked.run_id or ""},
                        or_anew=job.once,
                    ),
                    on_epoch=tracked.log_epoch,
                    start=source.start if source else None,
                )
        with watch("evaluate"):
            seen = times_seen(ratings, split.test, split.train)
            test = evaluate_fitted(fitted, ratings, split.test, seen=seen)
            known = _known(ratings, split, fitted, source=source, members=members)
            trained_on = TrainedOn(known, fit_baselines(ratings, fitted.rows))
            comparison = Comparison(
                test.evaluation,
                test_baselines(trained_on.baselines, ratings, split.test, seen),
                describe.fitted_on(
                    fitted.rows,
                    split,
                    members=len(members),
                    before=source.name if source else "",
                ),
            )
        metrics = describe.metrics(fitted, split, comparison)
        predictor = _predictor(job, ratings, split, fitted, trained_on, source)
        weights = {"cfexp.weights_sha256": weights_digest(fitted.scorer)}
        with watch("save"):
            predictor.save(job.folder / "model")
            _write_results(
                job,
                ratings,
                split,
                fitted,
                test,
                comparison=comparison,
                metrics=metrics | watch.metrics(),
                git=git,
                tags=tags | weights,
            )
        with watch("log"):
            sample = results.sample(ratings, split.test)
            reloaded = tracked.log_model(job.folder / "model", example=sample.head(5))
            difference = max_difference(predictor, reloaded, sample)
        metrics |= {"reload_max_abs_diff": difference} | watch.metrics()
        write_metrics(job.folder / "results", metrics)
        tracked.log_results(metrics, job.folder / "results", tags=weights)
    mine = specs["training"].checkpoint_every or specs["training"].resume
    if mine and worker_index() == 0:
        path.unlink(missing_ok=True)
    print_evaluation(f"{job.name} on {ratings.name}", comparison)
    print_summary(fitted, metrics, watch, run_id=tracked.run_id, folder=job.folder)
    return Outcome(tracked.run_id, metrics, job.folder)


def _params(job: Job, source: Source | None) -> dict[str, Any]:
    """Returns the logged parameters."""
    found = describe.job_params(job)
    if source:
        # Tells a model from the one it went on from, if all else is the same.
        found["finetunes"] = len(source.predictor.origin.sources) + 1
    return found


def _known(
    ratings: Ratings,
    split: Split,
    fitted: Fitted,
    *,
    source: Source | None,
    members: list[Member],
) -> KnownPairs:
    """Returns all pairs that a fitted model knows, from its sources and members too."""
    own = KnownPairs.of(ratings, fitted.rows, split.valid)
    others = [m.known for m in members if m.known]
    if source:
        others.append(source.predictor.trained_on.known)
    return own.union(*others) if others else own


def _predictor(
    job: Job,
    ratings: Ratings,
    split: Split,
    fitted: Fitted,
    trained_on: TrainedOn,
    source: Source | None,
) -> Predictor:
    """Returns the fitted model with everything needed to use it."""
    before = source.predictor.origin.sources if source else ()
    origin = Origin(
        model=job.specs["model"].name,
        dataset=ratings.name,
        data_fingerprint=ratings.fingerprint,
        split_fingerprint=split.fingerprint,
        config=job.config,
        cfexp=cfexp.__version__,
        sources=(*before, source.name) if source else (),
    )
    return Predictor(
        encoder=fitted.encoder,
        scorer=fitted.scorer,
        movies=ratings.movies,
        origin=origin,
        load_trained_on=lambda: trained_on,
    )


def _write_results(
    job: Job,
    ratings: Ratings,
    split: Split,
    fitted: Fitted,
    test: Tested,
    *,
    comparison: Comparison,
    metrics: Mapping[str, float],
    git: GitState | None,
    tags: Mapping[str, str],
) -> None:
    """Writes everything but the model into the run's folder."""
    tested = test_predictions(ratings, split.test, test)
    write(
        job.folder / "results",
        config=job.config,
        metrics=metrics,
        test=tested,
        valid=predictions(ratings, split.valid, fitted.val_predicted),
        history=fitted.history,
        git=git if job.specs["tracking"].git_diff else None,
        tags=tags,
    )
    with (
        optional("the model card"),
        writing(job.folder / "results", *CARD),
    ):
        write_card(
            job.folder / "results",
            title=f"{job.name} on {ratings.name}",
            ratings=ratings,
            split=split,
            comparison=comparison,
            test=tested,
            params=describe.job_params(job),
            metrics=metrics,
        )


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
