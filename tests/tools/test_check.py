"""Each rule must fail on a chapter that breaks it, and a good chapter must break none."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import check, quizzes, rules
from tools.notebooks import Book, code
from tools.rules import COLAB, METADATA

NAME = "first/one"
OPTION = {"text": "One", "why": "It is.", "right": True}
OPTIONS = [OPTION, {"text": "Two", "why": "It is not."}, {"text": "Three", "why": "No."}]
QUIZ = json.dumps([{"question": f"{number}?", "options": OPTIONS} for number in range(3)])
ALT = "Two lines that cross in the middle"
FOLDED = (
    "<details>\n<summary>Solution</summary>\n\n```python\n# a comment, no title\n```\n\n</details>"
)


def good() -> NotebookNode:
    """Return a chapter that keeps every rule."""
    opening = (
        "# Title\n\nA problem.\n\n**You will** learn.\n\n**Needs** [the start](../../book/index.md)"
    )
    exercises = "\n\n".join(
        f"### Exercise {n} ({kind}, ★★)\n\nDo it.\n\n{FOLDED}"
        for n, kind in enumerate(("derive", "code", "experiment", "code", "derive"), start=1)
    )
    figure = new_code_cell("plt.plot(X)")
    figure.metadata["mystnb"] = {"image": {"alt": ALT}}
    cells = [
        new_markdown_cell(opening + "\n\n" + "word " * 1300),
        new_code_cell(COLAB.format(url="https://github.com/someone/book")),
        new_code_cell("import d2lcourse as d2l\n\nsession = d2l.setup(seed=0)"),
        new_markdown_cell("## What it is\n\nSee [`f`](#what-it-is), $a[1](b)$ and {braces}."),
        figure,
        *(new_code_cell(f"x = {n}\nassert x == {n}") for n in range(7)),
        new_markdown_cell("## Summary\n\nShown."),
        new_markdown_cell(f"## Exercises\n\n{exercises}"),
    ]
    for cell in cells:
        cell.metadata["slideshow"] = {"slide_type": "notes"}
    return new_notebook(cells=cells, metadata=copy.deepcopy(METADATA))


def put(book: Book, name: str, notebook: NotebookNode) -> str:
    """Write a chapter and its quiz beside it, and return the chapter's text."""
    path = quizzes.data_file(book, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(QUIZ, encoding="utf-8")
    notebook = copy.deepcopy(notebook)
    quizzes.place(notebook, path)
    text = nbformat.writes(notebook)
    book.source(name).write_text(text, encoding="utf-8")
    return text


def last(notebook: NotebookNode) -> NotebookNode:
    return code(notebook)[-1]


@pytest.fixture
def problems(book: Book) -> Callable[[NotebookNode], list[str]]:
    """Check one chapter whose third code cell drew a figure when it was run."""

    def problems(notebook: NotebookNode, **output: str) -> list[str]:
        executed = book.executed(NAME)
        executed.parent.mkdir(parents=True, exist_ok=True)
        text = put(book, NAME, notebook)
        run = nbformat.reads(text, as_version=4)
        run.metadata["d2lcourse"] = {"key": book.key(run)}
        if len(code(run)) > 2:
            picture = new_output("display_data", data={"image/png": "aaaa"})
            code(run)[2].outputs = [picture]
        if output:
            code(run)[3].outputs = [new_output("stream", **output)]
        executed.write_text(nbformat.writes(run), encoding="utf-8")
        return list(check.check_chapter(book, NAME))

    return problems


def test_a_good_chapter_has_no_problem(problems):
    assert problems(good()) == []


def edit_cell(old: str, new: str) -> Callable[[NotebookNode], None]:
    def edit(notebook: NotebookNode) -> None:
        found = [cell for cell in notebook.cells if old in cell.source]
        assert found, old
        for cell in found:
            cell.source = cell.source.replace(old, new)

    return edit


def set_last(source: str) -> Callable[[NotebookNode], None]:
    return lambda notebook: last(notebook).update(source=source)


def drop_asserts(notebook: NotebookNode) -> None:
    for cell in code(notebook):
        cell.source = cell.source.replace("assert ", "y = ")


BROKEN: dict[str, tuple[Callable[[NotebookNode], object], str]] = {
    "stored output": (
        lambda nb: last(nb).update(outputs=[new_output("stream", text="1\n")]),
        "cell 12: holds outputs",
    ),
    "execution count": (lambda nb: last(nb).update(execution_count=3), "cell 12: holds outputs"),
    "kernel": (
        lambda nb: nb.metadata["language_info"].update(version="3.11.7"),
        "the notebook's metadata",
    ),
    "editor": (
        lambda nb: last(nb).metadata.update(collapsed=True),
        "cell 12: an editor left metadata: collapsed",
    ),
    "colab": (edit_cell("someone/book", "someone/else"), "is not the Colab cell"),
    "setup": (edit_cell("d2l.setup(seed=0)", "None"), "does not call d2l.setup()"),
    "unknown magic": (set_last("%nosuchmagic"), "cell 12: uses `!`, `%` or `?`"),
    "cell magic": (set_last("%%time\nx = 1"), "cell 12: uses `!`, `%` or `?`"),
    "shell line": (set_last("if x:\n    !false"), "cell 12: uses `!`, `%` or `?`"),
    "captured shell": (set_last("files = !ls"), "cell 12: uses `!`, `%` or `?`"),
    "help": (set_last("x?"), "cell 12: uses `!`, `%` or `?`"),
    "not Python": (set_last("x = = 1"), "cell 12: is not Python: invalid syntax, line 1"),
    "star import": (set_last("from torch import *"), "imports everything from torch"),
    "bare except": (set_last("try:\n    x\nexcept:\n    pass"), "has a bare `except:`"),
    "get_ipython": (set_last("get_ipython().run()"), "uses get_ipython"),
    "clear_output": (set_last("from IPython.display import clear_output"), "uses clear_output"),
    "long cell": (set_last("x = 1\n" * 26), "cell 12: has 26 lines"),
    "long line": (set_last(f"x = {'1' * 97}"), "cell 12: has a line of 101 columns"),
    "few code cells": (lambda nb: nb.cells.remove(last(nb)), "has 9 code cells"),
    "no proof": (drop_asserts, "proves nothing"),
    "no alt text": (lambda nb: code(nb)[2].metadata.clear(), "cell 5: draws a figure that has no"),
    "short alt text": (
        lambda nb: code(nb)[2].metadata.mystnb.image.update(alt="A plot"),
        "cell 5: draws a figure that has no alt text",
    ),
    "no title": (edit_cell("# Title", "Title"), "does not start with its only title"),
    "two titles": (edit_cell("## Summary", "# Extra\n\n## Summary"), "its only title"),
    "no promise": (edit_cell("**You will**", "You will"), "has no **You will**"),
    "no needs": (edit_cell("**Needs**", "Needs"), "has no **Needs**"),
    "no summary": (edit_cell("## Summary", "### Summary"), "has no `## Summary`"),
    "no exercises": (edit_cell("## Exercises", "## Homework"), "has no `## Exercises`"),
    "four exercises": (
        lambda nb: edit_cell(nb.cells[-1].source, nb.cells[-1].source.split("### Exercise 5")[0])(
            nb
        ),
        "has 4 exercises",
    ),
    "exercise type": (edit_cell("2 (code,", "2 (read,"), "heading '### Exercise 2 (read, ★★)'"),
    "exercise stars": (edit_cell("3 (experiment, ★★)", "3 (experiment)"), "'### Exercise 3 (exp"),
    "exercise order": (edit_cell("Exercise 4", "Exercise 6"), "'### Exercise 6 (code, ★★)'"),
    "no code exercise": (edit_cell("(code,", "(derive,"), "has no exercise of type code"),
    "open solution": (edit_cell("<details>", "<div>"), "exercise 1 has no folded solution"),
    "too short": (edit_cell("word " * 1300, "word " * 900), "words outside the folded solutions"),
    "too long": (edit_cell("word " * 1300, "word " * 2600), "words outside the folded solutions"),
    "directive": (edit_cell("Shown.", "```{note}\nShown.\n```"), "cell 13: uses MyST: ```{note}"),
    "role": (edit_cell("Shown.", "Shown in {doc}`x`."), "cell 13: uses MyST: {doc}`"),
    "broken link": (
        edit_cell("Shown.", "[Shown](../first/none.ipynb#a)."),
        "cell 13: links to ../first/none.ipynb#a",
    ),
    "broken image": (edit_cell("Shown.", '<img src="none.png">'), "links to none.png"),
    "link outside": (edit_cell("Shown.", "[Shown](/etc/hostname)."), "links to /etc/hostname"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_reported(problems, name):
    break_it, message = BROKEN[name]
    notebook = good()
    break_it(notebook)
    found = problems(notebook)
    assert any(message in line for line in found), found
    assert all(line.startswith(f"notebooks/{NAME}.ipynb") for line in found)
    assert all("Remedy: " in line for line in found)


def test_every_rule_is_seen_to_fail(book, problems):
    failing = set()
    for break_it, _ in BROKEN.values():
        notebook = good()
        break_it(notebook)
        problems(notebook)
        chapter = rules.Chapter(book, NAME)
        failing |= {rule for rule in rules.RULES if any(rule(chapter))}
    # These have tests of their own: below, and in test_quizzes.py.
    assert set(rules.RULES) - failing == {rules.quiet_output, rules.cell_ids, rules.quiz}


def test_warnings_and_addresses_in_outputs_are_reported(problems):
    found = problems(good(), name="stderr", text="UserWarning: old\n  x = 1\n")
    assert found == [
        f"notebooks/{NAME}.ipynb, cell 6: writes to stderr: UserWarning: old. "
        "Remedy: mend what it warns of."
    ]
    found = problems(good(), name="stdout", text="<function f at 0x7f03ab12cd34>\n")
    assert ["cell 6: prints a memory address" in line for line in found] == [True]


@pytest.mark.parametrize("identifier", [None, "same"])
def test_cells_without_an_id_of_their_own(book, problems, identifier):
    problems(good())
    raw = json.loads(book.source(NAME).read_text())
    for cell in raw["cells"][-3:-1]:  # the last one is the quiz
        cell.pop("id")
        if identifier:
            cell["id"] = identifier
    book.source(NAME).write_text(json.dumps(raw))
    found = list(rules.cell_ids(rules.Chapter(book, NAME)))
    assert {number for number, _, _ in found} == ({14} if identifier else {13, 14})


def test_words_leave_out_solutions_code_and_addresses():
    text = "One [two](http://a/b) $x + y = z$ four, don't.\n\n<details>\nnot these\n</details>"
    assert rules.words(text) == 5
    fenced = "a\n\n```python\nb c\n```\n\n`d e` f"
    assert rules.words(rules.without_code(fenced)) == 2


@pytest.fixture
def whole(book, add):
    for name in ("first/one", "first/two", "second/three"):
        add(name, "1")
    return book


def lines(book: Book) -> list[str]:
    return [
        line
        for rule in (check.contents, check.slugs, check.prose_links)
        for line in rule(Book(book.root))
    ]


def test_contents_and_chapters_agree(whole, add):
    assert lines(whole) == []
    add("second/four", "1")
    whole.source("first/two").unlink()
    (whole.root / "book" / "second.md").unlink()
    assert lines(whole) == [
        "notebooks/second/four.ipynb: is not in _toc.yml. Add it where it is to be read.",
        "_toc.yml: names notebooks/first/two, but there is no notebooks/first/two.ipynb. "
        "Write or remove it.",
        "_toc.yml: names book/second, but there is no book/second.md. Write or remove it.",
    ]


@pytest.mark.parametrize("name", ["first/03-numbers", "first/Upper", "first/two_words", "1/one"])
def test_names_with_numbers_or_capitals(whole, add, name):
    add(name, "1")
    assert any(f"{name}.ipynb: is not named in lower-case-words" in line for line in lines(whole))


def test_a_number_within_a_name_is_none_of_order(whole, add):
    add("first/word2vec-v3", "1")
    assert not any("lower-case" in line for line in lines(whole))


def test_broken_links_of_prose_pages(whole):
    page = whole.root / "book" / "index.md"
    page.write_text(
        "[there](first.md) [made](run-times.md#a) [web](https://a.b) [here](#x) `[code](no.md)`\n"
        "[gone](gone.md#top)\n\n[ref]: gone-too.md\n"
    )
    assert [line.split(",")[0] for line in lines(whole)] == [
        "book/index.md: links to gone.md#top",
        "book/index.md: links to gone-too.md",
    ]


def test_fix_mends_what_a_tool_can_mend_and_then_leaves_it(book, problems, capsys):
    notebook = good()
    last(notebook).update(outputs=[new_output("stream", text="1\n")], execution_count=3)
    last(notebook).metadata["collapsed"] = True
    last(notebook).metadata["tags"] = ["nbval-ignore-output"]
    notebook.metadata["language_info"]["version"] = "3.11.7"
    notebook.metadata["d2lcourse"] = {"rows": ["T001"], "seconds": 3}
    edit_cell("someone/book", "someone/else")(notebook)
    assert len(problems(notebook)) >= 4
    raw = json.loads(book.source(NAME).read_text())
    raw["cells"][-1]["id"] = raw["cells"][-2]["id"]
    del raw["cells"][0]["id"]
    book.source(NAME).write_text(json.dumps(raw))

    assert check.main(["--fix", "--root", str(book.root)]) == 0
    assert "1 of 1 chapters mended" in capsys.readouterr().out
    assert list(check.check_chapter(Book(book.root), NAME)) == []
    mended = rules.Chapter(book, NAME).notebook
    assert last(mended).metadata.tags == ["nbval-ignore-output"]
    assert mended.metadata.d2lcourse == {"rows": ["T001"]}
    assert check.main(["--fix", "--root", str(book.root)]) == 0
    assert "0 of 1 chapters mended" in capsys.readouterr().out


def test_fix_adds_a_missing_colab_cell(book, problems):
    notebook = good()
    notebook.cells.pop(1)
    problems(notebook)
    check.main(["--fix", "--root", str(book.root)])
    assert problems(nbformat.read(book.source(NAME), as_version=4)) == []


def test_the_command_fails_on_a_problem_and_passes_without(whole, capsys):
    for name in ("first/one", "first/two", "second/three"):
        put(whole, name, good())
    assert check.main(["--root", str(whole.root)]) == 0
    assert "3 chapters checked, 0 problems" in capsys.readouterr().out
    whole.source("first/two").unlink()
    assert check.main(["--root", str(whole.root)]) == 1
    assert "first/two.quiz.yaml: is the quiz of no chapter" in capsys.readouterr().out
    assert check.main(["--root", str(whole.root), "notebooks/first/one.ipynb"]) == 0
