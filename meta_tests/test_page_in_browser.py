"""The page in a real browser: the filter, the fragment, the keyboard, and everything without JavaScript."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from meta_tests.runs import read_catalogue, record, refuted, run
from reports.page import page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path; install one to check the page")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with 64 claims that held, one refuted and one blocked: enough for the areas to start folded."""
    folder: Path = tmp_path_factory.mktemp("page")
    held = [record(f"held.law-{number}", params={"dtype": "float32"}) for number in range(64)]
    found = run([refuted(), record("view.strides", "blocked"), record("math.sum"), *held])
    (folder / "page.html").write_text(page([found], read_catalogue(folder / "claims")), encoding="utf-8")
    return (folder / "page.html").as_uri()


class Tab:
    """One page in a browser context of its own, with all that it complained about and asked for."""

    def __init__(self, browser: playwright.Browser, **options: object) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def shown(self) -> list[str]:
        """The ids of the claims that the reader sees."""
        claims = self.page.locator("details.claim:visible")
        return [str(claim.get_attribute("id")).removeprefix("claim=") for claim in claims.all()]


@pytest.fixture
def tab(browser: playwright.Browser) -> Iterator[Tab]:
    found = Tab(browser)
    yield found
    assert found.complaints == []
    assert all(request.startswith("file:") for request in found.requests)
    found.context.close()


@pytest.fixture
def plain(browser: playwright.Browser) -> Iterator[Tab]:
    found = Tab(browser, java_script_enabled=False)
    yield found
    assert found.complaints == []
    found.context.close()


def test_a_search_narrows_the_claims(tab: Tab, address: str) -> None:
    tab.page.goto(address)
    assert tab.shown() == []
    tab.page.get_by_role("searchbox").fill("Swaps the STRIDES")
    assert tab.shown() == ["view.strides"]
    assert "1 of 67 claims" in tab.page.locator("output").inner_text()
    tab.page.get_by_role("button", name="Clear").click()
    playwright.expect(tab.page.locator("output")).to_have_text("67 claims")
    assert tab.shown() == []


def test_verdicts_narrow_the_claims(tab: Tab, address: str) -> None:
    tab.page.goto(address)
    tab.page.get_by_role("checkbox", name="refuted").check()
    assert tab.shown() == ["view.base"]
    tab.page.get_by_role("checkbox", name="blocked").check()
    assert tab.shown() == ["view.base", "view.strides"]
    tab.page.get_by_role("checkbox", name="refuted").uncheck()
    tab.page.get_by_role("checkbox", name="surprising").check()
    assert tab.shown() == ["view.strides"]
    tab.page.get_by_role("searchbox").fill("no such words")
    assert tab.shown() == []
    playwright.expect(tab.page.get_by_text("No claim matches.")).to_be_visible()


def test_the_fragment_restores_filter_and_selection(tab: Tab, browser: playwright.Browser, address: str) -> None:
    tab.page.goto(address)
    tab.page.get_by_role("searchbox").fill("view")
    tab.page.get_by_role("checkbox", name="refuted").check()
    tab.page.locator("details.claim:visible > summary").click()
    assert "#" in tab.page.url
    other = Tab(browser)
    other.page.goto(tab.page.url)
    assert other.shown() == ["view.base"]
    assert other.page.get_by_role("searchbox").input_value() == "view"
    assert other.page.get_by_role("checkbox", name="refuted").is_checked()
    assert other.page.locator("[id='claim=view.base']").get_attribute("open") is not None
    assert other.complaints == []
    other.context.close()


def test_a_link_to_a_claim_shows_it(tab: Tab, address: str) -> None:
    tab.page.goto(f"{address}#q=sum")
    assert tab.shown() == ["math.sum"]
    tab.page.locator("#surprises a[href='#claim=view.base']").first.click()
    playwright.expect(tab.page.locator("[id='claim=view.base'] .finding").first).to_be_visible()
    assert tab.page.url.endswith("#claim=view.base")


def test_a_link_to_a_chapter_leaves_the_filter_alone(tab: Tab, address: str) -> None:
    tab.page.goto(f"{address}#claims")
    playwright.expect(tab.page.locator("output")).to_have_text("67 claims")
    tab.page.get_by_role("checkbox", name="refuted").check()
    tab.page.get_by_role("link", name="What was judged").click()
    assert tab.shown() == ["view.base"]


def test_a_fold_outlives_a_filter(tab: Tab, address: str) -> None:
    tab.page.goto(address)
    tab.page.locator("[id='area=math'] > summary").click()
    tab.page.get_by_role("searchbox").fill("strides")
    tab.page.get_by_role("searchbox").fill("")
    assert tab.shown() == ["math.sum"]


def test_the_keyboard_is_enough(tab: Tab, address: str) -> None:
    tab.page.goto(f"{address}#q=keeps")
    tab.page.locator("details.claim:visible > summary").focus()
    tab.page.keyboard.press("Enter")
    playwright.expect(tab.page.locator("[id='claim=view.base'] .finding").first).to_be_visible()
    tab.page.keyboard.press("Enter")
    playwright.expect(tab.page.locator("[id='claim=view.base'] .finding").first).to_be_hidden()


def test_the_script_can_be_copied(tab: Tab, address: str) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.page.goto(address)
    button = tab.page.locator("#surprises button.copy").first
    button.click()
    playwright.expect(button).to_have_text(re.compile("Copied|Selected"))


def test_everything_is_there_without_javascript(plain: Tab, address: str) -> None:
    plain.page.goto(address)
    playwright.expect(plain.page.locator("h1")).to_contain_text("2 surprises")
    playwright.expect(plain.page.locator("#filter")).to_be_hidden()
    playwright.expect(plain.page.locator("button.copy").first).to_be_hidden()
    plain.page.locator("[id='area=view'] > summary").click()
    plain.page.locator("[id='claim=view.base'] > summary").click()
    playwright.expect(plain.page.locator("[id='claim=view.base'] .finding").first).to_be_visible()


def test_a_permalink_works_without_javascript(plain: Tab, address: str) -> None:
    plain.page.goto(f"{address}#claim=view.base")
    playwright.expect(plain.page.locator("[id='claim=view.base']")).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_text_stands_out_and_nothing_overflows(
    browser: playwright.Browser, address: str, scheme: str, width: int
) -> None:
    tab = Tab(browser, color_scheme=scheme, viewport={"width": width, "height": 900})
    tab.page.goto(f"{address}#claim=view.base")
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    for selector in ("body", ".v.refuted", ".v.blocked", ".v.held", "small", ".id", "nav a"):
        assert tab.page.evaluate(CONTRAST, selector) >= 4.5, selector
    tab.context.close()


# The contrast ratio of WCAG between an element's text and the paper it stands on.
CONTRAST = """selector => {
  const colour = (element, name) => {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = getComputedStyle(element)[name];
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(part => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
  };
  const light = ([red, green, blue]) => 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  const ink = light(colour(document.querySelector(selector), "color"));
  const paper = light(colour(document.body, "backgroundColor"));
  return Math.max(ink, paper) / Math.min(ink, paper);
}"""
