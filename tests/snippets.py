"""Commands and code in the documentation: found, and run on small data.

A block's info string, behind its language, says how it is treated:

- nothing: ``sh`` and ``python`` blocks of a page are run in order, in one folder;
- ``not run: REASON``: it needs what a test has not; `REASONS` has all there are;
- ``file: NAME``: it is a file, which is written for the blocks below.
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT, TINY, cfexp, ok, untouched

from cfexp.config.command_table import COMMANDS

REASONS = ("network", "server", "real data", "minutes")
OUTSIDE = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
PAGES = [*OUTSIDE, *sorted((ROOT / "docs").glob("*.md"))]
# What makes a training on built-in data short, by an argument that it has.
SHORTER = {"model=bayes": ["model.sweeps=4", "model.burn_in=1", "model.keep=2"]}
CHOOSES_DATA = ("dataset=", "experiment=", "dataset.")
CHOOSES_TIME = ("training=", "training.epochs=", "experiment=")


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: The page that it stands in.
        line: The line where it begins.
        kind: Its language.
        info: What its info string says besides.
        text: Its text.
    """

    page: str
    line: int
    kind: str
    info: str
    text: str

    @property
    def reason(self) -> str:
        """Why it is not run; empty if it is."""
        return self.info.removeprefix("not run: ") if "not run" in self.info else ""


def blocks(page: Path) -> list[Block]:
    """Returns the blocks of a page, in order."""
    found, text = [], page.read_text()
    for match in re.finditer(r"^```(\{?[\w-]+\}?) *(.*)\n((?:.*\n)*?)```$", text, re.M):
        line = text[: match.start()].count("\n") + 1
        found.append(Block(page.name, line, *match.groups()))
    return found


def statements(text: str) -> list[str]:
    """Returns the commands of a shell block, each with its continued lines."""
    found: list[str] = []
    lines = iter(text.replace("\\\n", " ").splitlines())
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        if heredoc := re.search(r"<<'?(\w+)'?", line):
            for more in lines:
                line += f"\n{more}"
                if more == heredoc[1]:
                    break
        found.append(line)
    return found


def shorter(arguments: list[str]) -> list[str]:
    """Returns arguments of a command with what makes it short on built-in data."""
    trains = arguments[0] not in COMMANDS or arguments[0] == "plan"
    if not trains or {"--help", "--version", "--cfg"} & set(arguments):
        return arguments
    more = [o for key, own in SHORTER.items() if key in arguments for o in own]
    if not any(one.startswith(CHOOSES_DATA) for one in arguments):
        more += TINY
        if not any(one.startswith(CHOOSES_TIME) for one in arguments):
            more += ["training=quick"]
    return [*arguments, *more]


@dataclass
class Reader:
    """Somebody who types what a page says, in a folder of their own.

    Attributes:
        folder: The folder.
        names: Variables of the Python blocks.
        exported: Environment variables of the shell blocks.
    """

    folder: Path
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    exported: dict[str, str] = field(default_factory=dict)

    def follow(self, block: Block) -> str:
        """Does what a block says; returns what was printed."""
        if block.reason:
            return ""
        if block.info.startswith("file: "):
            file = self.folder / block.info.removeprefix("file: ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        elif block.kind == "sh":
            return "".join(self.type(line) for line in statements(block.text))
        elif block.kind == "python":
            return self.execute(block)
        return ""

    def type(self, line: str) -> str:
        """Runs a command: cfexp in this process, any other one in a shell."""
        if "<<" not in line:
            name, *arguments = shlex.split(line, comments=True)
            if name == "python" and arguments[:2] == ["-m", "cfexp"]:
                name, arguments = "cfexp", arguments[2:]
            if name == "cfexp":
                assert not {"&&", "|", ";", ">"} & set(arguments), line
                return ok(
                    cfexp(*shorter(arguments), cwd=self.folder, env=self.exported)
                ).stdout
            if name == "export":
                self.exported |= dict(one.split("=", 1) for one in arguments)
                return ""
        done = subprocess.run(
            ["sh", "-ec", line],
            cwd=self.folder,
            env={**os.environ, **self.exported, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        return done.stdout

    def execute(self, block: Block) -> str:
        """Runs Python."""
        said = io.StringIO()
        code = compile("\n" * block.line + block.text, block.page, "exec")
        with untouched(self.folder), contextlib.redirect_stdout(said):
            sys.argv = [block.page]
            exec(code, self.names)
        return said.getvalue()


def cells(text: str) -> list[list[str]]:
    """Returns the cells of each row of the tables in a text."""
    rows = re.findall(r"^ *│(.*)│$", text, re.MULTILINE)
    return [[cell.strip() for cell in row.split("│")] for row in rows]


def check_printed(told: str, printed: str) -> None:
    """Checks that each row of `told` was printed, its numbers but for 0.02 stars."""
    rows = cells(told)
    assert rows
    found = {cs[0]: cs for cs in reversed(cells(printed))}
    for first, *others in rows:
        assert first in found, printed
        for expected, value in zip(others, found[first][1:], strict=True):
            if re.fullmatch(r"\d\.\d+|.*%", expected):  # stars, or a percentage
                tolerance = 2 if expected.endswith("%") else 0.02
                number = pytest.approx(float(expected.rstrip("%")), abs=tolerance)
                assert float(value.rstrip("%")) == number, printed
            else:
                assert value == expected, printed
