"""The command line: composes and checks a configuration, then runs it."""

import atexit
import importlib
import logging
import os
import shlex
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from cfexp import __version__
from cfexp.config.arguments import CHECKOUT, check_flags, config_dirs, take_output
from cfexp.config.command_table import COMMANDS
from cfexp.config.completion import completions
from cfexp.config.compose import (
    check_own_configs,
    conf_dir,
    register,
    without_nulls,
)
from cfexp.config.deferred import for_each_job
from cfexp.config.explain import TRACEBACK_VARIABLE, explain
from cfexp.config.usage import usage
from cfexp.errors import CfexpError, ConfigError, Failed, Pruned, TrainingError, masked
from cfexp.runs import job_report
from cfexp.runs.traces import remove_traces
from cfexp.runtime import process
from cfexp.runtime.job_status import PRUNED
from cfexp.runtime.logs import SAID, set_levels
from cfexp.runtime.output import Output, output, set_output
from cfexp.runtime.signals import interrupt_on_sigterm

if TYPE_CHECKING:
    from cfexp.runs.task import Task

log = logging.getLogger(__name__)


def main() -> None:
    """Runs ``cfexp`` and ends the process.

    Exit functions are called here and the process ends at once: unloading TensorFlow
    would take Python up to three seconds.
    """
    code = run_arguments()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run_arguments() -> int:
    """Runs the command or run of ``sys.argv``; returns the exit status."""
    set_output(Output())  # for commands, which have flags of their own
    if sys.argv[1:2] == ["help"]:  # as in: cfexp help compare
        sys.argv[1:] = [*sys.argv[2:], "--help"]
    command = COMMANDS.get(sys.argv[1] if len(sys.argv) > 1 else "")
    if sys.argv[1:2] == ["reproduce"] and CHECKOUT in sys.argv:
        sys.argv.remove(CHECKOUT)
        return run_command("cfexp.commands.reproduce_checkout", sys.argv[2:])
    if command and command.mode is None:
        return run_command(command.module, sys.argv[2:])
    return run_cli()


def run_cli() -> int:
    """Runs ``cfexp``; returns its exit status: 1 on errors, 130 or 143 when stopped."""
    return _exit_status(_run_hydra)


def _run_hydra() -> object:
    """Runs ``sys.argv`` with Hydra, so that the run has its folder and its log."""
    arguments, wanted = take_output(sys.argv[1:])
    set_output(wanted)
    if arguments and arguments[0] in COMMANDS:
        command = COMMANDS[arguments[0]]
        rewrite = importlib.import_module(command.module).arguments
        arguments = rewrite(arguments[0], arguments[1:])
    if {"--help", "-h"} & set(arguments):
        return print(usage(config_dirs(arguments)))
    if "--version" in arguments:
        return print(f"cfexp {__version__}")
    found, complete = completions(arguments)
    if found or complete:
        print(" ".join(found))  # beside those of Hydra
    if complete:
        return None
    _check_folder()
    register()
    arguments = without_nulls(arguments)
    check_flags(arguments)
    check_own_configs(config_dirs(arguments))
    sys.argv[1:] = for_each_job(arguments)
    app = hydra.main(
        version_base="1.3", config_path=str(conf_dir()), config_name="config"
    )(_task)
    return app()


def _check_folder() -> None:
    """Checks the working directory's path, which Hydra puts into the configuration.

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
    """Runs a command's module; returns its exit status, see `run_cli`."""
    process.make_own()
    return _exit_status(lambda: importlib.import_module(module).main(arguments))


def _exit_status(job: Callable[[], object]) -> int:
    """Runs a job, prints any error in one line and returns the exit status.

    If the job returns an integer, that is the exit status.
    """
    wants_traceback = os.environ.get(TRACEBACK_VARIABLE) == "1"
    # Makes Hydra raise errors instead of printing them, so that they can be explained.
    os.environ[TRACEBACK_VARIABLE] = "1"
    logging.raiseExceptions = False  # a full disk would print many lines
    interrupt_on_sigterm()
    try:
        status = job()
    except KeyboardInterrupt as stop:
        standing = _finish_open_sweep("KILLED") or getattr(stop, "__notes__", [])
        if output.command and not standing:
            standing = [f"start again: {shlex.join(output.command)}"]
        for line in ("stopped", *standing):
            print(f"cfexp: {masked(line)}", file=sys.stderr)
        return 143 if str(stop) == "SIGTERM" else 130
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except (Exception, Failed) as stop:
        error = stop.error if isinstance(stop, Failed) else stop
        _finish_open_sweep("FAILED")
        if isinstance(error, CfexpError) and not isinstance(error, TrainingError):
            remove_traces()
        if wants_traceback:
            lines = traceback.format_exception(error)
            print(masked("".join(lines)), file=sys.stderr, end="")
        print(
            f"cfexp: error: {masked(explain(error, tuple(COMMANDS)))}", file=sys.stderr
        )
        return 1
    finally:
        os.environ.pop(TRACEBACK_VARIABLE)
        if wants_traceback:
            os.environ[TRACEBACK_VARIABLE] = "1"
    return status if isinstance(status, int) else 0


def _finish_open_sweep(status: str) -> list[str]:
    """Closes the sweep that is running, if any; returns where it stands if stopped."""
    sweep = sys.modules.get("cfexp.runs.sweep")
    return list(sweep.finish_open_sweep(status)) if sweep else []


def _task(cfg: DictConfig) -> float | None:
    job = HydraConfig.get()
    process.make_own()  # here, since a launcher may have started it
    set_levels()
    try:
        task = _task_of(cfg, job)
        # Everything heavy is imported from here on.
        from cfexp.runs.modes import run

        return run(task)
    except KeyboardInterrupt:
        job_report.stop()
        raise
    except Pruned as stop:
        job_report.note(PRUNED, {})
        return stop.value
    except Exception as error:
        log.debug("the run failed", exc_info=True)
        if job.mode is RunMode.RUN:
            raise Failed(error) from error
        # In a sweep, Hydra reports an error only at the end, and does not log it.
        log.error("%s", explain(error), extra={SAID: True})
        raise


def _task_of(cfg: DictConfig, job: Any) -> "Task":
    """Returns the task of a configuration.

    Args:
        cfg: The configuration.
        job: Its node ``hydra``.
    """
    # Here, since ``--help`` does without pydantic.
    from cfexp.config.build import build
    from cfexp.config.identity import run_name
    from cfexp.config.overruled import say_overruled
    from cfexp.config.short import with_effect
    from cfexp.runs.sweep import current_sweep

    swept = current_sweep()
    if swept:
        swept.enter()
    request = build(cfg, swept=swept is not None)
    from cfexp.runs.task import Task
    from cfexp.sweeps.report import listener_of

    model = request.experiment.model
    say_overruled(cfg, job.overrides.task)
    overrides = with_effect(job.overrides.task, type(model))
    shared = swept.shared if swept else ()
    name = run_name(model.name, overrides, shared=shared)
    task = Task(
        request,
        folder=Path(job.runtime.output_dir),
        name=request.options.run_name or name,
        overrides=overrides,
        listener=listener_of(job, request),
    )
    return task.in_sweep(swept) if swept else task


if __name__ == "__main__":
    main()
