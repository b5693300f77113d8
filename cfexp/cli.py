"""The command line: composes and checks a configuration, then runs it."""

import atexit
import importlib
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from cfexp import config, plan, restore
from cfexp.errors import CfexpError, ConfigError, Failed, did_you_mean, first_line
from cfexp.masking import masked
from cfexp.signals import interrupt_on_sigterm
from cfexp.sweep import current_sweep, finish_open_sweep

log = logging.getLogger(__name__)

TRACEBACK_VARIABLE = "HYDRA_FULL_ERROR"
# What ``cfexp NAME`` does without being a run: a module with a function `main`.
COMMANDS = {
    "bench": "cfexp.bench.command",
    "compare": "cfexp.compare.command",
    "promote": "cfexp.promote",
    "sync": "cfexp.tracking.sync",
}


def main() -> None:
    """Runs ``cfexp`` and ends the process.

    Taking TensorFlow apart takes Python up to three seconds at the end, and is of no
    use: what has to be done at exit is done here, and then the process just ends.
    """
    command = COMMANDS.get(sys.argv[1] if len(sys.argv) > 1 else "")
    if sys.argv[1:2] == ["reproduce"] and restore.FLAG in sys.argv:
        sys.argv.remove(restore.FLAG)
        command = "cfexp.restore"
    elif sys.argv[1:2] == ["reproduce"]:  # a run, so that Hydra gives it its folder
        named = sys.argv[2:3] and not sys.argv[2].startswith("-")
        run = [f"run_id={sys.argv.pop(2)}"] if named else []
        sys.argv[1:2] = ["mode=reproduce", *run]
    code = run_command(command, sys.argv[2:]) if command else run_cli()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run_cli() -> int:
    """Runs ``cfexp``; returns its exit status: 1 on errors, 130 or 143 when stopped."""
    config.register()
    app = hydra.main(
        version_base="1.3", config_path=str(config.conf_dir()), config_name="config"
    )(_task)

    def checked() -> object:
        _check_folder()
        return app()

    return _exit_status(checked)


def _check_folder() -> None:
    """Checks the working directory's path, which becomes a value of Hydra's.

    Raises:
        ConfigError: Hydra would take a part of it for an interpolation.
    """
    folder = Path.cwd()
    if "${" in str(folder):
        raise ConfigError(
            f"Hydra cannot run in {folder}: it reads ${{ in a path as the name of an"
            " option. Rename the folder, or start cfexp elsewhere"
        )


def run_command(module: str, arguments: list[str]) -> int:
    """Runs one of `COMMANDS`; returns its exit status, as `run_cli`."""
    return _exit_status(lambda: importlib.import_module(module).main(arguments))


def _exit_status(job: Callable[[], object]) -> int:
    """Does a job, explains its error in one line and returns the exit status.

    A job may return an exit status of its own.
    """
    wants_traceback = os.environ.get(TRACEBACK_VARIABLE) == "1"
    # Makes Hydra raise errors instead of printing them, so that we can explain them.
    os.environ[TRACEBACK_VARIABLE] = "1"
    interrupt_on_sigterm()
    try:
        status = job()
    except KeyboardInterrupt as stop:
        finish_open_sweep("KILLED")
        print("cfexp: stopped", file=sys.stderr)
        return 143 if str(stop) == "SIGTERM" else 130
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except (Exception, Failed) as stop:
        error = stop.error if isinstance(stop, Failed) else stop
        finish_open_sweep("FAILED")
        if wants_traceback:
            lines = traceback.format_exception(error)
            print(masked("".join(lines)), file=sys.stderr, end="")
        print(f"cfexp: error: {masked(explain(error))}", file=sys.stderr)
        return 1
    return status if isinstance(status, int) else 0


def _task(cfg: DictConfig) -> float | None:
    job = HydraConfig.get()
    try:
        swept = current_sweep()
        if swept:
            swept.enter()
        specs = config.build(cfg)
        # Everything heavy is imported from here on.
        from cfexp.run import run

        overrides = list(job.overrides.task)
        return run(
            cfg,
            specs,
            folder=Path(job.runtime.output_dir),
            name=cfg.run_name or plan.run_name(cfg.model.name, overrides),
            overrides=overrides,
            swept=swept,
        )
    except Exception as error:
        log.debug("the run failed", exc_info=True)
        if job.mode is RunMode.RUN:
            raise Failed(error) from error
        # Hydra says what went wrong in a sweep only at its end, and logs it nowhere.
        log.error("%s", explain(error))
        raise


def explain(error: BaseException) -> str:
    """Returns an error as one line: what happened and, where known, how to mend it."""
    if isinstance(error, CfexpError):
        return " ".join(str(error).split())
    text = str(error)
    if isinstance(error, OverrideParseException):
        return (
            f"cannot read the override {error.override}: write name=value, and quote"
            " a value with spaces or signs: 'name=\"a value\"'"
        )
    if isinstance(error, HydraException):
        option = re.search(r"Could not find '(.+?)/([^/']+)'", text)
        listed = re.search(r"Available options in '.+?':\n((?:\t.*\n?)+)", text)
        if option and listed:
            group, name = option.groups()
            options = listed[1].split()
            return (
                f"{group}={name} is not an option{did_you_mean(name, options)}. Options"
                f" of {group}: {', '.join(options)}."
            )
        key = re.search(r"Could not (?:override|delete) '([^']+)'", text)
        cause = error.__cause__
        if key and "not in" in f"{text}{cause}":
            return (
                f"there is no option {key[1]}{did_you_mean(key[1], _known_keys())}. See"
                " them all with: python -m cfexp --cfg job"
            )
        if cause is not None:
            text = f"{text}: {first_line(cause)}"
    elif isinstance(error, OmegaConfBaseException):
        text = first_line(error)
    else:
        text = f"{type(error).__name__}: {text}"
    text = re.sub(r"\s+", " ", text).strip()
    return f"{text} (set {TRACEBACK_VARIABLE}=1 for the traceback)"


def _known_keys() -> list[str]:
    """Returns every key that can be set, with its groups' keys in dotted form."""
    cfg = config.compose([])
    keys = [str(key) for key in cfg]
    for group in config.GROUPS:
        keys += [f"{group}.{key}" for key in cfg[group]]
    return keys


if __name__ == "__main__":
    main()
