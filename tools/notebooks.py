"""What the steps share: which chapters there are, what they depend on, and safe writing."""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]

# Files in data/ that only book pages read: a change to them leaves every output as it is.
PAGE_DATA = {
    f"data/{name}"
    for name in ("README.md", "chapters.csv", "glossary.csv", "plans.yaml", "syllabus.csv")
}

# An exercise's folded solution, and the Python in it.
SOLUTION = re.compile(r"^<details>.*?^</details>", re.DOTALL | re.MULTILINE)
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)

# What `d2lcourse.setup` reads from the environment, and so what an output depends on.
SWITCHES = {"D2LCOURSE_SCALE": "small", "D2LCOURSE_DEVICE": "", "D2LCOURSE_SEED": ""}


@dataclass(frozen=True)
class Book:
    """A checkout of the book. A chapter's name is its path without suffix: `foundations/tensors`.

    Args:
        root: the folder that holds `notebooks/`, `d2lcourse/`, `_toc.yml` and `_build/`.
    """

    root: Path = ROOT

    def chapters(self, part: str | None = None, notebook: str | None = None) -> list[str]:
        """Return the chapters' names in alphabetical order: all, one part's, or just one.

        Raises:
            SystemExit: there is no such part or chapter; the message lists what there is.
        """
        folder = self.root / "notebooks"
        names = sorted(
            path.relative_to(folder).with_suffix("").as_posix()
            for path in folder.rglob("*.ipynb")
            if not {".ipynb_checkpoints", "assignments"} & set(path.relative_to(folder).parts)
        )
        if notebook:
            wanted = notebook.replace(os.sep, "/").removeprefix("notebooks/").removesuffix(".ipynb")
            return [_known("chapter", wanted, names)]
        if part:
            parts = sorted({name.split("/")[0] for name in names})
            _known("part", part, parts)
            return [name for name in names if name.split("/")[0] == part]
        return names

    def source(self, name: str) -> Path:
        """Return the chapter's path in the repository."""
        return self.root / "notebooks" / f"{name}.ipynb"

    def executed(self, name: str) -> Path:
        """Return the path of the copy that holds the outputs of the chapter's last good run."""
        return self.root / "_build" / "executed" / f"{name}.ipynb"

    def key(self, notebook: NotebookNode) -> str:
        """Return the hash of all that the notebook's outputs depend on.

        That is its code cells with their tags, its solutions' code, and what all chapters share
        (`inputs`). Prose is not among it: a mended sentence runs nothing again.
        """
        cells = [[cell.source, sorted(cell.metadata.get("tags", []))] for cell in code(notebook)]
        text = self.inputs + json.dumps([cells, solutions(notebook)])
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def inputs(self) -> str:
        """The hash of the package, the data, the pins, Python's version and the switches."""
        package = self.root / "d2lcourse"
        files = [path for path in package.rglob("*") if path.suffix in (".py", ".mplstyle")]
        files = [path for path in files if path.parent.name != "grade"]  # no chapter imports it
        files += [path for path in (self.root / "data").rglob("*") if path.is_file()]
        files.append(self.root / "requirements.txt")
        digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
        for switch, default in SWITCHES.items():
            digest.update(f"{switch}={os.environ.get(switch) or default}\n".encode())
        for path in sorted(files):
            relative = path.relative_to(self.root).as_posix()
            if relative not in PAGE_DATA and path.exists():
                digest.update(f"{relative}\0".encode() + path.read_bytes())
        return digest.hexdigest()

    def outputs(self, name: str) -> NotebookNode | None:
        """Return the executed copy if it is what running the chapter now would give, else None."""
        path = self.executed(name)
        if not path.exists():
            return None
        copy = read(path)
        current = self.key(read(self.source(name)))
        return copy if copy.metadata.get("d2lcourse", {}).get("key") == current else None


def read(path: Path) -> NotebookNode:
    """Read a notebook; one that is damaged ends the program with a line that says which."""
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, AttributeError, KeyError, nbformat.ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise SystemExit(f"{path} cannot be read as a notebook: {reason}") from error


def code(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the notebook's code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def solutions(notebook: NotebookNode) -> list[str]:
    """Return the Python of the exercises' folded solutions, block by block, in order."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return [block for fold in SOLUTION.findall(text) for block in PYTHON.findall(fold)]


def toc_files(toc: Any) -> Iterator[str]:
    """Yield every document that a `_toc.yml` names, the root first, without suffixes."""
    if isinstance(toc, list):
        for entry in toc:
            yield from toc_files(entry)
    elif isinstance(toc, dict):
        for name in ("root", "file"):
            if name in toc:
                yield str(toc[name]).removesuffix(".ipynb").removesuffix(".md")
        for value in toc.values():
            yield from toc_files(value)


def configuration(root: Path) -> dict[str, Any]:
    """Return what `_config.yml` holds."""
    return yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))


def listed_chapters(root: Path) -> list[str]:
    """Return the chapters that `_toc.yml` lists, in the book's order."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    prefix = "notebooks/"
    return [name.removeprefix(prefix) for name in toc_files(toc) if name.startswith(prefix)]


def write(path: Path, text: str | bytes) -> None:
    """Write a file whole or not at all: to a temporary name beside it, then moved.

    Raises:
        SystemExit: the disk is full or the folder cannot be written; what was there is untouched.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    except OSError as error:
        raise SystemExit(
            f"{path} could not be written ({error.strerror}). What was there before is unchanged; "
            "make room or mend the folder's permissions, then run the command again."
        ) from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that run, stage and build have in common."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--part", metavar="PART", help="only this part, e.g. foundations")
    parser.add_argument("--notebook", metavar="NAME", help="only this, e.g. foundations/tensors")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout (default: this one)")
    return parser


def _known(kind: str, given: str, known: list[str]) -> str:
    """Return `given` if it is known; else end with what there is and the nearest name."""
    if given in known:
        return given
    near = difflib.get_close_matches(given, known, n=1, cutoff=0.5)
    guess = f" Did you mean {near[0]}?" if near else ""
    raise SystemExit(f"unknown {kind} {given!r}: there are {', '.join(known) or 'none'}.{guess}")
