"""Lay out in _build/src what the site is built from: prose, executed chapters, generated pages.

The tree is made afresh beside the last one, and only files that differ replace theirs, so that
Sphinx reads again just the pages that changed.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode

from tools import assignments, demos, pages
from tools.notebooks import Book, arguments, code, configuration, read, toc_files, write


def stage(root: Path, part: str | None = None, notebook: str | None = None) -> str:
    """Bring `_build/src` up to date.

    Args:
        root: the checkout.
        part: stage only this part's chapters; prose pages stay, but other parts' openers.
        notebook: stage only this chapter.

    Returns:
        A hash of the staged tree: equal when not one byte of it differs.

    Raises:
        SystemExit: a chapter was not run since it changed, or the disk is full.
    """
    book = Book(root)
    target, fresh = root / "_build" / "src", root / "_build" / "src.new"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fill(book, fresh, book.chapters(part, notebook), whole=not (part or notebook))
        return synchronise(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def fill(book: Book, folder: Path, chapters: list[str], whole: bool) -> None:
    """Write the complete tree for these chapters into an empty folder."""
    toc = yaml.safe_load((book.root / "_toc.yml").read_text(encoding="utf-8"))
    kept = toc if whole else narrowed(toc, {f"notebooks/{name}" for name in chapters})
    dropped = set(toc_files(toc)) - set(toc_files(kept))

    for name, notebook in merged(book, chapters).items():
        for file, content in demos.place(notebook, name).items():
            write(folder / "extra" / "demos" / file, content)
        write(folder / "notebooks" / f"{name}.ipynb", nbformat.writes(notebook) + "\n")
    write(folder / "_toc.yml", yaml.safe_dump(kept, sort_keys=False, allow_unicode=True))
    config = configuration(book.root)
    if not whole:  # then a link to a chapter left out is no mistake
        settings = config.setdefault("sphinx", {}).setdefault("config", {})
        settings["suppress_warnings"] = ["myst.domains", "myst.xref_missing"]
    write(folder / "_config.yml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    for path in sorted((book.root / "book").rglob("*")):
        relative = path.relative_to(book.root)
        hidden = any(name.startswith(".") for name in relative.parts)
        if path.is_file() and not hidden and relative.with_suffix("").as_posix() not in dropped:
            write(folder / relative, path.read_bytes())
    pages.write(folder, book.root)
    for path in sorted(assignments.make(book.root).glob("*/*.ipynb")):
        write(folder / "extra" / "assignments" / path.name, path.read_bytes())


def merged(book: Book, chapters: list[str]) -> dict[str, NotebookNode]:
    """Return each chapter's notebook: the source as it is now, with the outputs of its last run."""
    notebooks, stale = {}, []
    for name in chapters:
        executed = book.outputs(name)
        if executed is None:
            stale.append(name)
            continue
        notebook = read(book.source(name))
        # The keys agree, so the code cells are the same, one for one.
        for cell, run in zip(code(notebook), code(executed), strict=True):
            cell.outputs, cell.execution_count = run.outputs, run.execution_count
        run_data = executed.metadata["d2lcourse"]
        notebook.metadata["d2lcourse"] = {item: run_data[item] for item in ("seconds", "cells")}
        notebooks[name] = notebook
    if stale:
        raise SystemExit(
            f"not run since they changed, or failed: {', '.join(stale)}. "
            "Run `make book`, which runs them first, or `python -m tools.run`."
        )
    return notebooks


def narrowed(toc: Any, wanted: set[str]) -> Any:
    """Return the table of contents without the chapters that are not wanted.

    A part that had chapters and keeps none goes too, with its opener.
    """

    def stays(entry: Any) -> bool:
        chapters = {name for name in toc_files(entry) if name.startswith("notebooks/")}
        return not chapters or bool(chapters & wanted)

    if isinstance(toc, list):
        return [narrowed(entry, wanted) for entry in toc if stays(entry)]
    if isinstance(toc, dict):
        return {key: narrowed(value, wanted) for key, value in toc.items()}
    return toc


def synchronise(fresh: Path, target: Path) -> str:
    """Make `target` equal to `fresh`, touching only what differs; return the tree's hash."""
    digest = hashlib.sha256()
    wanted = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
    for relative in sorted(wanted):
        content, path = (fresh / relative).read_bytes(), target / relative
        digest.update(f"{relative.as_posix()}\0{len(content)}\0".encode() + content)
        if not path.is_file() or path.read_bytes() != content:
            write(path, content)
    for path in sorted(target.rglob("*"), reverse=True):  # files before their folders
        if path.is_file() and path.relative_to(target) not in wanted:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    return digest.hexdigest()


def main(argv: list[str] | None = None) -> int:
    options = arguments(__doc__.split("\n")[0] if __doc__ else None).parse_args(argv)
    print(stage(options.root.resolve(), options.part, options.notebook))
    return 0


if __name__ == "__main__":
    sys.exit(main())
