"""What a chapter has to be: each rule is a function that yields what breaks it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from urllib.parse import unquote

import yaml
from nbformat import NotebookNode

from tools import quizzes
from tools.notebooks import Book, code, configuration, read

LINES, COLUMNS, CODE_CELLS, EXERCISES, ALT_TEXT = 25, 100, 10, 5, 20
WORDS = range(1200, 2501)

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = {"tags", "mystnb", "slideshow"}
SLIDES = ("slide", "subslide", "fragment", "-", "notes", "skip")

COLAB = """\
import sys

if "google.colab" in sys.modules:
    %pip install -q "d2lcourse[chapters] @ git+{url}\""""

# What tools/pages.py writes into the staged tree: links to these have no file to point to here.
PAGES = (
    "api.md",
    "assignments.md",
    "data-cards.md",
    "glossary.md",
    "hero.png",
    "plans.md",
    "progress.md",
    "run-times.md",
    "shapes.png",
    "topic-map.md",
)

EXERCISE = re.compile(r"### Exercise (\d+) \((derive|code|experiment), ★{1,3}\)")
DIRECTIVE = re.compile(r"^\s*(```+|:::+)\{.+?\}|(?<![^\s(*])\{[a-z:-]+\}`", re.MULTILINE)
MAGIC = re.compile(r"^\s*(?:[\w, ]+=\s*)?(%|!)|^\s*\?|\?\s*$", re.MULTILINE)

# A cell's number counted from 1 (0: the whole notebook), what is wrong, and the remedy.
Finding = tuple[int, str, str]


@dataclass
class Chapter:
    """A chapter under check, with its outputs where it has been run since it changed."""

    book: Book
    name: str

    @cached_property
    def path(self) -> Path:
        return self.book.source(self.name)

    @cached_property
    def notebook(self) -> NotebookNode:
        return read(self.path)

    @cached_property
    def executed(self) -> list[NotebookNode]:
        """The cells of the executed copy; none where there is no fresh one."""
        copy = self.book.outputs(self.name)
        return copy.cells if copy else []

    @cached_property
    def colab(self) -> str:
        return colab_cell(self.book.root)

    def code(self) -> Iterator[tuple[int, NotebookNode]]:
        """Yield the code cells but the Colab cell, each with its number."""
        numbered = enumerate(self.notebook.cells, start=1)
        cells = [(number, cell) for number, cell in numbered if cell.cell_type == "code"]
        yield from (pair for pair in cells if pair[1].source != self.colab)

    def trees(self) -> Iterator[tuple[int, ast.AST]]:
        """Yield every node of the code that is plain Python, with its cell's number."""
        for number, cell in self.code():
            try:
                yield from ((number, node) for node in ast.walk(ast.parse(cell.source)))
            except SyntaxError:
                continue  # `plain_python` reports it

    @cached_property
    def prose(self) -> str:
        """All Markdown but the quiz, without the insides of code blocks."""
        cells = [cell for cell in self.notebook.cells if cell.cell_type == "markdown"]
        return without_code("\n\n".join(c.source for c in cells if not quizzes.is_quiz(c)))


def colab_cell(root: Path) -> str:
    """Return the first code cell of every chapter, with the repository's address filled in."""
    return COLAB.format(url=configuration(root)["repository"]["url"])


@cache
def generated(root: Path) -> set[str]:
    """Return the paths of the pages that tools/pages.py writes."""
    plans = root / "data" / "plans.yaml"
    entries = yaml.safe_load(plans.read_text(encoding="utf-8")) if plans.exists() else []
    names = [*PAGES, *(f"plan-{entry['slug']}.md" for entry in entries)]
    return {f"book/{name}" for name in names}


def without_code(text: str) -> str:
    """Return Markdown without fenced blocks and code spans."""
    text = re.sub(r"^( *)(```+|~~~+).*?^\1\2 *$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", text)


def no_outputs(chapter: Chapter) -> Iterator[Finding]:
    for number, cell in enumerate(chapter.notebook.cells, start=1):
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None):
            yield number, "holds outputs or an execution count", "run `make format`"


def metadata(notebook: NotebookNode) -> dict[str, object]:
    """Return the metadata that a chapter should have: the book's, and the rows it covers."""
    rows = notebook.metadata.get("d2lcourse", {}).get("rows")
    return METADATA | ({"d2lcourse": {"rows": rows}} if rows else {})


def plain_metadata(chapter: Chapter) -> Iterator[Finding]:
    if chapter.notebook.metadata != metadata(chapter.notebook):
        yield 0, "the notebook's metadata are not the book's", "run `make format`"
    for number, cell in enumerate(chapter.notebook.cells, start=1):
        extra = set(cell.metadata) - CELL_METADATA
        if extra:
            yield (
                number,
                f"an editor left metadata: {', '.join(sorted(extra))}",
                "run `make format`",
            )


def cell_ids(chapter: Chapter) -> Iterator[Finding]:
    seen: set[str] = set()
    # Read raw, as nbformat makes up what is missing.
    raw = json.loads(chapter.path.read_text(encoding="utf-8"))
    for number, cell in enumerate(raw["cells"], start=1):
        identifier = cell.get("id")
        if identifier is None or identifier in seen:
            yield number, "has no id of its own", "run `make format`"
        seen.add(identifier)


def first_cells(chapter: Chapter) -> Iterator[Finding]:
    cells = code(chapter.notebook)
    if not cells or cells[0].source != chapter.colab:
        yield 0, "the first code cell is not the Colab cell", "run `make format`"
    if len(cells) < 2 or "d2l.setup(" not in cells[1].source:
        yield 0, "the second code cell does not call d2l.setup()", "start with imports and setup"


def plain_python(chapter: Chapter) -> Iterator[Finding]:
    for number, cell in chapter.code():
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            if MAGIC.search(cell.source):
                yield number, "uses `!`, `%` or `?`", "write it in plain Python"
            else:
                yield number, f"is not Python: {error.msg}, line {error.lineno}", "mend it"


def no_tricks(chapter: Chapter) -> Iterator[Finding]:
    for number, node in chapter.trees():
        name = getattr(node, "id", getattr(node, "attr", getattr(node, "name", "")))
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            yield number, f"imports everything from {node.module}", "import the names it uses"
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            yield number, "has a bare `except:`", "name the exception"
        elif name in ("get_ipython", "clear_output"):
            yield number, f"uses {name}", "print once; d2l.fit shows progress by itself"


def cell_size(chapter: Chapter) -> Iterator[Finding]:
    for number, cell in chapter.code():
        lines = cell.source.splitlines()
        if len(lines) > LINES:
            yield number, f"has {len(lines)} lines, more than {LINES}", "split it"
        longest = max(map(len, lines), default=0)
        if longest > COLUMNS:
            yield number, f"has a line of {longest} columns, more than {COLUMNS}", "break the line"


def enough_code(chapter: Chapter) -> Iterator[Finding]:
    count = len(code(chapter.notebook))
    if count < CODE_CELLS:
        yield 0, f"has {count} code cells, fewer than {CODE_CELLS}", "show more in code"


def proof(chapter: Chapter) -> Iterator[Finding]:
    def proves(node: ast.AST) -> bool:
        check = isinstance(node, ast.Attribute) and node.attr.startswith("check_")
        return check or isinstance(node, ast.Assert)

    if not any(proves(node) for _, node in chapter.trees()):
        yield 0, "proves nothing: no assert, no d2l.check_…", "assert what the text claims"


def alt_text(chapter: Chapter) -> Iterator[Finding]:
    sources = chapter.notebook.cells
    images = [
        any(kind.startswith("image/") for output in run.outputs for kind in output.get("data", ()))
        for run in code(NotebookNode(cells=chapter.executed))
    ]
    cells = [(n, cell) for n, cell in enumerate(sources, start=1) if cell.cell_type == "code"]
    for (number, cell), draws in zip(cells, images, strict=False):
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if draws and len(alt.strip()) < ALT_TEXT:
            remedy = f"say what it shows ({ALT_TEXT} characters or more) in mystnb.image.alt"
            yield number, "draws a figure that has no alt text", remedy


def quiet_output(chapter: Chapter) -> Iterator[Finding]:
    for number, cell in enumerate(chapter.executed, start=1):
        for output in cell.get("outputs", []):
            text = str(output.get("text", output.get("data", {}).get("text/plain", "")))
            if output.get("name") == "stderr":
                first = text.strip().splitlines()[:1]
                yield number, f"writes to stderr: {' '.join(first)}", "mend what it warns of"
            elif re.search(r" at 0x[0-9a-f]{6,}", text):
                yield number, "prints a memory address", "give the result a name, or print it"


def headings(chapter: Chapter) -> Iterator[Finding]:
    first = chapter.notebook.cells[0] if chapter.notebook.cells else None
    titles = len(re.findall(r"^# ", chapter.prose, re.MULTILINE))
    if not first or not first.source.startswith("# ") or titles != 1:
        yield 0, "does not start with its only title", "begin the first cell with `# Title`"
    for wanted in ("**You will**", "**Needs**"):
        if wanted not in chapter.prose:
            yield 0, f"has no {wanted}", "say it below the title"
    for wanted in ("## Summary", "## Exercises"):
        if not re.search(rf"^{wanted}$", chapter.prose, re.MULTILINE):
            yield 0, f"has no `{wanted}`", "end with both"


def exercises(chapter: Chapter) -> Iterator[Finding]:
    _, _, text = chapter.prose.partition("\n## Exercises\n")
    sections = re.split(r"^(?=### )", text, flags=re.MULTILINE)[1:]
    kinds = []
    for position, section in enumerate(sections, start=1):
        heading = section.splitlines()[0].strip()
        match = EXERCISE.fullmatch(heading)
        if not match or int(match[1]) != position:
            yield 0, f"has the exercise heading {heading!r}", f"### Exercise {position} (code, ★★)"
        else:
            kinds.append(match[2])
        if not re.search(r"<details>\s*<summary>.+</details>", section, re.DOTALL):
            yield 0, f"exercise {position} has no folded solution", "add <details> with <summary>"
    if len(sections) < EXERCISES:
        yield 0, f"has {len(sections)} exercises, fewer than {EXERCISES}", "add more"
    elif "code" not in kinds:
        yield 0, "has no exercise of type code", "add one that a cell can check"


def length(chapter: Chapter) -> Iterator[Finding]:
    count = words(chapter.prose)
    if count not in WORDS:
        remedy = f"write {WORDS.start} to {WORDS.stop - 1}"
        yield 0, f"has {count} words outside the folded solutions", remedy


def words(text: str) -> int:
    """Count the words of prose; a formula counts as one, folded solutions do not count."""
    text = re.sub(r"<details>.*?</details>", " ", text, flags=re.DOTALL)
    text = re.sub(r"\$\$.+?\$\$|\$[^$\n]+\$", " formula ", text, flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)|</?[a-z][^>]*>", " ", text)
    return len(re.findall(r"[^\W_][\w'’.,-]*", text))


def plain_markdown(chapter: Chapter) -> Iterator[Finding]:
    for number, cell in enumerate(chapter.notebook.cells, start=1):
        if cell.cell_type != "markdown":
            continue
        directive = re.search(
            r"^\s*(```+|:::+)\{.+?\}|(?<![^\s(*])\{[a-z:-]+\}`", cell.source, re.MULTILINE
        )
        if directive:
            yield number, f"uses MyST: {directive[0].strip()}", "Jupyter and GitHub show it raw"


def chapter_links(chapter: Chapter) -> Iterator[Finding]:
    for number, cell in enumerate(chapter.notebook.cells, start=1):
        if cell.cell_type == "markdown":
            for target in broken_links(cell.source, chapter.path, chapter.book.root):
                yield number, f"links to {target}, which does not exist", "mend the path"


def broken_links(text: str, path: Path, root: Path) -> Iterator[str]:
    """Yield the links of a page of Markdown that lead to no file of the book."""
    text = re.sub(r"\$\$.+?\$\$|\$[^$\n]+\$", "", without_code(text), flags=re.DOTALL)
    inline = r"\]\(\s*<?([^)\s>]+)|\b(?:href|src)=[\"']([^\"']+)|^\[[^\]]+\]:\s*<?(\S+?)>?$"
    for groups in re.findall(inline, text, re.MULTILINE):
        target = "".join(groups)
        file = unquote(target.split("#")[0])
        if not file or re.match(r"[a-z][a-z0-9+.-]*:", file):
            continue
        found = (path.parent / file).resolve()
        inside = found.is_relative_to(root) and not file.startswith("/")
        if not inside or not (
            found.exists() or found.relative_to(root).as_posix() in generated(root)
        ):
            yield target


def slides(chapter: Chapter) -> Iterator[Finding]:
    for number, cell in enumerate(chapter.notebook.cells, start=1):
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        if kind is None:
            yield number, "has no slide type", "run `python -m tools.slides --mark`"
        elif kind not in SLIDES:
            yield number, f"has the slide type {kind!r}", f"choose one of {', '.join(SLIDES)}"


def quiz(chapter: Chapter) -> Iterator[Finding]:
    path = quizzes.data_file(chapter.book, chapter.name)
    if not path.exists():
        yield 0, f"has no quiz {path.name} beside it", "write one, then run `make format`"
        return
    mistakes = quizzes.mistakes(path)
    for mistake in mistakes:
        yield 0, f"its quiz {path.name}: {mistake}", "mend it, then run `make format`"
    if not mistakes:
        placed = NotebookNode(cells=chapter.notebook.cells)
        quizzes.place(placed, path)
        if placed.cells != chapter.notebook.cells:
            yield 0, f"does not end with the quiz of {path.name} as it is now", "run `make format`"


RULES: list[Callable[[Chapter], Iterator[Finding]]] = [
    *(no_outputs, plain_metadata, cell_ids, first_cells, plain_python, no_tricks, cell_size),
    *(enough_code, proof, alt_text, quiet_output, headings, exercises, length, plain_markdown),
    *(chapter_links, slides, quiz),
]
