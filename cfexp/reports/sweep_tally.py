"""What a sweep is to do, and what is known of its jobs."""

from dataclasses import dataclass, field

from cfexp.evaluation.objective import BY_RMSE, Objective
from cfexp.runtime.console import plain
from cfexp.runtime.job_status import BEFORE, DONE, FAILED, JobStatus


@dataclass(frozen=True)
class Plan:
    """What a sweep is to do.

    Attributes:
        total: The number of jobs; None if the sweeper decides while it runs.
        shared: Overrides that all jobs have, which their lines leave out.
        objective: The metric by which the best job is chosen.
        what: What a job is called, such as ``job`` or ``repeat``.
    """

    total: int | None
    shared: tuple[str, ...] = ()
    objective: Objective = BY_RMSE
    what: str = "job"

    def label(self, status: JobStatus) -> str:
        """Returns what a job has of its own."""
        own = [o for o in status.overrides if o not in self.shared]
        return plain(" ".join(own or status.overrides))

    def place(self, number: int) -> str:
        """Returns a job's number as text, from 1: ``3/6``."""
        return f"{number + 1}/{self.total}" if self.total else str(number + 1)


@dataclass
class Tally:
    """What is known of the jobs of a sweep.

    Attributes:
        started: When the sweep was.
        jobs: The last status of each job, by number.
    """

    started: float
    jobs: dict[int, JobStatus] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        """The number of jobs that have ended."""
        return sum(job.ended is not None for job in self.jobs.values())

    @property
    def running(self) -> list[JobStatus]:
        """The jobs that run now."""
        return [job for job in self.jobs.values() if job.ended is None]

    def add(self, status: JobStatus) -> bool:
        """Adds a job's status; returns whether the job has just ended."""
        known = self.jobs.get(status.number)
        if known and known.ended is not None:
            return False
        self.jobs[status.number] = status
        return status.ended is not None

    def left(self, total: int | None, now: float) -> float | None:
        """Returns the seconds left, if the other jobs take as long as those that ended.

        None if that is not known. Jobs that were finished before say nothing of it.
        """
        trained = [
            job.seconds
            for job in self.jobs.values()
            if job.ended is not None and job.state != BEFORE
        ]
        if not total or not trained:
            return None
        each, running = sum(trained) / len(trained), self.running
        gone = sum(min(max(now - job.started, 0), each) for job in running)
        return (each * (total - self.ended) - gone) / max(len(running), 1)

    def best(self, objective: Objective) -> JobStatus | None:
        """Returns the finished job with the best objective, if any."""
        found = [
            job
            for job in self.jobs.values()
            if job.state in DONE and objective.name in job.metrics
        ]
        return min(
            found,
            key=lambda job: objective.cost(job.metrics[objective.name]),
            default=None,
        )

    def standing(self, plan: Plan) -> str:
        """Returns how many jobs are finished, and where the others are."""
        jobs = sorted(self.jobs.values(), key=lambda job: job.number)
        done = sum(job.state in DONE for job in jobs)
        of = f" of {plan.total}" if plan.total else ""
        said = [f"{done}{of} {plan.what}s {'is' if done == 1 else 'are'} finished"]
        failed = sum(job.state == FAILED for job in jobs)
        said += [f"{failed} failed"] if failed else []
        for job in jobs:
            if job.state not in (*DONE, FAILED) and job.epochs:
                name = f"{plan.what} {plan.place(job.number)} ({plan.label(job)})"
                said.append(f"{name} was after epoch {job.epoch} of {job.epochs}")
        return ", ".join(said)
