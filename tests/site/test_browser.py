"""The built site in a real browser, with no network but the site's own origin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, expect

from tools.bench import SAMPLE_PAGES
from tools.browser import axe_findings, visit

WEIGHT = 800_000  # bytes under gzip, without the page's own figures
PHONE = 360

UNFOLD = "document.querySelectorAll('details').forEach(d => d.open = true)"

# What a reader would see as raw TeX: text of the page outside code and rendered formulas.
RAW_TEX = r"""() => {
  const article = document.querySelector("article").cloneNode(true);
  article.querySelectorAll("pre, code, mjx-container").forEach(e => e.remove());
  return article.textContent.match(/\$\$|\\\(|\\\[|\\begin\{/g) || [];
}"""

UNRENDERED = """() => [...document.querySelectorAll(".math")]
  .filter(e => !e.querySelector("mjx-container") || e.querySelector("mjx-merror, [data-mjx-error]"))
  .map(e => e.textContent.slice(0, 80))"""

# Elements that stick out at the right, less those inside a box that scrolls.
STICKING_OUT = """() => {
  const scrolls = e => e && e !== document.body
    && (["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX)
        || scrolls(e.parentElement));
  return [...document.querySelectorAll("article *")]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e.parentElement))
    .map(e => e.outerHTML.slice(0, 80));
}"""

WIDE_FORMULAS = """() => [...document.querySelectorAll("div.math mjx-container mjx-math")]
  .filter(e => e.getBoundingClientRect().width
               > e.closest("div.math").getBoundingClientRect().width + 1)
  .map(e => e.closest("mjx-container").textContent.slice(0, 80))"""


@dataclass
class Facts:
    """What one visit to a page, its folded text unfolded, tells."""

    offsite: list[str]
    errors: list[str]
    formulas: int
    unrendered: list[str]
    raw_tex: list[str]
    wide_formulas: list[str]
    weight: dict[str, int]


@pytest.fixture(scope="module")
def facts(chromium: Browser, address: str) -> Callable[[str], Facts]:
    """Opens a page once for all the tests that ask about it."""

    @cache
    def opened(page: str) -> Facts:
        with visit(chromium, f"{address}/{page}.html") as seen:
            seen.page.evaluate(UNFOLD)
            seen.settle()
            return Facts(
                offsite=seen.offsite,
                errors=seen.errors,
                formulas=seen.page.locator("article mjx-container").count(),
                unrendered=seen.page.evaluate(UNRENDERED),
                raw_tex=seen.page.evaluate(RAW_TEX),
                wide_formulas=seen.page.evaluate(WIDE_FORMULAS),
                weight=seen.weight(),
            )

    return opened


def test_nothing_leaves_the_site(facts: Callable[[str], Facts], page: str) -> None:
    assert facts(page).offsite == []


def test_the_console_is_clean(facts: Callable[[str], Facts], page: str) -> None:
    assert facts(page).errors == []


def test_mathematics_is_rendered(facts: Callable[[str], Facts], html: Path, page: str) -> None:
    source = BeautifulSoup((html / f"{page}.html").read_text("utf-8"), "html.parser")
    assert facts(page).formulas >= len(source.select("article .math"))
    assert facts(page).unrendered == []
    assert facts(page).raw_tex == []


def test_no_formula_is_wider_than_the_text(facts: Callable[[str], Facts], page: str) -> None:
    assert facts(page).wide_formulas == []


def test_a_chapter_is_light(facts: Callable[[str], Facts], chapter: str) -> None:
    weight = facts(chapter).weight
    heaviest = sorted(weight.items(), key=lambda item: -item[1])[:5]
    assert sum(weight.values()) <= WEIGHT, heaviest


def test_a_phone_scrolls_in_one_direction(chromium: Browser, address: str, page: str) -> None:
    with visit(chromium, f"{address}/{page}.html", width=PHONE, height=740) as seen:
        seen.page.evaluate(UNFOLD)
        assert seen.page.evaluate(STICKING_OUT) == []
        assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("sample", SAMPLE_PAGES)
def test_axe_finds_nothing_serious(
    chromium: Browser, address: str, sample: str, scheme: str
) -> None:
    found = axe_findings(chromium, f"{address}/{sample}", scheme=scheme)
    assert [(finding["id"], finding["nodes"][0]["html"]) for finding in found] == []


def test_search_finds_a_chapter(chromium: Browser, address: str, html: Path) -> None:
    """The index lies on the site: a chapter is found by its title, without a network."""
    chapter = SAMPLE_PAGES[-1]
    title = BeautifulSoup((html / chapter).read_text("utf-8"), "html.parser").title.text
    with visit(chromium, f"{address}/search.html?q={quote(title.split(',')[0])}") as seen:
        result = seen.page.locator(f"#search-results li a[href*='{chapter}']").first
        expect(result).to_be_visible()
        assert seen.offsite == []


def test_solutions_are_folded_and_open(chromium: Browser, address: str, chapter: str) -> None:
    with visit(chromium, f"{address}/{chapter}.html") as seen:
        solutions = seen.page.locator("article details")
        assert solutions.count() > 0
        for number in range(solutions.count()):
            solution = solutions.nth(number)
            body = solution.locator(":scope > :not(summary)").first
            expect(body).to_be_hidden()
            solution.locator("summary").first.click()
            expect(body).to_be_visible()


def test_the_address_of_the_site_leads_to_the_book(chromium: Browser, address: str) -> None:
    page = chromium.new_page()
    page.goto(f"{address}/")
    page.wait_for_url("**/book/index.html")
    expect(page.locator("article h1")).to_be_visible()
    page.close()


def test_the_reader_chooses_light_or_dark(chromium: Browser, address: str) -> None:
    with visit(chromium, f"{address}/{SAMPLE_PAGES[0]}") as seen:
        shown = set()
        for _ in range(3):  # automatic, light, dark
            seen.page.locator(".theme-switch-button").first.click()
            shown.add(seen.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert len(shown) == 2


def test_the_keyboard_shows_where_it_is(chromium: Browser, address: str) -> None:
    with visit(chromium, f"{address}/{SAMPLE_PAGES[0]}") as seen:
        seen.page.locator("article a").first.focus()
        seen.page.keyboard.press("Tab")
        focused = "getComputedStyle(document.activeElement)"
        assert seen.page.evaluate(f"{focused}.outlineStyle") == "solid"
        assert seen.page.evaluate(f"parseFloat({focused}.outlineWidth)") >= 2
