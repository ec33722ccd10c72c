"""The tables of figures in a real browser: a click on a head sorts the rows, by number where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from meta_tests.runs import read_catalogue
from meta_tests.test_page_in_browser import CHROMIUM, QUIET
from meta_tests.test_page_measurements import TIME, measuring
from reports.page import page

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path; install one to check the page")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
SECONDS = {"small": 3e-6, "large": 2e-2, "middle": 4e-4}


@pytest.fixture
def names(tmp_path: Path) -> Iterator[object]:
    """A function that clicks on a head, if any, and gives the names of the rows in their order."""
    path = tmp_path / "page.html"
    figures = [{**TIME, "name": name, "seconds": value} for name, value in SECONDS.items()]
    path.write_text(page([measuring(*figures)], read_catalogue(tmp_path / "claims")), encoding="utf-8")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        shown = browser.new_page()
        shown.goto(path.as_uri() + "#measurements")
        shown.locator("#measurements summary").first.evaluate("summary => (summary.parentElement.open = true)")

        def read(head: str = "") -> list[str]:
            if head:
                shown.locator(f"#measurements thead button:text-is('{head}')").click()
            return shown.locator("#measurements tbody th").all_text_contents()

        yield read
        browser.close()


def test_a_click_sorts(names) -> None:  # type: ignore[no-untyped-def]
    assert names() == ["small", "large", "middle"]
    assert names("time") == ["large", "middle", "small"]
    assert names("time") == ["small", "middle", "large"]
    assert names("work") == ["small", "middle", "large"]
