"""Self-contained HTML pages: one style sheet, and inlined images."""

import base64
import html

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; }
table { border-collapse: collapse; margin: 1rem 0; }
td, th { padding: 0.15rem 0.8rem; border-bottom: 1px solid #ddd; text-align: left; }
th { border-bottom-color: #999; }
img { max-width: 100%; }
"""


def page(title: str, body: str) -> str:
    """Returns an HTML page.

    Args:
        title: Its title, as text.
        body: Its content, as HTML.
    """
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>{body}</html>\n"
    )


def data_uri(png: bytes) -> str:
    """Returns a PNG image as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
