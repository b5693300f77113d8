"""``cfexp reproduce RUN --checkout``: reproduces a run with the code of its commit."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cfexp.config.arguments import CHECKOUT
from cfexp.config.build import build
from cfexp.config.compose import compose
from cfexp.config.objective import chosen_by
from cfexp.errors import ConfigError, TrackingError, first_line
from cfexp.runtime.provenance import SOURCE_VARIABLE
from cfexp.tracking.preflight import check_reachable
from cfexp.tracking.settings import Choice
from cfexp.tracking.tags import COMMIT
from cfexp.tracking.tracker import find_past


def main(arguments: list[str]) -> int:
    """Reproduces a run in a process that imports from a checkout of its commit.

    The checkout is a temporary git worktree. Paths of data and of the tracking database
    are relative to the working directory, as ever.

    Args:
        arguments: A run and overrides, without `CHECKOUT`.

    Returns:
        The exit status of ``cfexp reproduce``.

    Raises:
        CfexpError: The run has no commit, or the repository does not hold it.
    """
    if not arguments or "=" in arguments[0]:
        needed = "needs a run: an id, latest or best"
        raise ConfigError(f"cfexp reproduce {CHECKOUT} {needed}")
    run, *overrides = arguments
    request = build(compose(overrides))
    if (tracking := request.tracking).enabled:
        check_reachable(tracking.uri, existing=True)
    from cfexp.runs.metadata import required_of

    required = required_of(request.experiment, overrides)
    choice = Choice(chosen_by("best_of", request), required)
    past = find_past(run, tracking=tracking, choice=choice)
    if (commit := past.tags.get(COMMIT)) is None:
        raise TrackingError(
            f"run {past.run_id} was not trained in a git repository, so that there is"
            f" no commit to check out. Reproduce it without {CHECKOUT}"
        )
    with worktree(commit) as folder:
        return _reproduce(folder, [f"run_id={past.run_id}", *overrides])


def _reproduce(folder: str, arguments: list[str]) -> int:
    """Reproduces a run with the code of a checkout; returns the exit status."""
    path = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
    # -P: or the working directory's modules would take precedence.
    command = [sys.executable, "-P", "-m", "cfexp", "mode=reproduce", *arguments]
    return subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": path, SOURCE_VARIABLE: folder},
        check=False,
    ).returncode


@contextmanager
def worktree(commit: str) -> Iterator[str]:
    """Checks out a commit of the working directory's repository temporarily.

    Yields:
        The folder of the checkout.

    Raises:
        ConfigError: There is no repository, or it does not contain the commit.
    """
    with TemporaryDirectory(prefix="cfexp-checkout-") as folder:
        target = str(Path(folder) / "code")
        try:
            _git("worktree", "add", "--detach", target, commit)
        except (OSError, subprocess.CalledProcessError) as error:
            reason = getattr(error, "stderr", "") or first_line(error)
            raise ConfigError(
                f"cannot check out commit {commit}: {reason.strip().splitlines()[-1]}."
                " Go to the repository that the run was trained in, and git fetch"
            ) from error
        try:
            yield target
        finally:
            _git("worktree", "remove", "--force", target)


def _git(*arguments: str) -> None:
    subprocess.run(
        ["git", *arguments], check=True, capture_output=True, text=True, timeout=120
    )
