"""Keeps passwords out of the files that Hydra writes."""

import os

from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from cfexp.errors import masked

# Where a tracking URI with a password is kept, rather than in a configuration.
VARIABLE = "CFEXP_TRACKING_URI"


REFERENCE = f"${{oc.env:{VARIABLE}}}"


# The same as an override, which OmegaConf does not resolve in Hydra's list of them.
OVERRIDE = rf"tracking.uri=$\{{oc.env\:{VARIABLE}\}}"


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
