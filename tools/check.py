"""Check the conventions of the chapters and of the book; with --fix, mend what a tool can mend."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import nbformat
import yaml

from tools import quizzes
from tools.notebooks import ROOT, Book, code, toc_files, write
from tools.rules import (
    CELL_METADATA,
    RULES,
    Chapter,
    broken_links,
    colab_cell,
    generated,
    metadata,
)

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*")

# Rules for the book as a whole. Each yields complete lines.


def contents(book: Book) -> Iterator[str]:
    """Every chapter is in _toc.yml, and everything in _toc.yml exists."""
    toc = yaml.safe_load((book.root / "_toc.yml").read_text(encoding="utf-8"))
    listed, made = list(toc_files(toc)), generated(book.root)
    for name in book.chapters():
        if f"notebooks/{name}" not in listed:
            yield f"notebooks/{name}.ipynb: is not in _toc.yml. Add it where it is to be read."
    for name in listed:
        suffix = ".ipynb" if name.startswith("notebooks/") else ".md"
        if not (book.root / f"{name}{suffix}").exists() and f"{name}{suffix}" not in made:
            yield f"_toc.yml: names {name}, but there is no {name}{suffix}. Write or remove it."


def slugs(book: Book) -> Iterator[str]:
    """File names are words with hyphens: a number would fix an order that _toc.yml decides."""
    for name in book.chapters():
        if not all(SLUG.fullmatch(part) for part in name.split("/")):
            yield f"notebooks/{name}.ipynb: is not named in lower-case-words. Rename it."


def stray_quizzes(book: Book) -> Iterator[str]:
    """Every quiz belongs to a chapter."""
    for path in quizzes.strays(book):
        yield f"{path}: is the quiz of no chapter. Rename it like its notebook, or remove it."


def prose_links(book: Book) -> Iterator[str]:
    """Every relative link of a prose page leads somewhere."""
    for path in sorted((book.root / "book").rglob("*.md")):
        for target in broken_links(path.read_text(encoding="utf-8"), path, book.root):
            where = path.relative_to(book.root).as_posix()
            yield f"{where}: links to {target}, which does not exist. Mend the path."


def check_chapter(book: Book, name: str) -> Iterator[str]:
    """Yield one line for every rule that the chapter breaks."""
    chapter = Chapter(book, name)
    for rule in RULES:
        for number, what, remedy in rule(chapter):
            cell = f", cell {number}" if number else ""
            yield f"notebooks/{name}.ipynb{cell}: {what}. Remedy: {remedy}."


def fix(book: Book, name: str) -> bool:
    """Strip outputs, make metadata and ids plain, set Colab cell and quiz; tell if it changed."""
    path = book.source(name)
    before = path.read_text(encoding="utf-8")
    raw, seen = json.loads(before), set()
    for cell in raw["cells"]:
        if cell.get("id") is None or cell["id"] in seen:
            cell["id"] = uuid4().hex[:8]
        seen.add(cell["id"])
    raw |= {"nbformat": 4, "nbformat_minor": 5}
    notebook = nbformat.reads(json.dumps(raw), as_version=4)
    notebook.metadata = nbformat.from_dict(metadata(notebook))
    for cell in notebook.cells:
        for key in set(cell.metadata) - CELL_METADATA:
            del cell.metadata[key]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    first = code(notebook)[0] if code(notebook) else None
    colab = colab_cell(book.root)
    if first and "google.colab" in first.source:
        first.source = colab
    elif first:
        position = notebook.cells.index(first)
        notebook.cells.insert(
            position,
            nbformat.v4.new_code_cell(colab, metadata={"slideshow": {"slide_type": "skip"}}),
        )
    quizzes.place(notebook, quizzes.data_file(book, name))
    text = nbformat.writes(notebook) + "\n"
    if text == before:
        return False
    write(path, text)
    return True


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", help="chapters (default: all, and _toc.yml)")
    parser.add_argument("--fix", action="store_true", help="mend outputs, metadata, Colab, quiz")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout (default: this one)")
    options = parser.parse_args(argv)
    book = Book(options.root.resolve())
    names = [name for path in options.paths for name in book.chapters(notebook=path)]
    names = names or book.chapters()
    if options.fix:
        changed = [name for name in names if fix(book, name)]
        print(f"{len(changed)} of {len(names)} chapters mended: {', '.join(changed) or 'none'}")
        return 0
    problems = [line for name in names for line in check_chapter(book, name)]
    if not options.paths:
        rules = (contents, slugs, stray_quizzes, prose_links)
        problems += [line for rule in rules for line in rule(book)]
    print(*problems, sep="\n", end="\n" if problems else "")
    print(f"{len(names)} chapters checked, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
