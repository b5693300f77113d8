"""Errors meant for the user: what happened, what was received, how to fix it."""

import difflib
import re
from collections.abc import Iterable

# The name of the driver's exception, which SQLAlchemy writes before its message.
DRIVER_ERROR = re.compile(r"^\([\w.]+\) ")
HIDDEN = "***"
# The login of a URI: everything before the host, up to the last @.
USERINFO = re.compile(r"(\b[a-zA-Z][\w+.-]*://)(?!/)[^\s'\"]*@")
# Query parameters of a URI that are secret.
PARAMETER = re.compile(
    r"([?&;][^=&\s]*(?:pass|pwd|secret|token|key|cred)[^=&\s]*=)[^&\s'\"]+", re.I
)


class CfexpError(Exception):
    """Base of every error that the command line prints without a traceback."""

    def __init__(self, message: str):
        super().__init__(masked(message))


class ConfigError(CfexpError):
    """The configuration cannot describe a run."""


class DataError(CfexpError):
    """The ratings, movies or split cannot be used."""


class TrainingError(CfexpError):
    """Training cannot continue, for example because the loss is not finite."""


class DamagedError(CfexpError):
    """A file that cfexp wrote is damaged or incomplete.

    Args:
        what: Which file, and why.
        advice: How to continue without it.
    """

    def __init__(self, what: str, advice: str):
        super().__init__(f"{what}. {advice}")
        self.what = what


class Pruned(Exception):
    """Ends a training that a search gives up.

    Args:
        after: After what, such as ``epoch 3``.
        value: The objective so far.
    """

    def __init__(self, after: str, value: float):
        super().__init__(f"pruned after {after}")
        self.after, self.value = after, value


class TrackingError(CfexpError):
    """MLflow, or a requested run, cannot be reached."""


class NoRunsError(TrackingError):
    """No run has been tracked yet."""


class Failed(BaseException):
    """Carries an error past Hydra, which would print its own lines, or continue."""

    def __init__(self, error: Exception):
        super().__init__(str(error))
        self.error = error


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns a suggestion for a mistyped name, to append to a sentence."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f" (did you mean {' or '.join(close)}?)" if close else ""


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's message, without passwords."""
    lines = str(error).strip().splitlines()
    if not lines:
        return in_words(error)
    return masked(DRIVER_ERROR.sub("", lines[0]))


def in_words(error: BaseException) -> str:
    """Returns the kind of an error in words, such as ``connection reset error``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__.strip("_")).lower()


def root_of(error: BaseException) -> BaseException:
    """Returns the first error of a chain of causes."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return error


def masked(text: str) -> str:
    """Returns a text with the logins and passwords of its URIs masked."""
    return PARAMETER.sub(rf"\1{HIDDEN}", USERINFO.sub(rf"\1{HIDDEN}@", text))
