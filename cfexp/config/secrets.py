"""Keeps passwords out of the files that Hydra writes."""

import os

from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from cfexp.errors import masked

# The environment variable that holds a tracking URI with a password.
VARIABLE = "CFEXP_TRACKING_URI"
REFERENCE = f"${{oc.env:{VARIABLE}}}"
# The same as an override, escaped so that OmegaConf does not resolve it too early.
OVERRIDE = rf"tracking.uri=$\{{oc.env\:{VARIABLE}\}}"


def hide_uri(config: DictConfig) -> bool:
    """Replaces a tracking URI that holds a password, before Hydra writes it to files.

    The configuration refers to the environment variable `VARIABLE` instead, which child
    processes inherit; the URI is removed from the overrides.

    Args:
        config: The configuration, including the node ``hydra``; changed in place.

    Returns:
        Whether the URI holds a password.
    """
    tracking = OmegaConf.to_container(config.tracking, resolve=False)
    assert isinstance(tracking, dict)
    uri = str(tracking.get("uri"))
    if masked(uri) == uri:
        return False
    os.environ[VARIABLE] = uri
    with read_write(config), open_dict(config):
        config.tracking.uri = REFERENCE
        others = [o for o in config.hydra.overrides.task if not _sets_uri(o)]
        config.hydra.overrides.task = others
        config.hydra.job.override_dirname = ",".join(others)
    return True


def _sets_uri(override: str) -> bool:
    return override.lstrip("+").startswith("tracking.uri=")
