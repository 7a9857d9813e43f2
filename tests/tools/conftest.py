"""A small checkout of its own for each test, in a folder whose name holds a space."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.notebooks import Book, code

CONFIG = "title: A book\nrepository:\n  url: https://github.com/someone/book\n"
TOC = """\
format: jb-book
root: book/index
parts:
  - chapters:
      - file: book/how-to-use
  - caption: First
    chapters:
      - file: book/first
      - file: notebooks/first/one
      - file: notebooks/first/two
  - caption: Second
    chapters:
      - file: book/second
      - file: notebooks/second/three
"""

Add = Callable[..., Path]
Execute = Callable[..., Path]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    root = tmp_path / "a book"
    for name in ("index", "how-to-use", "first", "second"):
        put(root / "book" / f"{name}.md", f"# {name}\n")
    put(root / "_config.yml", CONFIG)
    put(root / "_toc.yml", TOC)
    put(root / "requirements.txt", "torch==2.6\n")
    put(root / "d2lcourse" / "__init__.py", "")
    put(root / "data" / "table.csv", "a,b\n1,2\n")
    return Book(root)


@pytest.fixture
def add(book: Book) -> Add:
    """Write a chapter: strings are code cells, those that start with `# ` or `## ` Markdown."""

    def add(name: str, *sources: str, tags: dict[int, list[str]] | None = None) -> Path:
        cells = [
            new_markdown_cell(source) if source.startswith("# ") else new_code_cell(source)
            for source in sources
        ]
        for position, names in (tags or {}).items():
            cells[position].metadata["tags"] = names
        return put_notebook(book.source(name), new_notebook(cells=cells))

    return add


@pytest.fixture
def execute(book: Book) -> Execute:
    """Write the executed copy of a chapter without running it: `text` is every cell's output."""

    def execute(name: str, text: str = "42\n", seconds: float = 1.5) -> Path:
        notebook = nbformat.read(book.source(name), as_version=4)
        for number, cell in enumerate(code(notebook), start=1):
            cell.execution_count = number
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
        notebook.metadata["d2lcourse"] = {
            "key": Book(book.root).key(notebook),
            "seconds": seconds,
            "cells": [0.1] * len(code(notebook)),
        }
        return put_notebook(book.executed(name), notebook)

    return execute


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def put_notebook(path: Path, notebook: NotebookNode) -> Path:
    return put(path, nbformat.writes(notebook) + "\n")
