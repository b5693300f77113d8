"""Self-contained HTML pages: style, scripts and images are inlined."""

import base64
import html
from pathlib import Path

HERE = Path(__file__).parent
# A page reads nothing but itself: the browser is told to load no other file.
OWN_ONLY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:;"
    " script-src 'unsafe-inline' 'unsafe-eval'"
)


def page(title: str, body: str) -> str:
    """Returns an HTML page.

    Args:
        title: Its title, as text.
        body: Its content, as HTML; tables of `cfexp.reports.html_table` are sortable.
    """
    style = (HERE / "page.css").read_text()
    sort = (HERE / "sort.js").read_text() if 'class="sortable"' in body else ""
    script = f"<script>{sort}</script>" if sort else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{OWN_ONLY}">'
        f"<title>{html.escape(title)}</title><style>{style}</style>"
        f"{body}{script}</html>\n"
    )


def data_uri(png: bytes) -> str:
    """Returns a PNG image as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
