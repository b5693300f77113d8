"""How scripts/docs builds these pages as a site."""

import json
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject

ROOT = Path(__file__).resolve().parents[1]
XMLNS = ' xmlns="http://www.w3.org/1998/Math/MathML"'
HAT = "\N{MODIFIER LETTER CIRCUMFLEX ACCENT}"
sys.path.insert(0, str(ROOT))

import cfexp  # noqa: E402

project = "cfexp"
author = "cfexp developers"
copyright = author
version = release = cfexp.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"cfexp {version}"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_theme_options = {"navigation_with_keys": True}
# Prompts, comments and shortened output are no errors of syntax.
suppress_warnings = ["misc.highlighting_failure"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
myst_all_links_external = False
default_role = "code"
html_math_renderer = "mathml"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_class_signature = "separated"
autodoc_default_options = {
    "exclude-members": "__init__, __new__, holdout, model_config, model_post_init,"
    " problems"
}
napoleon_use_ivar = True
napoleon_use_rtype = False


class NotebookParser(MystParser):
    """Reads a notebook: its text, its code, and what the code printed."""

    supported = ("ipynb",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Parses a notebook as the page in Markdown that it amounts to."""
        cells = json.loads(inputstring)["cells"]
        super().parse("\n\n".join(map(as_markdown, cells)), document)


def as_markdown(cell: dict[str, Any]) -> str:
    """Returns a cell of a notebook in Markdown."""
    text = "".join(cell["source"])
    if cell["cell_type"] != "code":
        return text
    blocks = [f"```python\n{text}\n```"]
    for output in cell["outputs"]:
        data = output.get("data", {})
        if "image/png" in data:
            blocks.append(
                f'<img alt="" src="data:image/png;base64,{data["image/png"]}">'
            )
        elif printed := "".join(output.get("text") or data.get("text/plain", "")):
            plain = re.sub(r"\x1b\[[\d;]*m", "", printed)  # without colours
            blocks.append(f"```text\n{plain.rstrip()}\n```")
    return "\n\n".join(blocks)


def write(visitor: Any, formula: nodes.Element, display: bool) -> None:
    """Writes a formula as MathML, which browsers show without a script."""
    text = re.sub(r"\s+", " ", formula.astext())
    root = ElementTree.fromstring(tex2mathml(text, as_block=display).replace(XMLNS, ""))
    for node in root.iter("munderover"):
        base, index, over = node
        if over.text == HAT:  # docutils sets the index of an r with a hat below it
            node.tag, node[:] = "msub", [ElementTree.Element("mover"), index]
            node[0][:] = [base, over]
    written = ElementTree.tostring(root, encoding="unicode")
    visitor.body.append(f'<div class="math">{written}</div>' if display else written)
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Adds formulas and the notebook to Sphinx, and names attributes so."""
    app.add_html_math_renderer(
        "mathml",
        (lambda visitor, node: write(visitor, node, display=False), None),
        (lambda visitor, node: write(visitor, node, display=True), None),
    )
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"
    app.add_source_suffix(".ipynb", "ipynb")
    app.add_source_parser(NotebookParser)
