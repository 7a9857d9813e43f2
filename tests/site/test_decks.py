"""Every chapter's deck in a real browser: it opens, it moves, and nothing on it is cut off.

`BOOK_SLIDES` names a folder of decks; without it the tests make them from the chapters' last run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page, expect

from tools import browser as tools_browser
from tools import slides
from tools.browser import Visit, visit
from tools.decks import SMALL
from tools.notebooks import ROOT, toc_files

TEXT, FIGURE = 22, 300  # pixels on a canvas of 1280 x 720 that can be read from the back row

READY = "window.Reveal && Reveal.isReady()"

# What a page would be if the audience saw it now. All pages are laid out at once to be measured.
MEASURE = """() => {
  const slides = document.querySelector(".slides");
  slides.classList.add("measuring");
  const size = (e) => parseFloat(getComputedStyle(e).fontSize);
  const facts = [...slides.querySelectorAll(".page")].map((page, number) => ({
    number: number + 1,
    canvas: [page.offsetWidth, page.offsetHeight],
    over: [page.scrollWidth - page.clientWidth, page.scrollHeight - page.clientHeight],
    empty: page.children.length < 2,
    text: Math.min(...[...page.querySelectorAll("p, li, td, th")].map(size)),
    code: Math.min(...[...page.querySelectorAll("pre, pre code")].map(size)),
    figures: [...page.querySelectorAll("img")].map((e) => [e.offsetHeight, e.naturalWidth, e.alt]),
  }));
  slides.classList.remove("measuring");
  return facts;
}"""

UNRENDERED = r"""() => {
  const copy = document.querySelector(".slides").cloneNode(true);
  copy.querySelectorAll("pre, code, mjx-container").forEach((e) => e.remove());
  const raw = copy.textContent.match(/\\\(|\\\[|\$\$|\\begin\{/g) || [];
  const failed = [...document.querySelectorAll("mjx-merror, [data-mjx-error]")];
  return [...raw, ...failed.map((e) => e.outerHTML)];
}"""


@pytest.fixture(scope="session")
def decks() -> Path:
    folder = os.environ.get("BOOK_SLIDES")
    if not folder:
        slides.build(ROOT)
    return Path(folder or ROOT / "_build" / "slides")


@pytest.fixture(scope="session")
def served(decks: Path) -> Iterator[str]:
    with tools_browser.site(decks) as base:
        yield base


@pytest.fixture(scope="module")
def facts(chromium: Browser, served: str) -> Callable[[str], dict[str, Any]]:
    """Opens a deck once for all the tests that ask about it."""

    @cache
    def opened(chapter: str) -> dict[str, Any]:
        with visit(chromium, address(served, chapter), width=1280, height=720) as seen:
            seen.page.wait_for_function(READY)
            return {
                "pages": seen.page.evaluate(MEASURE),
                "unrendered": seen.page.evaluate(UNRENDERED),
                "formulas": seen.page.locator(".slides mjx-container").count(),
                "trouble": seen.errors + seen.offsite,
            }

    return opened


@pytest.fixture
def deck(chromium: Browser, served: str) -> Iterator[Visit]:
    """A deck with mathematics, figures and columns of more than one slide."""
    with visit(chromium, address(served, "notebooks/foundations/backpropagation")) as seen:
        seen.page.wait_for_function(READY)
        yield seen


def address(base: str, chapter: str) -> str:
    return f"{base}/{chapter.removeprefix('notebooks/')}.html"


def test_a_deck_opens_without_an_error_or_a_network(facts, chapter):
    assert facts(chapter)["trouble"] == []


def test_nothing_is_cut_off(facts, chapter):
    for page in facts(chapter)["pages"]:
        assert page["canvas"] == [1280, 720], page
        assert max(page["over"]) <= 0, page
        assert not page["empty"], page


def test_everything_can_be_read_from_the_back_row(facts, chapter):
    for page in facts(chapter)["pages"]:
        assert (page["text"] or TEXT) >= TEXT, page
        assert (page["code"] or SMALL) >= SMALL, page


def test_figures_are_there_large_and_described(facts, decks, chapter):
    figures = [figure for page in facts(chapter)["pages"] for figure in page["figures"]]
    source = BeautifulSoup(read(decks, chapter), "html.parser")
    assert len(figures) == len(source.select("img")) > 0
    for height, width, alt in figures:
        assert height >= FIGURE, alt
        assert width > 0, alt
        assert len(alt) >= 20


def test_mathematics_is_rendered(facts, decks, chapter):
    source = BeautifulSoup(read(decks, chapter), "html.parser").select_one(".slides")
    assert facts(chapter)["unrendered"] == []
    assert facts(chapter)["formulas"] == len(source.select(".math")) > 0


def test_a_deck_is_a_lecture_that_ends_with_the_summary(decks, chapter):
    page = BeautifulSoup(read(decks, chapter), "html.parser")
    assert page.select_one(".page").h1
    assert page.select(".page h2")[-1].text == "Summary"
    assert 15 <= len(page.select(".page")) <= 60


def read(decks: Path, chapter: str) -> str:
    return (decks / f"{chapter.removeprefix('notebooks/')}.html").read_text("utf-8")


def here(page: Page) -> list[int]:
    return page.evaluate("(({h, v}) => [h, v])(Reveal.getIndices())")


def test_arrow_keys_move(deck):
    page = deck.page
    assert here(page) == [0, 0]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert here(page) == [2, 0]
    expect(page.locator("section.present section.present h2")).to_have_text("The network")
    page.keyboard.press("ArrowDown")
    assert here(page) == [2, 1]
    expect(page.locator("section.present section.present .running")).to_have_text("The network")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    assert here(page) == [1, 0]


def test_the_speaker_view_has_the_chapters_words(deck):
    deck.page.keyboard.press("ArrowRight")
    with deck.page.context.expect_page() as opened:
        deck.page.keyboard.press("s")
    notes = opened.value.locator(".speaker-controls-notes .value")
    expect(notes).to_contain_text("Six petals", timeout=15_000)
    expect(notes).to_contain_text("One neuron draws one straight line")  # above the next heading
    assert deck.offsite == []


def test_a_deck_works_from_a_file_without_a_network(chromium: Browser, decks: Path):
    context = chromium.new_context(offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((decks / "foundations" / "backpropagation.html").as_uri())
    page.wait_for_function(READY)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    loaded = "document.fonts.ready.then(f => [...f].filter(x => x.status == 'loaded').length)"
    assert page.evaluate(loaded) > 0  # MathJax's fonts
    assert page.evaluate(UNRENDERED) == []
    page.keyboard.press("ArrowRight")
    assert here(page) == [1, 0]
    context.close()


def test_a_deck_can_be_read_without_scripts(chromium: Browser, served: str):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address(served, "foundations/backpropagation"))
    summary = page.get_by_role("heading", name="Summary")
    expect(summary).to_be_visible()
    summary.scroll_into_view_if_needed()
    expect(summary).to_be_in_viewport()
    assert page.locator(".figure img").first.bounding_box()["height"] >= FIGURE / 2
    context.close()


def test_the_list_leads_to_every_deck(chromium: Browser, served: str):
    toc = toc_files(yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8")))
    with visit(chromium, f"{served}/index.html") as seen:
        links = seen.page.locator("li a").evaluate_all(
            "all => all.map(a => a.getAttribute('href'))"
        )
        chapters = [page for page in toc if page.startswith("notebooks/")]
        assert [address("", chapter) for chapter in chapters] == [f"/{link}" for link in links]
        seen.page.locator("li a").first.click()
        seen.page.wait_for_function(READY)
        assert seen.errors + seen.offsite == []
