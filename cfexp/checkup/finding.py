"""One finding of a checkup."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What a finding means: all is well, good to know, or cfexp cannot work so."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        name: What was looked at, in a word or two.
        found: What was found.
        state: What that means.
        fix: What to do about it; empty if nothing.
    """

    name: str
    found: str
    state: State = State.OK
    fix: str = ""


def note(name: str, found: str, fix: str = "") -> Finding:
    """Returns a finding that is good to know."""
    return Finding(name, found, State.NOTE, fix)


def wrong(name: str, found: str, fix: str) -> Finding:
    """Returns a finding with which cfexp cannot work."""
    return Finding(name, found, State.WRONG, fix)
