"""The interactive pages in a real browser, without a network."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from chromium import IN_A_BROWSER, chromium, playwright

from cfexp.evaluation.objective import BY_RMSE
from cfexp.reports.sweep_page import SweepPage

pytestmark = IN_A_BROWSER
# Markup, and what Bokeh would take for TeX and load a renderer for.
NASTY = "</script><img src=x onerror=\"document.title='bad'\"> $$x$$"
# Where a point of the second plot, in its own units, is on the screen.
PLACE = """([x, y]) => {
  const view = [...Bokeh.index.roots][1];
  const at = view.el.getBoundingClientRect(), { bbox, x_scale, y_scale } = view.frame;
  return [at.x + bbox.left + x_scale.compute(x), at.y + y_scale.compute(y)];
}"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a sweep of four jobs, the last one with a nasty name."""
    names = ["a", "b", "c", NASTY]
    val = [0.9, 0.91, 0.95, 1.0]
    page = SweepPage(
        title="Sweep",
        about="",
        objective=BY_RMSE,
        board=pd.DataFrame({"job": names, "val_rmse": val, "n": [900, 20, 1000, 3]}),
        options=pd.DataFrame({"act": ["x", "x", "y", NASTY], "dim": [1, 2, 1, 2]}),
        tried=pd.DataFrame({"trial": range(4), "job": names, "val_rmse": val}),
        searched=None,
    )
    path = tmp_path_factory.mktemp("page") / "sweep.html"
    path.write_text(page.html())
    return path


@pytest.fixture
def page(file: Path) -> Iterator["playwright.Page"]:
    """The page, which has asked for no other file and has made no error."""
    said: list[str] = []
    with chromium() as browser:
        page = browser.new_context(offline=True).new_page()
        page.on("request", lambda request: said.append(request.url))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda m: m.type == "error" and said.append(m.text))
        page.goto(file.as_uri())
        page.wait_for_function("Bokeh.documents[0]?.is_idle")
        yield page
        assert page.title() == "Sweep"
    assert [one for one in said if not one.startswith(("data:", "blob:"))] == [
        file.as_uri()
    ]


def jobs(page: "playwright.Page") -> list[str]:
    """Returns the first cells of the rows that are seen."""
    return page.locator("#jobs tbody tr:visible td:first-child").all_inner_texts()


def test_table_is_sorted_by_a_click(page: "playwright.Page") -> None:
    """By number, not by text; again: the other way round."""
    assert jobs(page) == ["a", "b", "c", NASTY]
    page.get_by_role("button", name="n", exact=True).click()
    assert jobs(page) == [NASTY, "b", "a", "c"]
    page.get_by_role("button", name="n", exact=True).click()
    assert jobs(page) == ["c", "a", "b", NASTY]


def drag(page: "playwright.Page", axis: int, low: float, high: float) -> None:
    """Marks a stretch of an axis of the parallel coordinates."""
    page.locator("#jobs").scroll_into_view_if_needed()
    ends = [(axis - 0.1, low), (axis, (low + high) / 2), (axis + 0.1, high)]
    places = [page.evaluate(PLACE, list(end)) for end in ends]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def test_brushes_keep_what_crosses_them(page: "playwright.Page") -> None:
    """Of the axes act, dim and val_rmse; the arrow takes the marks back."""
    count = page.locator("#jobs-count")
    drag(page, 2, -0.05, 0.55)
    playwright.expect(count).to_have_text("3 of 4 shown")
    assert jobs(page) == ["a", "b", "c"]
    drag(page, 1, -0.05, 0.05)
    playwright.expect(count).to_have_text("2 of 4 shown")
    assert jobs(page) == ["a", "c"]
    page.locator(".bk-tool-icon-reset").first.click()
    playwright.expect(count).to_have_text("4 of 4 shown")
    assert len(jobs(page)) == 4


def test_mouse_shows_a_job(page: "playwright.Page") -> None:
    """Its name as text, though it is markup."""
    page.locator("#jobs").scroll_into_view_if_needed()
    page.mouse.move(*page.evaluate(PLACE, [2, 1]))
    page.get_by_text("onerror").last.wait_for()
