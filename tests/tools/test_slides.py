"""Decks: what the marks say, what a slide shows, what is refused, and that nothing is off-site."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup, Tag
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import decks, notebooks, rules, slides
from tools.decks import Block, Slide, pages, sentences, shortened
from tools.notebooks import Book, code

NAME = "first/one"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
LONG = " ".join(f"Sentence number {n} says what nobody reads on a wall." for n in range(1, 21))

# Each cell with the type that its rule gives it. Code begins with `>`.
CELLS = {
    "# Its *title*\n\nA hook.\n\n**You will** learn.\n\n**Needs** [three](three.ipynb)": "slide",
    "> import sys": "skip",
    "Before the first section, with a list:\n\n- one": "notes",
    "> sizes = 3": "skip",
    f"The end before.\n\n## A section\n\n{LONG}\n\n$$ a = b $$": "slide",
    "> below = 'the words'": "-",
    "> picture = 'next'": "subslide",
    "Only said, with `## no heading` and $x$.": "notes",
    "> also = 'code'": "subslide",
    "It follows:\n\n$$\nc = d\n$$\n\n<details>\n\nFolded.\n\n</details>": "subslide",
    "> under = 'the formula'": "-",
    "A list\n\n1. first": "subslide",
    "| a | b |\n| - | - |\n| 1 | 2 |": "subslide",
    "```python\n# no heading\n- no = list\n```": "notes",
    "## Summary\n\n- Shown.\n\n## Exercises\n\n### Exercise 1\n\nTask.": "slide",
    "> check = 'of the exercise'": "skip",
    "### Exercise 2\n\n- Another task.": "skip",
}


def chapter(*sources: str) -> NotebookNode:
    cells = [new_code_cell(s[2:]) if s.startswith("> ") else new_markdown_cell(s) for s in sources]
    return new_notebook(cells=cells)


def marked(*pairs: tuple[str, str]) -> NotebookNode:
    """Return a chapter with these types of slides; an empty type is left out."""
    notebook = chapter(*(source for source, _ in pairs))
    for cell, (_, kind) in zip(notebook.cells, pairs, strict=True):
        if kind:
            cell.metadata["slideshow"] = {"slide_type": kind}
    return notebook


@pytest.fixture
def put(book: Book) -> Callable[..., Path]:
    """Write a chapter and its executed copy, in which every code cell put out `outputs`."""

    def put(notebook: NotebookNode, *outputs: NotebookNode, name: str = NAME) -> Path:
        notebooks.write(book.source(name), nbformat.writes(notebook) + "\n")
        run = copy.deepcopy(notebook)
        for cell in code(run):
            cell.outputs = list(outputs)
        run.metadata["d2lcourse"] = {"key": book.key(run), "seconds": 1, "cells": []}
        notebooks.write(book.executed(name), nbformat.writes(run) + "\n")
        return book.source(name)

    return put


@pytest.fixture
def deck(book: Book, put: Callable[..., Path]) -> Callable[..., BeautifulSoup]:
    """Build one chapter's deck and return its page."""

    def deck(notebook: NotebookNode, *outputs: NotebookNode) -> BeautifulSoup:
        put(notebook, *outputs)
        slides.build(book.root)
        page = book.root / "_build" / "slides" / f"{NAME}.html"
        return BeautifulSoup(page.read_text("utf-8"), "html.parser")

    return deck


def shown(page: BeautifulSoup) -> list[Tag]:
    return page.select(".page")


def notes(page: Tag) -> str:
    found = page.find_parent("section").select_one("aside.notes")
    return found.get_text() if found else ""


def figure() -> NotebookNode:
    return new_output("display_data", data={"image/png": PIXEL, "text/plain": "<Figure>"})


# ---- Marks ----


def test_each_rule_marks_its_cell():
    found = slides.marks(chapter(*CELLS).cells)
    assert dict(zip(CELLS, found, strict=True)) == CELLS


def test_the_quiz_is_skipped_wherever_it_stands():
    cells = chapter("# T", "## One", "## Quiz\n\n- What?", "## Two").cells
    cells[2].metadata["tags"] = ["quiz"]
    assert list(slides.marks(cells)) == ["slide", "slide", "skip", "slide"]


def test_exercises_with_a_cell_of_their_own_are_skipped():
    cells = chapter("# T", "## One", "## Exercises\n\n### Exercise 1\n\n- Do.").cells
    assert list(slides.marks(cells)) == ["slide", "slide", "skip"]


def test_marking_keeps_what_authors_set_and_changes_nothing_else(book, put):
    notebook = marked(("# T", ""), ("## One", "fragment"), ("> x = 1", "notes"), ("Words", ""))
    notebook.cells[2].metadata["tags"] = ["a tag"]
    path = put(notebook)
    assert slides.mark(book, NAME) == 2
    after = notebooks.read(path)
    kinds = [cell.metadata["slideshow"]["slide_type"] for cell in after.cells]
    assert kinds == ["slide", "fragment", "notes", "notes"]
    for cell in after.cells:
        del cell.metadata["slideshow"]
    for cell in notebook.cells:
        cell.metadata.pop("slideshow", None)
    assert after == notebook


def test_a_marked_chapter_is_not_written_again(book, put):
    path = put(marked(("# T", "slide")))
    before = path.stat()
    assert slides.main(["--mark", "--root", str(book.root)]) == 0
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(("kind", "what"), [("", "no slide type"), ("slides", "type 'slides'")])
def test_the_rule_finds_cells_without_a_known_type(book, put, kind, what):
    put(marked(("# T", "slide"), ("Words", kind), *((f"> x = '{k}'", k) for k in rules.SLIDES)))
    found = list(rules.slides(rules.Chapter(book, NAME)))
    assert [number for number, _, _ in found] == [2]
    assert what in found[0][1]


# ---- What a deck shows ----


def test_a_deck_follows_the_marks(deck):
    page = deck(marked(*CELLS.items()), new_output("stream", name="stdout", text="42\n"))
    titles = [
        section.select_one("h1, h2").get_text() for section in page.select(".slides > section")
    ]
    assert titles == ["Its title", "A section", "Summary"]
    assert page.title.text == "Its title - A book"
    text = " ".join(one.get_text() for one in shown(page))
    for word in ("A hook.", "You will learn.", "picture = ", "also = ", "c=d", "first", "42"):
        assert word in text
    for word in ("sizes", "import sys", "Only said", "Before the", "The end before", "Folded"):
        assert word not in text
    for word in ("Exercise", "Task", "check = ", "Another"):
        assert word not in str(page)


def test_notes_reach_the_slide_that_they_follow(deck):
    page = deck(marked(*CELLS.items()))
    title, section, *_ = shown(page)
    assert "Needs" in notes(title)
    assert "The end before." in notes(title)  # the words above a heading end what was before
    assert LONG in notes(section)
    last = next(one for one in shown(page) if "picture" in one.get_text())
    assert "Only said" in notes(last)


def test_long_prose_is_cut_and_formulas_are_not(deck):
    page = deck(marked(*CELLS.items()))
    section = next(one for one in shown(page) if one.h2 and one.h2.text == "A section")
    assert "Sentence number 1 says" in section.get_text()
    assert "Sentence number 10 says" not in section.get_text()
    assert "a=b" in section.get_text()
    assert "below = " in section.get_text()  # `-`: there is room for the code under the words


def test_figures_keep_their_alt_text(deck):
    notebook = marked(("# T", "slide"), ("> plot()", "subslide"))
    notebook.cells[1].metadata["mystnb"] = {"image": {"alt": 'Two "lines" < three'}}
    image = deck(notebook, figure()).select_one(".figure img")
    assert image["alt"] == 'Two "lines" < three'
    assert image["src"] == f"data:image/png;base64,{PIXEL}"


def test_a_fragment_appears_on_the_slide_before(deck):
    page = deck(marked(("# T", "slide"), ("## One\n\nWords", "slide"), ("- later", "fragment")))
    assert len(shown(page)) == 2
    assert [one.get_text().strip() for one in shown(page)[1].select(".fragment")] == ["later"]


def test_output_is_text_not_markup(deck):
    told = new_output("stream", name="stdout", text="<b>&amp;</b>\n")
    page = deck(marked(("# T", "slide"), ("> print()", "subslide")), told)
    assert page.select_one("pre.output").get_text() == "<b>&amp;</b>"


def test_links_lead_to_decks_or_nowhere(book, put):
    links = (
        "[three](../second/three.ipynb#part), [book](../../book/index.md), [paper](https://x.org)"
    )
    put(marked(("# One", "slide"), (links, "subslide")))
    put(marked(("# Three", "slide")), name="second/three")
    slides.build(book.root)
    page = BeautifulSoup(
        (book.root / f"_build/slides/{NAME}.html").read_text("utf-8"), "html.parser"
    )
    hrefs = [link["href"] for link in page.select(".page a")]
    assert hrefs == ["../second/three.html", "https://x.org"]


def test_a_stop_in_a_formula_code_or_bracket_ends_no_sentence():
    text = "At $x = 0. 5$ and `a. b` (see E. F) it is 3.5, e.g. here. **Bold end.** Next $y$. Last?"
    first, *rest = sentences(text)
    assert first == "At $x = 0. 5$ and `a. b` (see E. F) it is 3.5, e.g. here."
    assert rest == ["**Bold end.**", "Next $y$.", "Last?"]
    assert sentences("**A name.** Its text. More.")[0] == "**A name.** Its text."


def test_a_text_that_leads_on_keeps_its_end():
    text = "First one. Second one. Third one. So we write"
    assert shortened(text, 4) == "First one. Second one."
    assert shortened(text, 5, last=True) == "First one. So we write"
    assert shortened(text, 50) == text


# ---- What fits ----


def block(kind: str, lines: int, columns: int = 60) -> Block:
    return Block(kind, decks.Markup(f"{kind} {lines}"), lines, columns)


def kinds(*blocks: Block, level: int = 0) -> list[list[str]]:
    found = pages(Slide(decks.Markup("T"), level, list(blocks)), decks.Markup("R"))
    return [[one.kind for one in page.blocks] for page in found]


def test_what_does_not_fit_goes_on_to_the_next_page():
    assert kinds(block("code", 10), block("output", 5)) == [["code", "output"]]
    assert kinds(block("code", 25), block("output", 9)) == [["code"], ["output"]]
    assert kinds(block("code", 12), block("figure", 1)) == [["code"], ["figure"]]
    assert kinds(block("figure", 1), block("output", 3)) == [["figure", "output"]]


def test_a_result_stays_with_its_code_and_a_formula_with_its_words():
    words = block("prose", 3)
    assert kinds(words, block("code", 17), block("output", 3), level=2) == [
        ["prose"],
        ["code", "output"],
    ]
    formulas = [block("formula", 2) for _ in range(3)]
    assert kinds(words, *formulas, words, block("formula", 1), level=2)[-1] == ["prose", "formula"]


@pytest.mark.parametrize(("lines", "columns"), [(rules.LINES, rules.COLUMNS), (25, 40), (5, 100)])
def test_the_largest_cell_that_the_rules_allow_is_legible(lines, columns):
    (page,) = pages(Slide(decks.Markup("T"), 0, [block("code", lines, columns)]), decks.Markup())
    assert page.size >= decks.SMALL
    assert page.blocks[0].height(page.size) <= decks.HEIGHT[0]
    assert columns * page.size * 0.6 <= decks.WIDTH


def test_code_is_never_set_too_small_to_read():
    (page,) = pages(Slide(decks.Markup("T"), 0, [block("code", 80)]), decks.Markup())
    assert page.size == decks.SMALL  # the tests in the browser find what is cut off


# ---- The folder ----


def test_nothing_in_the_folder_asks_for_anything_outside(book, put):
    put(marked(*CELLS.items()), figure())
    put(marked(("# Three", "slide")), name="second/three")
    assert [deck.name for deck in slides.build(book.root)] == [NAME, "second/three"]
    folder = book.root / "_build" / "slides"
    asked = 0
    for page in folder.rglob("*.html"):
        text = page.read_text("utf-8")
        assert not re.search(r"require(\.min)?\.js|jquery", text, re.IGNORECASE)
        for tag in BeautifulSoup(text, "html.parser").select("script, link, img, iframe"):
            target = tag.get("src") or tag.get("href") or ""
            assert not re.match(r"(https?:)?//", target), target
            if target and not target.startswith("data:"):
                assert (page.parent / target).resolve().is_relative_to(folder.resolve())
                assert (page.parent / target).is_file(), target
                asked += 1
    assert asked >= 12
    for style in ("slides.css", "reveal/dist/reveal.css"):
        assert not re.search(r"url\((?!['\"]?data:)|@import", (folder / style).read_text("utf-8"))
    assert (folder / "reveal" / "LICENSE").is_file()


def test_the_list_names_the_decks_by_part(book, put):
    put(marked(("# One", "slide"), ("## A", "slide")))
    put(marked(("# Three", "slide")), name="second/three")
    slides.build(book.root)
    index = BeautifulSoup((book.root / "_build/slides/index.html").read_text(), "html.parser")
    assert [heading.text for heading in index.select("h2")] == ["First", "Second"]
    assert [link["href"] for link in index.select("li a")] == [
        "first/one.html",
        "second/three.html",
    ]
    assert "(2 slides)" in index.li.text


def test_one_part_can_be_built_alone(book, put):
    put(marked(("# One", "slide")))
    put(marked(("# Three", "slide")), name="second/three")
    slides.build(book.root)
    assert [deck.name for deck in slides.build(book.root, part="second")] == ["second/three"]
    assert not (book.root / f"_build/slides/{NAME}.html").exists()


def test_a_chapter_not_run_since_it_changed_is_refused(book, put):
    put(marked(("# One", "slide"), ("> x = 1", "-")))
    slides.build(book.root)
    before = (book.root / f"_build/slides/{NAME}.html").read_bytes()
    source = marked(("# One", "slide"), ("> x = 2", "-"))
    notebooks.write(book.source(NAME), nbformat.writes(source) + "\n")
    with pytest.raises(SystemExit, match=f"not run since they changed, or failed: {NAME}"):
        slides.build(book.root)
    assert (book.root / f"_build/slides/{NAME}.html").read_bytes() == before


def test_a_failed_build_leaves_the_old_decks(book, put, monkeypatch):
    put(marked(("# One", "slide")))
    slides.build(book.root)

    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(slides, "add_programs", full)
    put(marked(("# Another", "slide")))
    with pytest.raises(SystemExit, match="No space left"):
        slides.build(book.root)
    assert "<h1>One</h1>" in (book.root / f"_build/slides/{NAME}.html").read_text()
    assert not (book.root / "_build" / "slides.new").exists()


def test_a_chapter_that_shows_nothing_is_refused(book, put):
    put(marked(("# One", "skip")))
    with pytest.raises(SystemExit, match=f"{NAME} shows no slide"):
        slides.build(book.root)
