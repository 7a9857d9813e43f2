"""The quizzes in a real browser, against their data files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup, Tag
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from playwright.sync_api import Browser, Locator, Page, expect

from tools.browser import Visit, visit
from tools.quizzes import LETTERS, SUFFIX

CHAPTER = "notebooks/foundations/softmax-regression"

# The words and the number of formulas of an element, as `shown_as` gives them for Markdown.
SHOWN = """element => {
  const copy = element.cloneNode(true);
  const formulas = [...copy.querySelectorAll("span.math")];
  formulas.forEach(formula => formula.remove());
  return [copy.textContent, formulas.filter(f => f.querySelector("mjx-container")).length];
}"""

Shown = tuple[str, int]


def data(html: Path, chapter: str) -> list[dict[str, Any]]:
    """The quiz of a chapter as its author wrote it."""
    text = (html.parent.parent / f"{chapter}{SUFFIX}").read_text("utf-8")
    return yaml.safe_load(text)


def rendered(markdown: str) -> BeautifulSoup:
    parser = MarkdownIt("commonmark").use(dollarmath_plugin)
    return BeautifulSoup(parser.render(markdown), "html.parser")


def words(text: str) -> str:
    """Letters and digits alone: Sphinx sets other quotes and dashes than the author typed."""
    return " ".join(re.findall(r"\w+", text))


def shown_as(markdown: str) -> Shown:
    page = rendered(markdown)
    formulas = page.select(".math")
    for formula in formulas:
        formula.decompose()
    return words(page.text), len(formulas)


def shown(element: Locator) -> Shown:
    text, formulas = element.evaluate(SHOWN)
    return words(text), formulas


def right_place(question: dict[str, Any]) -> int:
    return next(n for n, option in enumerate(question["options"]) if option.get("right"))


@contextmanager
def opened(chromium: Browser, address: str, chapter: str, **how: Any) -> Iterator[Visit]:
    with visit(chromium, f"{address}/{chapter}.html", **how) as seen:
        yield seen


def check_choice(page: Page, number: int, chosen: int, question: dict[str, Any]) -> None:
    """The page shows the verdict and the explanation of the chosen option, and no other."""
    explanations = page.locator(".quiz-explanations").nth(number).locator(":scope > div")
    visible = explanations.locator("visible=true")
    expect(visible).to_have_count(1)
    option, letter = question["options"][chosen], LETTERS[chosen]
    verdict = "✓ Right." if option.get("right") else "✗ Not quite."
    assert visible.locator("strong").first.inner_text() == f"{letter}. {verdict}"
    assert shown(visible) == shown_as(f"{letter}. {verdict} {option['why']}")
    pressed = page.locator(".quiz-options").nth(number).locator("[aria-pressed=true]")
    expect(pressed).to_have_count(1)
    assert pressed.inner_text().startswith(f"{letter}.")


def test_every_option_has_its_verdict_and_explanation(
    chromium: Browser, address: str, html: Path, chapter: str
) -> None:
    quiz = data(html, chapter)
    with opened(chromium, address, chapter) as seen:
        page = seen.page
        groups = page.locator("#quiz .quiz-options")
        expect(groups).to_have_count(len(quiz))
        expect(page.locator("#quiz details")).to_have_count(0)
        expect(page.locator(".quiz-explanations > div").locator("visible=true")).to_have_count(0)
        score = page.locator(".quiz-score")
        for number, question in enumerate(quiz):
            group = groups.nth(number)
            asked = page.locator(f"#{group.get_attribute('aria-labelledby')}")
            wanted = f"Question {number + 1}. {question['question']}"
            assert shown(asked) == shown_as(wanted)
            buttons = group.get_by_role("button")
            expect(buttons).to_have_count(len(question["options"]))
            for place, option in enumerate(question["options"]):
                wanted = f"{LETTERS[place]}. {option['text']}"
                assert shown(buttons.nth(place)) == shown_as(wanted)

            # The first try is right at all questions but the last.
            assert score.inner_text() == ""
            order = list(range(len(question["options"])))
            order.sort(key=lambda n: (n == right_place(question)) == (number == len(quiz) - 1))
            for place in order:
                buttons.nth(place).click()
                check_choice(page, number, place, question)
        said = f"At the first try you had {len(quiz) - 1} of {len(quiz)} right."
        expect(score).to_have_text(said)
        assert (seen.errors, seen.offsite) == ([], [])


def test_by_keyboard_alone(chromium: Browser, address: str, html: Path) -> None:
    quiz = data(html, CHAPTER)
    with opened(chromium, address, CHAPTER) as seen:
        keyboard = seen.page.keyboard
        seen.page.locator("#exercises summary").last.focus()
        for number, question in enumerate(quiz):
            for place in range(len(question["options"])):
                keyboard.press("Tab")
                while seen.page.locator(".quiz-explanations :focus").count():
                    keyboard.press("Tab")  # past a link in an explanation
                focused = seen.page.locator(":focus")
                assert focused.inner_text().startswith(f"{LETTERS[place]}.")
                assert focused.evaluate("e => parseFloat(getComputedStyle(e).outlineWidth)") >= 2
                keyboard.press("Enter" if place % 2 else "Space")
                check_choice(seen.page, number, place, question)
                expect(focused).to_be_focused()
                # What a screen reader is told: the explanation lies in a live region.
                live = seen.page.locator(".quiz-explanations").nth(number)
                expect(live).to_have_attribute("aria-live", "polite")
        expect(seen.page.locator(".quiz-score")).to_contain_text(f"of {len(quiz)} right")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_an_answered_quiz(
    chromium: Browser, address: str, scheme: str
) -> None:
    with opened(chromium, address, CHAPTER, scheme=scheme) as seen:
        for group in seen.page.locator(".quiz-options").all():
            for button in group.get_by_role("button").all():
                button.click()
                box = button.bounding_box()
                assert box
                assert min(box["width"], box["height"]) >= 24
        found = Axe().run(seen.page).response["violations"]
    serious = [f for f in found if f["impact"] in ("serious", "critical")]
    assert [(f["id"], f["nodes"][0]["html"]) for f in serious] == []


def test_without_scripts_all_is_there(html: Path, chapter: str) -> None:
    """The page as it is sent: every word of the data file, and every formula, set, at its place."""

    def text(markdown: str) -> str:
        return marked(rendered(markdown))

    def marked(page: Tag) -> str:
        for formula in page.select(".math"):
            formula.string = " FORMULA "
        return words(page.text)

    page = BeautifulSoup((html / f"{chapter}.html").read_text("utf-8"), "html.parser")
    section = page.find("section", id="quiz")
    assert not section.find(["button", "input"])
    blocks = section.find_all(["p", "ul", "details"], recursive=False)[1:]
    assert all(formula.find("mjx-container") for formula in section.select(".math"))
    found = [marked(block) for block in blocks]
    wanted = []
    for number, question in enumerate(data(html, chapter), start=1):
        lettered = list(zip(LETTERS, question["options"], strict=False))
        options = " ".join(text(f"{letter} {option['text']}") for letter, option in lettered)
        answers = " ".join(
            text(f"{letter}. {'Right.' if option.get('right') else 'Not quite.'} {option['why']}")
            for letter, option in lettered
        )
        wanted += [text(f"Question {number}. {question['question']}"), options]
        wanted += [f"Answers to question {number} {answers}"]
    assert found == wanted


def test_without_scripts_the_answers_unfold(chromium: Browser, address: str, html: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{CHAPTER}.html#quiz")
    for fold, question in zip(
        page.locator("#quiz details").all(), data(html, CHAPTER), strict=True
    ):
        items = fold.locator("li")
        expect(items.first).to_be_hidden()
        fold.locator("summary").click()
        expect(items.locator("visible=true")).to_have_count(len(question["options"]))
    context.close()


def test_a_page_opened_as_a_file_works_too(chromium: Browser, html: Path) -> None:
    page = chromium.new_page()
    page.goto((html / f"{CHAPTER}.html").as_uri())
    question = data(html, CHAPTER)[0]
    right = right_place(question)
    page.locator(".quiz-options").first.get_by_role("button").nth(right).click()
    check_choice(page, 0, right, question)
    page.close()


def test_other_pages_have_no_quiz(chromium: Browser, address: str) -> None:
    with visit(chromium, f"{address}/book/how-to-use.html") as seen:
        assert seen.page.locator(".quiz-options, .quiz-score").count() == 0
