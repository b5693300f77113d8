"""Words on the command line that are no command: what they mean."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from cfexp.config.choices import choices_of, known_keys, options_of
from cfexp.config.compose import conf_dir
from cfexp.config.schema import ACROSS, GROUPS
from cfexp.errors import did_you_mean

# The key of the class in a file of a group, see `cfexp.spec`, which imports pydantic.
TARGET = "_target_"
# Names that other programs have for options of ours.
ABBREVIATIONS = {
    "lr": "learning_rate",
    "bs": "batch_size",
    "wd": "weight_decay",
    "dim": "embed_dim",
    "embedding_dim": "embed_dim",
    "factors": "embed_dim",
    "n_factors": "embed_dim",
    "n_epochs": "epochs",
    "num_epochs": "epochs",
    "early_stopping": "patience",
    "test_ratio": "test_size",
}
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


def meant_option(key: str, value: str = "") -> str:
    """Returns a suggestion for an option that does not exist, as `did_you_mean`.

    Args:
        key: Such as ``optimizer.lr``, ``epochs`` or ``modle``.
        value: What it is set to, if known: an option of a group tells the group.
    """
    for near_group in get_close_matches(key, (*GROUPS, *ACROSS)):
        if value in choices_of(near_group, conf_dir()):
            return _listed([f"{near_group}={value}"])
    known = known_keys()
    group, _, last = key.rpartition(".")
    last = ABBREVIATIONS.get(last, last)
    if group in GROUPS:
        own = sorted({one for one in options_of(group) if one != TARGET})
        near = [last] if last in own else get_close_matches(last, own, n=3, cutoff=0.5)
        return _listed(f"{group}.{one}" for one in near)
    # An option of a group, without the group.
    owned = [one for one in known if one.rpartition(".")[2] == last and one != key]
    if not group and owned:
        return _listed(owned[:3])
    plain = [one for one in known if "." not in one] if not group else known
    return did_you_mean(key, plain) or did_you_mean(key, known)


def _listed(names: Iterable[str]) -> str:
    said = " or ".join(names)
    return f" (did you mean {said}?)" if said else ""


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
