"""User and password in the address of a tracking server."""

import base64
from urllib.parse import unquote, urlsplit


def split_login(uri: str) -> tuple[str, str, str]:
    """Returns a URI without its login, and the decoded user and password."""
    parts = urlsplit(uri)
    userinfo, _, host = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    return parts._replace(netloc=host).geturl(), unquote(user), unquote(password)


def basic_auth(user: str, password: str) -> str:
    """Returns the value of an ``Authorization`` header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
