"""Show the chapters as slides: ``python -m tools.slides`` writes a reveal.js deck for each.

A deck is made from the chapter's notebook and the outputs of its last run. The `slideshow`
metadata of a cell say what becomes of it; the types are Jupyter's own:

- `slide` begins a new column of slides, `subslide` a new slide below the last one;
- `-` goes on where the last cell ended, `fragment` too, but appears at a key press;
- `notes` puts the words into the speaker view (key S); `skip` leaves the cell out.

`tools.decks` says what a slide shows of a cell. With ``--mark``, no deck is made, but each cell
that has no type gets one; the others stay as their authors set them:

- `slide`: the title, and Markdown that holds a heading;
- `subslide`: other Markdown that holds a formula, a list or a table; most code;
- `-`: code right below such Markdown, so that it stands under the words where there is room;
- `notes`: other Markdown;
- `skip`: code before the first section (Colab, imports, sizes), the quiz, all of the exercises.
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import jinja2
import nbformat
import yaml
from nbformat import NotebookNode
from pygments import formatters  # type: ignore[import-untyped]

from tools import formulas
from tools.decks import EXERCISES, Deck, deck
from tools.notebooks import Book, arguments, configuration, read, write
from tools.quizzes import is_quiz
from tools.rules import without_code
from tools.stage import merged, synchronise

TEMPLATES = Path(__file__).with_name("slides")
REVEAL = ("dist/reset.css", "dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js", "LICENSE")

SECTION = re.compile(r"^##+ ", re.MULTILINE)
SHOWN = re.compile(r"^\$\$|^\\begin|^\s*([-*]|\d+\.) |^\|", re.MULTILINE)


def marks(cells: list[NotebookNode]) -> Iterator[str]:
    """Yield for each cell the type that the rules of this file give it."""
    begun = over = shown = False
    for position, cell in enumerate(cells):
        prose = without_code(cell.source) if cell.cell_type == "markdown" else ""
        headed = bool(SECTION.search(EXERCISES.split(prose)[0]))
        begun = begun or headed
        if over or is_quiz(cell) or EXERCISES.match(prose):
            kind = "skip"
        elif position == 0 or headed:
            kind = "slide"
        elif cell.cell_type == "code":
            below = cells[position - 1].cell_type == "markdown" and shown
            kind = ("-" if below else "subslide") if begun else "skip"
        else:
            kind = "subslide" if begun and SHOWN.search(prose) else "notes"
        over = over or bool(EXERCISES.search(prose))
        shown = kind in ("slide", "subslide")
        yield kind


def mark(book: Book, name: str) -> int:
    """Give a slide type to the chapter's cells that have none; return how many there were."""
    notebook, count = read(book.source(name)), 0
    for cell, kind in zip(notebook.cells, marks(notebook.cells), strict=True):
        if "slide_type" not in cell.metadata.get("slideshow", {}):
            cell.metadata["slideshow"] = {"slide_type": kind}
            count += 1
    if count:
        write(book.source(name), nbformat.writes(notebook) + "\n")
    return count


def build(root: Path, part: str | None = None, notebook: str | None = None) -> list[Deck]:
    """Bring `_build/slides` up to date with these chapters' decks, and no others.

    Args:
        root: the checkout.
        part: only this part's chapters.
        notebook: only this chapter.

    Returns:
        The decks, in the order of `_toc.yml`.

    Raises:
        SystemExit: a chapter was not run since it changed, or a file cannot be written.
    """
    book = Book(root)
    notebooks = merged(book, book.chapters(part, notebook))
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    config = configuration(root)
    parts, decks = [], []
    for entry in toc["parts"]:
        names = [str(c["file"]).removeprefix("notebooks/") for c in entry["chapters"]]
        found = [deck(n, notebooks[n], notebooks) for n in names if n in notebooks]
        if found:
            parts.append((entry["caption"], found))
            decks += found
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True
    )
    shared = {"book": config["title"]}
    fresh = root / "_build" / "slides.new"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        for caption, found in parts:
            for one in found:
                page = environment.get_template("deck.html").render(
                    deck=one, part=caption, **shared
                )
                write(fresh / f"{one.name}.html", page)
        index = environment.get_template("index.html").render(parts=parts, **shared)
        write(fresh / "index.html", index)
        formulas.add(fresh)
        add_programs(fresh)
        synchronise(fresh, root / "_build" / "slides")
    except OSError as error:
        raise SystemExit(
            f"the slides could not be written to {fresh} ({error.strerror})"
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return decks


def add_programs(folder: Path) -> None:
    """Put beside the decks what they load: reveal.js, our style and script."""
    package = importlib.metadata.distribution("sphinx-revealjs")
    source = Path(str(package.locate_file("sphinx_revealjs/_static/revealjs")))
    for name in REVEAL:
        write(folder / "reveal" / name, (source / name).read_bytes())
    colors = formatters.HtmlFormatter(style="a11y-high-contrast-light").get_style_defs("pre")
    write(folder / "slides.css", (TEMPLATES / "slides.css").read_text(encoding="utf-8") + colors)
    write(folder / "slides.js", (TEMPLATES / "slides.js").read_bytes())


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--mark", action="store_true", help="give cells without a type theirs")
    options = parser.parse_args(argv)
    root = options.root.resolve()
    if options.mark:
        for name in Book(root).chapters(options.part, options.notebook):
            print(f"{name}: {mark(Book(root), name)} cells marked")
        return 0
    decks = build(root, options.part, options.notebook)
    for one in decks:
        print(f"{one.name}: {sum(map(len, one.columns))} slides")
    print(f"The slides are at {(root / '_build' / 'slides' / 'index.html').as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
