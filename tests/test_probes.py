"""Coverage without tracing notes the lines that coverage.py's trace function sees."""

import ast
import builtins
from pathlib import Path
from typing import Any

import coverage
import pytest
from probes import NOTE, add_notes

CODE = '''
"""Of every kind of statement, run and not."""

import contextlib
from dataclasses import dataclass


def same(one):
    return one


@same
@dataclass(
    frozen=True
)
class Point:
    """Has a text and fields."""

    x: int = 0
    y: int = (
        1
    )

    @same
    def far(self):
        """Has a text."""
        if self.x > 9:
            return "far"
        elif self.x > 3:
            return "near"
        elif self.x > 2:
            pass
        else:
            return "here"
        return [
            one
            for one in range(3)
        ]


def caught(error):
    try:
        with contextlib.nullcontext(), \\
                contextlib.nullcontext():
            raise error
    except (
        KeyError, ValueError
    ):
        found = 1
    except TypeError:
        found = 2
    else:
        found = 3
    finally:
        found = 4
    return found


def looped():
    for one in range(2):
        if one: continue
        last = lambda: (
            one
        )
    else:
        last = None
    while last:
        break
    while not last:
        last = one; yield last
    assert last is not None, (
        "so"
    )


def matched(value):
    match value:
        case {"a": 1}:
            return 1
        case [
            first,
            *rest,
        ] if rest:
            return first
        case _:
            return value
    return None


async def never():
    async with never() as other:
        await other


Point().far()
Point(3).far()
caught(KeyError())
list(looped())
matched([1, 2])
matched(3)
matched({"a": 1})
del same
'''


@pytest.mark.filterwarnings("ignore::coverage.exceptions.CoverageWarning")
def test_as_by_tracing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "code.py"
    path.write_text(CODE)
    traced = coverage.Coverage(data_file=None, config_file=False, include=[str(path)])
    with traced.collect():
        _run(compile(CODE, path, "exec"))
    _, statements, _, missing, _ = traced.analysis2(str(path))
    noted: set[tuple[str, int]] = set()
    monkeypatch.setattr(builtins, NOTE, noted.add, raising=False)
    _run(compile(add_notes(ast.parse(CODE), str(path)), path, "exec"))
    assert {path for path, _ in noted} == {str(path)}
    lines = {line for _, line in noted}
    assert len(missing) == 8
    assert lines & set(statements) == set(statements) - set(missing)


def _run(code: Any) -> None:
    exec(code, {"__name__": __name__})
