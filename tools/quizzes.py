"""The quiz of a chapter: from `notebooks/<part>/<slug>.quiz.yaml` to the notebook's last cell.

The cell is plain Markdown: it can be read in Jupyter, in Colab, on GitHub and on the site without
scripts. On the site `book/_static/quiz.js` makes buttons of it; the two agree on its form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from tools.notebooks import Book

SUFFIX = ".quiz.yaml"
QUESTIONS, OPTIONS, LETTERS = range(3, 7), range(3, 5), "ABCD"

INTRODUCTION = "Each question has one right answer. Choose yours before you look at the answers."
# The script knows the right answer by the sign, so that the words can be translated.
VERDICTS = {True: "✓ Right.", False: "✗ Not quite."}

CODE_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
FORMULA = re.compile(r"(?<!\\)\$[^$]+(?<!\\)\$")
# What a line of quiz text must not hold, code spans and formulas apart, and the remedy.
REFUSED = {
    r"\n": "takes more than one line: write it as one",
    r"```|~~~": "holds a code block: use a `code span`",
    r"\$\$": "holds a displayed formula ($$): write it in the line, with single $",
    r"</?[a-zA-Z!]": "holds HTML: use Markdown, and write < as `<` or as \\<",
    r"^\s*#{1,6}\s": "is a heading: leave out the #",
    r"`": "has a code span that is not closed: add the missing `",
    r"(?<!\\)\$": "has a formula that is not closed: add the missing $, or write \\$ for money",
}


class Loader(yaml.SafeLoader):
    """YAML's safe loader, but a key given twice is an error: the first value would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            names = [key.value for key, _ in node.value]
            twice = next(name for name in names if names.count(name) > 1)
            problem = f"the key {twice!r} twice in one entry: is a dash missing?"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return mapping


def data_file(book: Book, name: str) -> Path:
    """Return the path of a chapter's quiz, whether or not there is one."""
    return book.source(name).with_suffix(SUFFIX)


def strays(book: Book) -> list[str]:
    """Return the quizzes, as paths in the repository, that have no chapter beside them."""
    known = {data_file(book, name) for name in book.chapters()}
    found = sorted((book.root / "notebooks").rglob(f"*{SUFFIX}"))
    return [path.relative_to(book.root).as_posix() for path in found if path not in known]


def mistakes(path: Path) -> list[str]:
    """Return what is wrong with a quiz, a phrase for each mistake that says how to mend it."""
    try:
        quiz = yaml.load(path.read_text(encoding="utf-8"), Loader)  # noqa: S506, it is a safe one
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        return [f"{line}is not YAML that can be read: {error.problem}"]
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return [f"is not YAML in UTF-8: {error}".splitlines()[0]]
    if not isinstance(quiz, list):
        return ["is not a list of questions: begin each with `- question:`"]
    found = []
    if len(quiz) not in QUESTIONS:
        found.append(f"has {len(quiz)} questions: write {_span(QUESTIONS)}")
    for number, question in enumerate(quiz, start=1):
        found += [f"question {number}: {what}" for what in _question_mistakes(question)]
    asked = [question.get("question") for question in quiz if isinstance(question, dict)]
    found += [f"question {number}: is asked twice: drop one" for number in _repeated(asked)]
    return found


def cell(path: Path) -> NotebookNode:
    """Return the notebook cell of a quiz.

    Raises:
        SystemExit: the file has mistakes; the message names all of them.
    """
    found = mistakes(path)
    if found:
        raise SystemExit("\n".join(f"{path}: {what}" for what in found))
    metadata = {"slideshow": {"slide_type": "skip"}, "tags": ["quiz"]}
    text = markdown(yaml.safe_load(path.read_text(encoding="utf-8")))
    return new_markdown_cell(text, id="quiz", metadata=metadata)


def is_quiz(cell: NotebookNode) -> bool:
    """Whether a notebook's cell is its quiz."""
    return "quiz" in cell.metadata.get("tags", ())


def place(notebook: NotebookNode, path: Path) -> None:
    """Make the quiz in `path` the notebook's last cell; without a file there is no such cell."""
    notebook.cells = [kept for kept in notebook.cells if not is_quiz(kept)]
    if path.exists():
        notebook.cells.append(cell(path))


def markdown(quiz: list[dict[str, Any]]) -> str:
    """Return the text of the quiz cell: each question, its options, and its answers folded."""
    blocks = ["## Quiz", INTRODUCTION]
    for number, question in enumerate(quiz, start=1):
        lettered = list(zip(LETTERS, question["options"], strict=False))
        options = [f"- **{letter}.** {option['text']}" for letter, option in lettered]
        answers = [
            f"- **{letter}. {VERDICTS[option.get('right', False)]}** {option['why']}"
            for letter, option in lettered
        ]
        blocks += [
            f"**Question {number}.** {question['question']}",
            "\n".join(options),
            f"<details>\n<summary>Answers to question {number}</summary>",
            "\n".join(answers),
            "</details>",
        ]
    return "\n\n".join(blocks)


def _question_mistakes(question: object) -> Iterator[str]:
    """Yield what is wrong with one question."""
    if not isinstance(question, dict):
        yield "is not an entry with `question:` and `options:`"
        return
    yield from _unknown(question, {"question", "options"})
    yield from _line_mistakes("the question", question.get("question"))
    options = question.get("options")
    if not isinstance(options, list) or len(options) not in OPTIONS:
        count = len(options) if isinstance(options, list) else 0
        yield f"has {count} options: write {_span(OPTIONS)} below `options:`, each with a dash"
        return
    for letter, option in zip(LETTERS, options, strict=False):
        yield from (f"option {letter}: {what}" for what in _option_mistakes(option))
    entries = [option for option in options if isinstance(option, dict)]
    right = sum(option.get("right") is True for option in entries)
    if right != 1:
        yield f"has {right} right options: mark exactly one with `right: true`"
    for number in _repeated([option.get("text") for option in entries]):
        yield f"option {LETTERS[number - 1]}: says the same as one before it: change it"


def _option_mistakes(option: object) -> Iterator[str]:
    """Yield what is wrong with one option."""
    if not isinstance(option, dict):
        yield "is not an entry with `text:` and `why:`"
        return
    yield from _unknown(option, {"text", "right", "why"})
    yield from _line_mistakes("the text", option.get("text"))
    yield from _line_mistakes("the why", option.get("why"))
    if not isinstance(option.get("right", True), bool):
        yield "`right` is neither true nor false: write `right: true`, or leave it out"
    if re.search(r"\]\(", CODE_SPAN.sub("", str(option.get("text", "")))):
        yield "the text holds a link, and it becomes a button: put the link in the why"


def _line_mistakes(what: str, text: object) -> Iterator[str]:
    """Yield what is wrong with one line of Markdown."""
    if text is None or text == "":
        yield f"{what} is missing: write it"
    elif not isinstance(text, str):
        yield f"{what} is {text!r}, which YAML does not take as text: put it in quotes"
    elif text != text.strip():
        yield f"{what} begins or ends with white space: remove it"
    else:
        plain = FORMULA.sub("", CODE_SPAN.sub("", text))
        for pattern, problem in REFUSED.items():
            if re.search(pattern, plain):
                yield f"{what} {problem}"
                return


def _unknown(entry: dict[Any, Any], known: set[str]) -> Iterator[str]:
    """Yield the keys of an entry that mean nothing."""
    for key in entry:
        if key not in known:
            yield f"has the unknown key {key!r}: there are {', '.join(sorted(known))}"


def _repeated(values: list[Any]) -> list[int]:
    """Return the positions, counted from 1, of the values that were there before."""
    return [
        position
        for position, value in enumerate(values, start=1)
        if value is not None and value in values[: position - 1]
    ]


def _span(numbers: range) -> str:
    return f"{numbers.start} to {numbers.stop - 1}"
