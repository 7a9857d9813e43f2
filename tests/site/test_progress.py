"""The reader's ticks in a real browser: kept, shown, exported, imported, and never lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Locator, Page, expect

from tools.browser import Visit, visit

KEY = "deep-learning-you-can-run.progress"
FORMAT = "deep-learning-you-can-run/progress"
CHAPTER = "notebooks/foundations/tensors"
OTHER = "notebooks/foundations/autograd"
PROGRESS = "book/progress"
CHAPTER_BOX, EXERCISE_BOX = "I have finished this chapter", "I have done exercise 2"


def stored(page: Page) -> list[str] | None:
    """The names of what is ticked, as the browser keeps them."""
    text = page.evaluate(f"localStorage.getItem('{KEY}')")
    return None if text is None else json.loads(text)["done"]


def keep(page: Page, *names: str) -> None:
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [KEY, file_text(*names)])


def file_text(*names: object, version: object = 1, form: object = FORMAT) -> str:
    return json.dumps({"format": form, "version": version, "done": names})


def row(page: Page, chapter: str) -> Locator:
    return page.locator("article tbody tr", has=page.locator(f"a[href$='{chapter}.html']"))


@pytest.fixture
def chapter_page(chromium: Browser, address: str) -> Iterator[Visit]:
    with visit(chromium, f"{address}/{CHAPTER}.html") as seen:
        yield seen
        assert seen.offsite == []


@pytest.fixture
def overview(chromium: Browser, address: str) -> Iterator[Page]:
    with visit(chromium, f"{address}/{PROGRESS}.html") as seen:
        yield seen.page
        assert (seen.offsite, seen.errors) == ([], [])


def test_the_list_is_the_book(html: Path, pages: list[str]) -> None:
    """Every chapter in the book's order, with as many exercises as its page has."""
    table = BeautifulSoup((html / f"{PROGRESS}.html").read_text("utf-8"), "html.parser")
    found = {}
    for line in table.select("article tbody tr"):
        path = (html / PROGRESS).parent / line.a["href"]
        if path.exists():  # a part of the book may be built alone
            found[path.resolve().relative_to(html).with_suffix("").as_posix()] = line.text
    chapters = [page for page in pages if page.startswith("notebooks/")]
    assert list(found) == chapters
    assert chapters
    for chapter in chapters:
        page = BeautifulSoup((html / f"{chapter}.html").read_text("utf-8"), "html.parser")
        exercises = len(page.select("section[id^=exercise-] > h3"))
        assert exercises >= 5
        assert found[chapter].split()[-1] == str(exercises)


def test_a_tick_stays_and_is_seen(chapter_page: Visit, address: str) -> None:
    page = chapter_page.page
    boxes = page.locator("article input[type=checkbox]")
    expect(boxes).to_have_count(page.locator("section[id^=exercise-] > h3").count() + 1)
    exercise, chapter = page.get_by_label(EXERCISE_BOX), page.get_by_label(CHAPTER_BOX)
    # By keyboard; each box is large enough for a finger.
    for box in (exercise, chapter):
        size = box.bounding_box()
        assert size
        assert min(size["width"], size["height"]) >= 24
        box.focus()
        page.keyboard.press("Space")
        expect(box).to_be_checked()
    assert stored(page) == [CHAPTER, f"{CHAPTER}#2"]

    page.reload()
    expect(exercise).to_be_checked()
    expect(chapter).to_be_checked()
    expect(page.get_by_label("I have done exercise 1")).not_to_be_checked()
    marks = page.locator("nav.bd-links .progress-mark:visible")
    expect(marks).to_have_text("✓ (finished)")

    page.get_by_role("link", name="My progress").click()
    page.wait_for_url(f"**/{PROGRESS}.html")
    marked = page.locator("nav.bd-links a", has=page.locator(".progress-mark:visible"))
    expect(marked).to_have_count(1)
    assert str(marked.get_attribute("href")).endswith("foundations/tensors.html")
    line = row(page, CHAPTER)
    total = line.locator("td").last.inner_text().split()[-1]
    expect(line.locator("td").last).to_have_text(f"1 of {total}")
    expect(line.locator(".progress-mark")).to_be_visible()
    expect(row(page, OTHER).locator(".progress-mark")).to_be_hidden()
    expect(page.locator("#my-progress p").first).to_contain_text("Finished: 1 of ")
    expect(page.locator("#my-progress p").first).to_contain_text("Done: 1 of ")
    assert page.locator("#my-progress progress").evaluate("e => e.value") == 2

    page.goto(f"{address}/{CHAPTER}.html")
    exercise.uncheck()
    page.reload()
    expect(exercise).not_to_be_checked()
    assert stored(page) == [CHAPTER]
    assert chapter_page.errors == []


def test_export_clear_and_import(overview: Page, tmp_path: Path) -> None:
    names = [f"{OTHER}#3", CHAPTER, f"{CHAPTER}#1"]
    keep(overview, *names)
    overview.reload()
    with overview.expect_download() as download:
        overview.get_by_role("button", name="Export").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == "deep-learning-you-can-run-progress.json"
    assert json.loads(path.read_text("utf-8")) == json.loads(file_text(*names))

    # Clear asks, and takes no for an answer.
    asked = []
    for answer in ("dismiss", "accept"):
        overview.once("dialog", lambda box, do=answer: (asked.append(box.type), getattr(box, do)()))
        overview.get_by_role("button", name="Clear").click()
        assert stored(overview) == (names if answer == "dismiss" else None)
    assert asked == ["confirm", "confirm"]
    expect(row(overview, CHAPTER).locator("td").last).to_contain_text("0 of ")
    expect(row(overview, CHAPTER).locator(".progress-mark")).to_be_hidden()

    # Import adds: what was ticked in between stays.
    keep(overview, f"{OTHER}#1", f"{OTHER}#3")
    with overview.expect_file_chooser() as chooser:
        overview.get_by_role("button", name="Import").click()
    chooser.value.set_files(path)
    expect(overview.locator("#my-progress output").first).to_have_text(
        f"2 ticks were added from {path.name}. None was removed."
    )
    assert stored(overview) == sorted([*names, f"{OTHER}#1"])
    expect(row(overview, OTHER).locator("td").last).to_contain_text("2 of ")
    expect(row(overview, CHAPTER).locator(".progress-mark")).to_be_visible()


BAD = {
    "not-json": (b"<html>", "it is not JSON"),
    "empty": (b"", "it is not JSON"),
    "picture": (b"\x89PNG\r\n\xff\x00", "it is not JSON"),
    "other-json": (b'{"cells": []}', "it is not a progress file of this book"),
    "null": (b"null", "it is not a progress file of this book"),
    "list": (b"[1, 2]", "it is not a progress file of this book"),
    "other-book": (file_text(form="x").encode(), "it is not a progress file of this book"),
    "new-version": (file_text(version=2).encode(), "it is not of version 1, the one this"),
    "version-text": (file_text(version="1").encode(), "it is not of version 1, the one this"),
    "no-list": (
        json.dumps({"format": FORMAT, "version": 1, "done": CHAPTER}).encode(),
        "its list of ticks is damaged",
    ),
    "numbers": (file_text(CHAPTER, 5).encode(), "its list of ticks is damaged"),
    "nested": (file_text([CHAPTER]).encode(), "its list of ticks is damaged"),
    "markup": (file_text("notebooks/<img src=x>").encode(), "its list of ticks is damaged"),
    "huge": (file_text(*[CHAPTER] * 40_000).encode(), "it is larger than one megabyte"),
}


def test_a_bad_file_is_refused_and_nothing_is_lost(overview: Page) -> None:
    keep(overview, CHAPTER)
    overview.reload()
    before = overview.evaluate(f"localStorage.getItem('{KEY}')")
    status = overview.locator("#my-progress output").first
    for name, (content, reason) in BAD.items():
        payload = {"name": f"{name}.json", "mimeType": "application/json", "buffer": content}
        overview.locator("input[type=file]").set_input_files(payload)
        expect(status).to_contain_text(f"{name}.json was not imported: {reason}")
        expect(status).to_contain_text("Nothing has changed.")
        assert overview.evaluate(f"localStorage.getItem('{KEY}')") == before
    expect(row(overview, CHAPTER).locator(".progress-mark")).to_be_visible()


def test_two_tabs_agree(chapter_page: Visit, address: str) -> None:
    first = chapter_page.page
    second, third = first.context.new_page(), first.context.new_page()
    second.goto(f"{address}/{CHAPTER}.html")
    third.goto(f"{address}/{PROGRESS}.html")
    first.get_by_label(EXERCISE_BOX).check()
    expect(second.get_by_label(EXERCISE_BOX)).to_be_checked()
    second.get_by_label(CHAPTER_BOX).check()
    expect(first.get_by_label(CHAPTER_BOX)).to_be_checked()
    expect(first.locator("nav.bd-links .progress-mark:visible")).to_have_count(1)
    expect(row(third, CHAPTER).locator(".progress-mark")).to_be_visible()
    # A tab that has not heard of a change yet adds to it and does not undo it.
    keep(first, CHAPTER, f"{CHAPTER}#2", f"{OTHER}#1")
    first.get_by_label("I have done exercise 1").check()
    assert stored(first) == sorted([CHAPTER, f"{CHAPTER}#1", f"{CHAPTER}#2", f"{OTHER}#1"])
    third.once("dialog", lambda box: box.accept())
    third.get_by_role("button", name="Clear").click()
    expect(first.get_by_label(CHAPTER_BOX)).not_to_be_checked()
    expect(second.get_by_label(EXERCISE_BOX)).not_to_be_checked()


BLOCK = """Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("denied", "SecurityError"); },
});"""
FILL = """Storage.prototype.setItem = () => {
  throw new DOMException("full", "QuotaExceededError");
};"""


def test_blocked_storage_is_told_and_leaves_no_dead_control(
    chromium: Browser, address: str
) -> None:
    page = chromium.new_page()
    page.add_init_script(BLOCK)
    line = page.get_by_text("This browser blocks storage for this page")
    page.goto(f"{address}/{CHAPTER}.html")
    expect(line).to_be_visible()
    expect(page.locator("article input:visible")).to_have_count(0)
    expect(page.locator(".quiz-options button").first).to_be_visible()  # the rest works
    page.goto(f"{address}/{PROGRESS}.html")
    expect(line).to_be_visible()
    expect(page.locator("#my-progress :is(button, input, progress):visible")).to_have_count(0)
    expect(row(page, CHAPTER)).to_be_visible()
    page.close()


def test_full_storage_is_told_and_the_tick_taken_back(chromium: Browser, address: str) -> None:
    page = chromium.new_page()
    page.add_init_script(FILL)
    page.goto(f"{address}/{CHAPTER}.html")
    box = page.get_by_label(EXERCISE_BOX)
    box.click()
    said = page.locator(".progress-tick", has=box).locator("output")
    expect(said).to_contain_text("could not be kept: the browser’s storage is full")
    expect(box).not_to_be_checked()
    page.goto(f"{address}/{PROGRESS}.html")
    payload = {"name": "a.json", "mimeType": "", "buffer": file_text(CHAPTER).encode()}
    page.locator("input[type=file]").set_input_files(payload)
    expect(page.locator("#my-progress output").first).to_contain_text("could not be kept")
    expect(page.locator(".progress-mark:visible")).to_have_count(0)
    page.close()


@pytest.mark.parametrize("damaged", ["not JSON", file_text(version=2), file_text("x")])
def test_what_cannot_be_read_is_left_alone_until_it_is_cleared(
    chapter_page: Visit, address: str, damaged: str
) -> None:
    page = chapter_page.page
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [KEY, damaged])
    page.reload()
    expect(page.get_by_text("The ticks kept in this browser cannot be read")).to_be_visible()
    expect(page.locator("article input:visible")).to_have_count(0)
    page.goto(f"{address}/{PROGRESS}.html")
    expect(page.locator("#my-progress button:visible")).to_have_text(["Clear"])
    assert page.evaluate(f"localStorage.getItem('{KEY}')") == damaged
    page.once("dialog", lambda box: box.accept())
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#my-progress button:visible")).to_have_text(["Export", "Import", "Clear"])
    expect(page.get_by_text("cannot be read")).to_have_count(0)
    assert chapter_page.errors == []


def test_pages_opened_as_files_use_the_same_names(chromium: Browser, html: Path) -> None:
    page = chromium.new_page()
    page.goto((html / f"{CHAPTER}.html").as_uri())
    page.get_by_label(EXERCISE_BOX).check()
    page.get_by_label(CHAPTER_BOX).check()
    assert stored(page) == [CHAPTER, f"{CHAPTER}#2"]
    page.reload()
    expect(page.get_by_label(CHAPTER_BOX)).to_be_checked()
    expect(page.locator("nav.bd-links .progress-mark:visible")).to_have_count(1)
    page.close()


def test_without_scripts_the_chapters_are_listed(
    chromium: Browser, address: str, pages: list[str]
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{PROGRESS}.html")
    assert page.locator("noscript p").inner_text().startswith("Ticks need JavaScript")
    expect(page.locator("noscript p")).to_be_visible()
    expect(page.locator("article :is(button, input, progress)")).to_have_count(0)
    for chapter in (name for name in pages if name.startswith("notebooks/")):
        expect(row(page, chapter).first).to_be_visible()
    page.goto(f"{address}/{CHAPTER}.html")
    expect(page.locator("article :is(button, input)")).to_have_count(0)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(chromium: Browser, address: str, scheme: str) -> None:
    with visit(chromium, f"{address}/{PROGRESS}.html", scheme=scheme) as seen:
        keep(seen.page, CHAPTER, f"{CHAPTER}#1")
        for path in (PROGRESS, CHAPTER):
            seen.page.goto(f"{address}/{path}.html")
            expect(seen.page.locator(".progress-mark:visible").first).to_be_visible()
            found = Axe().run(seen.page).response["violations"]
            serious = [f for f in found if f["impact"] in ("serious", "critical")]
            assert [(f["id"], f["nodes"][0]["html"]) for f in serious] == []


def test_a_phone_shows_the_whole_page(chromium: Browser, address: str) -> None:
    with visit(chromium, f"{address}/{PROGRESS}.html", width=360, height=740) as seen:
        assert seen.page.evaluate("document.documentElement.scrollWidth") == 360
        for button in seen.page.locator("#my-progress button").all():
            box = button.bounding_box()
            assert box
            assert min(box["width"], box["height"]) >= 24
            assert box["x"] + box["width"] <= 360
