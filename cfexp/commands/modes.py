"""``cfexp evaluate RUN`` and the like: the modes that use a trained model."""

import argparse
import textwrap
from dataclasses import dataclass

from hydra.core.override_parser.types import Quote, QuotedString

from cfexp.config.arguments import CHECKOUT, Parser
from cfexp.config.command_table import COMMANDS
from cfexp.errors import ConfigError

RUNS = """\
RUN is latest, best, a run id or its first characters, a run's name or folder,
models:/NAME/VERSION or models:/NAME@ALIAS. `best` has the lowest validation
error of one dataset and split: name them where there are several,
dataset=ml-100k split=random seed=0. tracking.uri=URI says where the runs are."""


@dataclass(frozen=True)
class Usage:
    """How a mode is called.

    Attributes:
        about: What it does, in a sentence or two.
        options: The options that matter, with their meaning.
        example: A command.
        second: Name and option of its second argument, if it has one.
    """

    about: str
    options: tuple[tuple[str, str], ...]
    example: str
    second: tuple[str, str] | None = None


OUTPUT = (
    ("output=FILE", "to write: .csv, .parquet, .json or .jsonl"),
    ("overwrite=true", "replace it if it exists"),
)
NAMES = ("columns.userId=NAME", "the file's own names of userId and movieId")
IDS = ("same_ids=true", "ids of other data mean the model's users and movies")
USAGES = {
    "evaluate": Usage(
        "Tests a trained model on its test rows, or on all rows of other data, beside"
        " its baselines.",
        (
            ("known_rows=drop", "leave out rows that the model knows"),
            ("metrics=[within]", "more than RMSE and MAE"),
            ("dataset=NAME", "other data"),
            IDS,
        ),
        "cfexp evaluate latest metrics=[within]",
    ),
    "predict": Usage(
        "Predicts the users and movies of a CSV or Parquet file.",
        (*OUTPUT, NAMES),
        "cfexp predict latest pairs.csv output=predictions.csv",
        ("PAIRS", "pairs"),
    ),
    "recommend": Usage(
        "Lists the movies with the highest predictions that a user has not rated; for"
        " many users, or for new users, of whom a few ratings are known.",
        (
            ("k=10", "how many"),
            ("users=all", "all users of the dataset; or a file of userId"),
            ("ratings=FILE", "new users: a file of movieId, rating, perhaps userId"),
            ("explain=true", "which of the user's ratings raise each prediction"),
            *OUTPUT,
        ),
        "cfexp recommend best 42 k=5",
        ("USER", "user"),
    ),
    "similar": Usage(
        "Lists the movies whose embeddings are most like that of a movie, given by its"
        " id or its title.",
        (("k=10", "how many"), *OUTPUT),
        "cfexp similar best 'Toy Story (1995)'",
        ("MOVIE", "movie"),
    ),
    "finetune": Usage(
        "Continues the training of a trained model, on its data or on others.",
        (
            ("training.epochs=3", "how long"),
            ("optimizer.learning_rate=X", "how fast"),
            ("dataset=NAME", "other data"),
            ("known_rows=drop", "leave out test rows that the model knows"),
            IDS,
        ),
        "cfexp finetune latest training.epochs=3",
    ),
    "reproduce": Usage(
        "Trains a run again with its own settings, and says of each metric whether it"
        " is equal. Exits with 1 if one differs.",
        (
            (CHECKOUT, "with the code of the run's commit"),
            ("dataset.root=DIR", "where the data are now"),
        ),
        "cfexp reproduce latest",
    ),
}


def parser(name: str) -> Parser:
    """Returns the parser of a mode's arguments."""
    usage = USAGES[name]
    second = f" {usage.second[0]}" if usage.second else ""
    options = [f"  {option:<26}{meaning}" for option, meaning in usage.options]
    found = Parser(
        prog=f"cfexp {name}",
        usage=f"cfexp {name} RUN{second} [name=value ...]",
        description=textwrap.fill(usage.about, 79),
        epilog="\n".join(
            ["name=value:", *options, "", RUNS, "", f"example: {usage.example}"]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("arguments", nargs="*", help=argparse.SUPPRESS)
    found.add_argument(
        "-m", "--multirun", action="store_true", help="a sweep over values"
    )
    found.add_argument("--config-dir", metavar="DIR", help="your own configs")
    return found


def arguments(name: str, given: list[str]) -> list[str]:
    """Returns the arguments of a run in a mode, for Hydra.

    Args:
        name: The mode.
        given: What follows it on the command line.

    Raises:
        ConfigError: There is no run.
    """
    args, flags = parser(name).parse_known_intermixed_args(given)
    found = [*flags, *(["--multirun"] if args.multirun else [])]
    found += ["--config-dir", args.config_dir] if args.config_dir else []
    command, usage, rest = COMMANDS[name], USAGES[name], list(args.arguments)
    assert command.mode
    found.append(f"mode={command.mode.name}")
    if not any(argument.startswith("run_id=") for argument in rest):
        if not rest:
            raise ConfigError(
                f"cfexp {name} needs a run: latest, best, a run id or name, or a"
                f" folder. For example: {usage.example}"
            )
        found.append(f"run_id={_quoted(rest.pop(0))}")
    if usage.second and rest and "=" not in rest[0]:
        found.append(f"{usage.second[1]}={_quoted(rest.pop(0))}")
    return found + rest


def _quoted(text: str) -> str:
    """Returns a text that Hydra reads as it is, not as a number or a list."""
    return QuotedString(text, Quote.single).with_quotes()
