"""The commands ``cfexp NAME``, which ``cfexp --help`` lists."""

from dataclasses import dataclass

from cfexp.config.schema import Mode


@dataclass(frozen=True)
class Command:
    """A command of the command line.

    Attributes:
        module: Its module, with a function `main`; for a mode, with `arguments`.
        usage: Its arguments in short.
        about: What it does, in a few words.
        mode: The mode that it runs through Hydra, if it is one.
    """

    module: str
    usage: str
    about: str
    mode: Mode | None = None


def _of_mode(mode: Mode, usage: str, about: str) -> Command:
    return Command("cfexp.commands.modes", usage, about, mode)


def _of_module(name: str, usage: str, about: str) -> Command:
    return Command(f"cfexp.commands.{name}", usage, about)


# In the order of ``cfexp --help``.
COMMANDS = {
    "plan": _of_module("plan", "OPTIONS", "what a sweep would do, and how long"),
    "evaluate": _of_mode(Mode.evaluate, "RUN", "test a trained model again"),
    "predict": _of_mode(Mode.predict, "RUN PAIRS", "predict the pairs of a file"),
    "recommend": _of_mode(Mode.recommend, "RUN USER", "the movies that suit a user"),
    "similar": _of_mode(Mode.similar, "RUN MOVIE", "movies that are like a movie"),
    "finetune": _of_mode(Mode.finetune, "RUN", "train a model further"),
    "reproduce": _of_mode(Mode.reproduce, "RUN", "does it come out the same?"),
    "runs": _of_module("runs", "", "list runs"),
    "watch": _of_module("watch", "[RUN]", "a table of a running sweep"),
    "show": _of_module("show", "RUN", "its result, configuration, how to go on"),
    "diff": _of_module("diff", "RUN RUN", "options and metrics that differ"),
    "score": _of_module("score", "RUN", "metrics from its stored predictions"),
    "compare": _of_module("compare", "RUN RUN", "which is better; is it chance?"),
    "promote": _of_module("promote", "RUN", "make it the champion, if it is better"),
    "sync": _of_module("sync", "", "push what a tracking server did not take"),
    "doctor": _of_module("doctor", "", "what is installed here, what is wrong"),
    "bench": _of_module("bench", "", "all models and other libraries, same rows"),
}
