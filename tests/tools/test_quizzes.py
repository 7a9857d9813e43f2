"""Quizzes: every mistake in a data file is named, and the notebook's cell follows the file."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

from tools import check, notebooks, quizzes, rules
from tools.notebooks import Book

NAME = "first/one"
Quiz = list[dict[str, Any]]


def good() -> Quiz:
    """Return a quiz without mistakes; the letter of its right answers is A, B, C."""
    return [
        {
            "question": f"What is `{number} < 4`, and $x < {number}$?",
            "options": [
                {"text": f"`{letter}` \\$1", "why": f"Because of $x^{place}$."}
                | ({"right": True} if place == number else {})
                for place, letter in enumerate("abc")
            ],
        }
        for number in range(3)
    ]


@pytest.fixture
def path(book: Book) -> Path:
    return quizzes.data_file(book, NAME)


def save(path: Path, quiz: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(quiz, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def test_a_good_quiz_has_no_mistake(path: Path) -> None:
    assert path.name == "one.quiz.yaml"
    assert quizzes.mistakes(save(path, good())) == []
    options = [{"text": name, "why": "So."} for name in "abcd"]
    options[3]["right"] = True
    many = [{"question": f"{number}?", "options": options} for number in range(6)]
    assert quizzes.mistakes(save(path, many)) == []


def option(**values: object) -> Callable[[Quiz], object]:
    """Return an edit of the second question's second option."""
    return lambda quiz: quiz[1]["options"][1].update(values)


def question(**values: object) -> Callable[[Quiz], object]:
    return lambda quiz: quiz[1].update(values)


MISTAKES: dict[str, tuple[Callable[[Quiz], object], str]] = {
    "two questions": (lambda quiz: quiz.pop(), "has 2 questions: write 3 to 6"),
    "seven questions": (
        lambda quiz: quiz.extend({**quiz[0], "question": f"{n}?"} for n in range(4)),
        "has 7 questions: write 3 to 6",
    ),
    "two options": (
        lambda quiz: quiz[1]["options"].pop(),
        "question 2: has 2 options: write 3 to 4 below `options:`, each with a dash",
    ),
    "five options": (
        lambda quiz: quiz[1]["options"].extend([{"text": "d"}, {"text": "e"}]),
        "question 2: has 5 options: write 3 to 4 below `options:`, each with a dash",
    ),
    "options as text": (
        question(options="a, b, c"),
        "question 2: has 0 options: write 3 to 4 below `options:`, each with a dash",
    ),
    "question as text": (
        lambda quiz: quiz.append("What?"),
        "question 4: is not an entry with `question:` and `options:`",
    ),
    "option as text": (
        lambda quiz: quiz[1]["options"].append("d"),
        "question 2: option D: is not an entry with `text:` and `why:`",
    ),
    "none right": (
        lambda quiz: quiz[1]["options"][1].pop("right"),
        "question 2: has 0 right options: mark exactly one with `right: true`",
    ),
    "two right": (
        lambda quiz: quiz[1]["options"][2].update(right=True),
        "question 2: has 2 right options: mark exactly one with `right: true`",
    ),
    "right is a word": (
        lambda quiz: quiz[1]["options"][2].update(right="yes"),
        "question 2: option C: `right` is neither true nor false: write `right: true`, "
        "or leave it out",
    ),
    "no question": (
        lambda quiz: quiz[1].pop("question"),
        "question 2: the question is missing: write it",
    ),
    "no text": (option(text=""), "question 2: option B: the text is missing: write it"),
    "no why": (
        lambda quiz: quiz[1]["options"][1].pop("why"),
        "question 2: option B: the why is missing: write it",
    ),
    "a number": (
        option(text=4),
        "question 2: option B: the text is 4, which YAML does not take as text: put it in quotes",
    ),
    "white space": (
        option(why=" So."),
        "question 2: option B: the why begins or ends with white space: remove it",
    ),
    "two lines": (
        option(why="So.\nAnd so."),
        "question 2: option B: the why takes more than one line: write it as one",
    ),
    "code block": (
        option(why="See ~~~python"),
        "question 2: option B: the why holds a code block: use a `code span`",
    ),
    "HTML": (
        question(question="Is it <b>x</b>?"),
        "question 2: the question holds HTML: use Markdown, and write < as `<` or as \\<",
    ),
    "displayed formula": (
        option(text="$$x$$"),
        "question 2: option B: the text holds a displayed formula ($$): write it in the line, "
        "with single $",
    ),
    "heading": (
        question(question="## What?"),
        "question 2: the question is a heading: leave out the #",
    ),
    "open code span": (
        option(text="`x"),
        "question 2: option B: the text has a code span that is not closed: add the missing `",
    ),
    "open formula": (
        option(text="$x"),
        "question 2: option B: the text has a formula that is not closed: add the missing $, "
        "or write \\$ for money",
    ),
    "link in an option": (
        option(text="[x](tensors.ipynb)"),
        "question 2: option B: the text holds a link, and it becomes a button: "
        "put the link in the why",
    ),
    "unknown key of an option": (
        option(reason="So."),
        "question 2: option B: has the unknown key 'reason': there are right, text, why",
    ),
    "unknown key of a question": (
        question(hint="So."),
        "question 2: has the unknown key 'hint': there are options, question",
    ),
    "same option": (
        lambda quiz: quiz[1]["options"][2].update(text="`b` \\$1"),
        "question 2: option C: says the same as one before it: change it",
    ),
    "same question": (
        lambda quiz: quiz[2].update(question=quiz[0]["question"]),
        "question 3: is asked twice: drop one",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named(path: Path, name: str) -> None:
    edit, message = MISTAKES[name]
    quiz = copy.deepcopy(good())
    edit(quiz)
    assert quizzes.mistakes(save(path, quiz)) == [message]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- question: [", "line 1: is not YAML that can be read: "),
        ("- text: a\n  text: b\n", "line 1: is not YAML that can be read: the key 'text' twice in"),
        ("question: What?", "is not a list of questions: begin each with `- question:`"),
        ("", "is not a list of questions: begin each with `- question:`"),
        (b"- question: \xff", "is not YAML in UTF-8: "),
    ],
)
def test_a_file_that_is_no_quiz(path: Path, text: str | bytes, message: str) -> None:
    save(path, []).write_bytes(text if isinstance(text, bytes) else text.encode())
    (found,) = quizzes.mistakes(path)
    assert found.startswith(message)


def test_the_text_of_the_cell(path: Path) -> None:
    cell = quizzes.cell(save(path, good()))
    assert cell.metadata == {"tags": ["quiz"], "slideshow": {"slide_type": "skip"}}
    assert (cell.id, cell.cell_type) == ("quiz", "markdown")
    assert cell.source.startswith(
        """\
## Quiz

Each question has one right answer. Choose yours before you look at the answers.

**Question 1.** What is `0 < 4`, and $x < 0$?

- **A.** `a` \\$1
- **B.** `b` \\$1
- **C.** `c` \\$1

<details>
<summary>Answers to question 1</summary>

- **A. ✓ Right.** Because of $x^0$.
- **B. ✗ Not quite.** Because of $x^1$.
- **C. ✗ Not quite.** Because of $x^2$.

</details>

**Question 2.** What is `1 < 4`, and $x < 1$?
"""
    )


def test_plain_markdown_shows_what_the_script_looks_for(path: Path) -> None:
    """As Jupyter, Colab and GitHub read it: each fold follows its options and they its question."""
    text = quizzes.cell(save(path, good())).source
    page = BeautifulSoup(MarkdownIt("commonmark").render(text), "html.parser")
    folds = page.find_all("details")
    assert len(folds) == 3
    for number, fold in enumerate(folds):
        options = fold.find_previous_sibling()
        assert (options.name, len(options.find_all("li"))) == ("ul", 3)
        asked = options.find_previous_sibling()
        assert (asked.name, asked.strong.text) == ("p", f"Question {number + 1}.")
        answers = fold.find("ul", recursive=False).find_all("li", recursive=False)
        assert ["✓" in answer.strong.text for answer in answers] == [n == number for n in range(3)]


def test_a_quiz_with_mistakes_makes_no_cell(path: Path) -> None:
    quiz = good()
    quiz[0]["options"][0]["why"] = ""
    del quiz[2]["question"]
    with pytest.raises(SystemExit) as stopped:
        quizzes.cell(save(path, quiz))
    assert str(stopped.value).splitlines() == [
        f"{path}: question 1: option A: the why is missing: write it",
        f"{path}: question 3: the question is missing: write it",
    ]


def findings(book: Book) -> list[str]:
    return [what for _, what, _ in rules.quiz(rules.Chapter(book, NAME))]


def fix(book: Book) -> nbformat.NotebookNode:
    assert check.main(["--fix", "--root", str(book.root), NAME]) == 0
    return notebooks.read(book.source(NAME))


@pytest.fixture
def chapter(book: Book, add: Callable[..., Path], path: Path) -> Book:
    add(NAME, "# One\n\nSome words.", "x = 1")
    save(path, good())
    return book


def test_fix_writes_the_cell_refreshes_it_and_takes_it_away(chapter: Book, path: Path) -> None:
    assert findings(chapter) == ["does not end with the quiz of one.quiz.yaml as it is now"]
    assert fix(chapter).cells[-1] == quizzes.cell(path)
    assert findings(chapter) == []
    before = chapter.source(NAME).read_bytes()
    fix(chapter)
    assert chapter.source(NAME).read_bytes() == before

    save(path, [{**question, "question": "New?" + question["question"]} for question in good()])
    assert findings(chapter) == ["does not end with the quiz of one.quiz.yaml as it is now"]
    cells = fix(chapter).cells
    assert "New?" in cells[-1].source
    assert [quizzes.is_quiz(cell) for cell in cells].count(True) == 1

    path.unlink()
    assert findings(chapter) == ["has no quiz one.quiz.yaml beside it"]
    assert not any(quizzes.is_quiz(cell) for cell in fix(chapter).cells)


@pytest.mark.parametrize(
    "edit",
    [
        lambda cells: cells[-1].update(source=cells[-1].source + "!"),
        lambda cells: cells[-1].metadata.pop("slideshow"),
        lambda cells: cells[-1].update(id="another"),
        lambda cells: cells.insert(0, cells.pop()),
        lambda cells: cells.pop(),
    ],
)
def test_a_cell_that_differs_is_found_and_mended(chapter: Book, edit: Callable) -> None:
    notebook = fix(chapter)
    good_cells = copy.deepcopy(notebook.cells)
    edit(notebook.cells)
    notebooks.write(chapter.source(NAME), nbformat.writes(notebook))
    assert findings(chapter) == ["does not end with the quiz of one.quiz.yaml as it is now"]
    assert fix(chapter).cells == good_cells


def test_mistakes_are_findings_and_stop_fix(chapter: Book, path: Path) -> None:
    fix(chapter)
    save(path, good()[:2])
    assert findings(chapter) == ["its quiz one.quiz.yaml: has 2 questions: write 3 to 6"]
    before = chapter.source(NAME).read_bytes()
    with pytest.raises(SystemExit, match="has 2 questions"):
        fix(chapter)
    assert chapter.source(NAME).read_bytes() == before


def test_a_quiz_without_a_chapter_is_found(chapter: Book, path: Path) -> None:
    assert list(check.stray_quizzes(chapter)) == []
    save(path.with_name("gone.quiz.yaml"), good())
    assert list(check.stray_quizzes(chapter)) == [
        "notebooks/first/gone.quiz.yaml: is the quiz of no chapter. "
        "Rename it like its notebook, or remove it."
    ]


def test_a_quiz_changes_neither_the_words_nor_the_run(chapter: Book) -> None:
    before = notebooks.read(chapter.source(NAME))
    prose = rules.Chapter(chapter, NAME).prose
    after = fix(chapter)
    with_colab = [cell for cell in after.cells if not quizzes.is_quiz(cell)]
    assert rules.Chapter(chapter, NAME).prose == prose
    assert notebooks.solutions(after) == notebooks.solutions(before) == []
    assert chapter.key(after) == chapter.key(nbformat.from_dict({**after, "cells": with_colab}))
