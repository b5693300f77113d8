"""Options of swept groups, which are set job by job, not in the sweep itself.

In ``-m experiment=ml-100k/bias,ml-100k/dot split.fold=1``, Hydra would look for
``split.fold`` in the configuration without any experiment, where it does not exist.
"""

from collections.abc import Sequence

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from cfexp.config.schema import ACROSS, GROUPS

# The sweep's parent run needs its options; they are the same for every choice.
KEPT = "tracking"


def for_each_job(arguments: Sequence[str]) -> list[str]:
    """Returns arguments with options of swept groups as sweeps over one value.

    Args:
        arguments: The command line's arguments.
    """
    try:
        flags, rest = get_args_parser().parse_known_args(list(arguments))
        parsed = OverridesParser.create().parse_overrides(flags.overrides)
    except HydraException:
        return list(arguments)  # which Hydra will refuse
    searches = any(one.key_or_group == "search" for one in parsed)
    if rest or not (flags.multirun or searches):
        return list(arguments)
    swept = {one.key_or_group for one in parsed if one.is_sweep_override()}
    if swept & set(ACROSS):
        swept |= set(GROUPS) - {KEPT}
    changed = {one.input_line: _as_sweep(one) for one in parsed if _is_of(one, swept)}
    return [changed.get(argument, argument) for argument in arguments]


def for_the_sweep(overrides: Sequence[str]) -> list[str]:
    """Returns overrides with sweeps over one value as plain ones."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    return [_plain(one) for one in parsed]


def _is_of(override: Override, groups: set[str]) -> bool:
    """Returns whether an override sets one value of an option of these groups."""
    group, _, option = override.key_or_group.partition(".")
    plain = not override.is_sweep_override() and not override.is_delete()
    return plain and bool(option) and group in groups and override.value() != ""


def _as_sweep(override: Override) -> str:
    value = override.get_value_element_as_str()
    return f"{override.get_key_element()}=choice({value})"


def _plain(override: Override) -> str:
    written = str(override.input_line)
    if not override.is_choice_sweep() or not written.partition("=")[2].startswith(
        "choice("
    ):
        return written
    values = list(override.sweep_string_iterator())
    if len(values) != 1:
        return written
    return f"{override.get_key_element()}={values[0]}"
