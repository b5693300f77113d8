"""Words on the command line that are no command: what they mean."""

from collections.abc import Sequence

from cfexp.config.choices import choices_of
from cfexp.config.compose import conf_dir
from cfexp.config.schema import ACROSS, GROUPS
from cfexp.errors import did_you_mean

# Words that other programs have for commands of ours.
TRAIN = ("train", "run", "fit", "start")
SYNONYMS = {
    **dict.fromkeys(("ls", "list", "ps", "history", "log", "experiments"), "runs"),
    **dict.fromkeys(("info", "describe", "inspect", "cat"), "show"),
    **dict.fromkeys(("test", "eval"), "evaluate"),
    **dict.fromkeys(("status", "top", "tail"), "watch"),
    **dict.fromkeys(("resume", "push"), "sync"),
    "benchmark": "bench",
    "register": "promote",
    "tune": "finetune",
}


def meant_by(word: str, commands: Sequence[str]) -> str | None:
    """Explains a word without a value: a mistyped command, or an option's value.

    Args:
        word: The word.
        commands: Names of the commands.

    Returns:
        A line; None if nothing is known of the word.
    """
    if word in GROUPS:
        return None
    if word in TRAIN:
        return f"there is no command {word}: cfexp trains without one, cfexp model=ncf"
    if word in SYNONYMS:
        return f"there is no command {word} (did you mean {SYNONYMS[word]}?)"
    for group in (*GROUPS, *ACROSS):
        if word in choices_of(group, conf_dir()):
            return f"{word} is an option of {group}: write {group}={word}"
    if word in ("latest", "best"):
        return f"{word} is a run: name a command too, such as cfexp show {word}"
    near = did_you_mean(word, commands)
    listed = ", ".join(commands)
    return f"there is no command {word}{near}. Commands: {listed}" if near else None
