"""What ``cfexp --help`` prints."""

import textwrap
from collections.abc import Sequence

from cfexp.config.choices import choices_of
from cfexp.config.command_table import COMMANDS
from cfexp.config.compose import conf_dir
from cfexp.config.schema import ACROSS, GROUPS

WIDTH, LEFT = 79, 22
HEAD = """\
cfexp trains, evaluates and compares models that predict ratings.

  cfexp name=value ...                  train a model, or resume
  cfexp -m name=value,value ...         train one for each value: a sweep
  cfexp COMMAND ...                     see below; COMMAND --help says more
"""
EXAMPLES = """\
Examples:
  cfexp model=ncf embed_dim=64
  cfexp -m model=dot,ncf,deep embed_dim=16,32,64
  cfexp dataset=movietweetings model=bayes
  cfexp dataset=ml-100k split=official split.fold=1
  cfexp dataset=csv dataset.ratings=ratings.csv dataset.movies=movies.csv
  cfexp model=ncf cv=5
  cfexp experiment=ml-100k/dot search=dot
  cfexp predict best pairs.csv output=predictions.csv
  cfexp recommend latest 42
"""
FOOT = """\
More:
  cfexp --cfg job                       every option, and its value
  cfexp --config-dir DIR ...            your own configs beside these
  -q, -v                                print less, or more
  --json                                the result as JSON, all else to stderr
  cfexp --hydra-help                    Hydra's own flags
  cfexp --version                       the version
"""


def usage(folders: Sequence[str] = ()) -> str:
    """Returns the help of the command line, at most 80 columns wide.

    Args:
        folders: Folders of the user's own configs.
    """
    commands = [
        f"{f'  {name} {command.usage}':<{LEFT}}{command.about}"
        for name, command in COMMANDS.items()
    ]
    groups = [_options(g, choices_of(g, conf_dir(), *folders)) for g in GROUPS]
    across = [
        _options(f"  {folder}/" if folder else group, names)
        for group in ACROSS
        for folder, names in _by_folder(choices_of(group, conf_dir(), *folders))
    ]
    groups[:0] = ["", "Groups (model=dot; in a folder: experiment=ml-100k/dot):"]
    listed = ["Commands:", *commands, *groups, *across]
    return "\n".join([HEAD, *listed, "", EXAMPLES, FOOT])


def _by_folder(names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Returns options by the folder that they lie in."""
    found: dict[str, list[str]] = {}
    for name in names:
        folder, _, rest = name.rpartition("/")
        found.setdefault(folder, []).append(rest)
    return sorted(found.items())


def _options(group: str, names: Sequence[str]) -> str:
    """Returns a group's options in a line, or more if they do not fit."""
    return textwrap.fill(
        " ".join(names),
        WIDTH,
        initial_indent=f"  {group}".ljust(LEFT),
        subsequent_indent=" " * LEFT,
        break_on_hyphens=False,  # options such as ml-100k are whole
    )
