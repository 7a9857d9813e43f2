"""A chapter on paper: light in either theme, no line cut off, no buttons."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tools.browser import visit

CHAPTER = "notebooks/foundations/softmax-regression.html"
A4 = 680  # CSS pixels between margins of 15 mm

# Brightness, 0 to 255, of the paper and of each kind of text.
BRIGHTNESS = """() => {
  const mean = (color) => color.match(/[\\d.]+/g).slice(0, 3).reduce((a, b) => a + +b, 0) / 3;
  const style = (selector) => getComputedStyle(document.querySelector(selector));
  return {
    paper: mean(style("body").backgroundColor),
    text: Object.fromEntries(
      ["article h1", "article h2", "article p", "article pre", "#quiz button"]
        .map((selector) => [selector, mean(style(selector).color)])),
  };
}"""

CUT_OFF = """() => [...document.querySelectorAll("article pre, article table, article img")]
  .filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1)
  .map((e) => `${e.tagName} ${e.textContent.slice(0, 40)}`)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_chapter_is_printed_dark_on_light(chromium: Browser, address: str, scheme: str) -> None:
    with visit(chromium, f"{address}/{CHAPTER}", scheme=scheme, width=A4) as seen:
        page = seen.page
        page.emulate_media(media="print")
        page.wait_for_function("document.documentElement.dataset.theme === 'light'")
        found = page.evaluate(BRIGHTNESS)
        assert found["paper"] > 240
        assert max(found["text"].values()) < 110, found["text"]
        assert page.evaluate(CUT_OFF) == []
        for control in (".article-header-buttons", ".bd-sidebar-primary", ".progress-tick"):
            assert not page.locator(control).first.is_visible(), control
        page.emulate_media(media="screen")
        page.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")
        assert seen.errors == []


def test_a_dark_page_is_light_in_the_pdf(chromium: Browser, address: str) -> None:
    with visit(chromium, f"{address}/{CHAPTER}", scheme="dark") as seen:
        seen.page.evaluate(
            """() => matchMedia("print").addEventListener("change", ({ matches }) => {
              if (matches) window.themeOnPaper = document.documentElement.dataset.theme;
            })"""
        )
        assert seen.page.pdf(format="A4").startswith(b"%PDF")
        assert seen.page.evaluate("window.themeOnPaper") == "light"
