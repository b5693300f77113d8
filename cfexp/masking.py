"""Keeps passwords out of messages, logs, files and MLflow."""

import base64
import logging
import os
import re
from urllib.parse import unquote, urlsplit

from omegaconf import DictConfig, OmegaConf, open_dict, read_write

# Where a tracking URI with a password is kept, rather than in a configuration.
VARIABLE = "CFEXP_TRACKING_URI"
REFERENCE = f"${{oc.env:{VARIABLE}}}"
# The same as an override, which OmegaConf does not resolve in Hydra's list of them.
OVERRIDE = rf"tracking.uri=$\{{oc.env\:{VARIABLE}\}}"
HIDDEN = "***"
# What comes before the host, up to the last @; and query parameters that are secret.
USERINFO = re.compile(r"(\b[a-zA-Z][\w+.-]*://)(?!/)[^\s'\"]*@")
PARAMETER = re.compile(
    r"([?&;][^=&\s]*(?:pass|pwd|secret|token|key|cred)[^=&\s]*=)[^&\s'\"]+", re.I
)


def masked(text: str) -> str:
    """Returns a text with the logins and passwords of all its URIs masked."""
    return PARAMETER.sub(rf"\1{HIDDEN}", USERINFO.sub(rf"\1{HIDDEN}@", text))


def split_login(uri: str) -> tuple[str, str, str]:
    """Returns a URI without its userinfo, and user and password, decoded."""
    parts = urlsplit(uri)
    userinfo, _, host = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    return parts._replace(netloc=host).geturl(), unquote(user), unquote(password)


def basic_auth(user: str, password: str) -> str:
    """Returns the value of an ``Authorization`` header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def hide_uri(config: DictConfig) -> bool:
    """Replaces a tracking URI that holds a password, before Hydra writes it to files.

    The configuration refers to `VARIABLE` instead, which this process and those that it
    starts have in their environment; the overrides do not tell it any more.

    Args:
        config: What Hydra composed, with its node ``hydra``; it is changed.

    Returns:
        Whether there was a password.
    """
    tracking = OmegaConf.to_container(config.tracking, resolve=False)
    assert isinstance(tracking, dict)
    uri = str(tracking.get("uri"))
    if masked(uri) == uri:
        return False
    os.environ[VARIABLE] = uri
    with read_write(config), open_dict(config):
        config.tracking.uri = REFERENCE
        said = [o for o in config.hydra.overrides.task if not _sets_uri(o)]
        config.hydra.overrides.task = said
        config.hydra.job.override_dirname = ",".join(said)
    return True


def _sets_uri(override: str) -> bool:
    return override.lstrip("+").startswith("tracking.uri=")


class MaskingFormatter(logging.Formatter):
    """Formats log records, tracebacks too, without passwords."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as text."""
        return masked(super().format(record))
