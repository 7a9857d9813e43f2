"""Put a submission's answers between the instructor's own setup and tests."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from d2lcourse.errors import unknown

Cell = dict[str, Any]

LARGEST = 10 * 2**20  # bytes; a notebook of text is a hundredth of it


@dataclass(frozen=True)
class Step:
    """One code cell as it will be run.

    Attributes:
        kind: "given" (the instructor's), "answer", "extra" (a cell the student added) or "tests".
        name: the cell's grade id; of an added cell, where it stands.
        source: its code.
        points: what passing earns; 0 but for tests.
    """

    kind: str
    name: str
    source: str
    points: float = 0.0


@dataclass(frozen=True)
class Assignment:
    """The instructor's version of an assignment, with solutions and hidden tests."""

    path: Path

    @cached_property
    def notebook(self) -> dict[str, Any]:
        return read_notebook(self.path)

    @property
    def slug(self) -> str:
        return self.path.stem

    @cached_property
    def tests(self) -> list[Step]:
        """The graded cells in order, with their points."""
        return [step for step in steps(self.notebook) if step.kind == "tests"]

    @cached_property
    def modules(self) -> list[str]:
        """What the instructor's own cells import: loaded once, before submissions are run."""
        found: dict[str, None] = {}
        for step in steps(self.notebook):
            try:
                tree = ast.parse(step.source)
            except SyntaxError:
                continue  # the Colab cell, which holds a magic
            for node in ast.walk(tree):
                if isinstance(node, ast.Import):
                    found.update(dict.fromkeys(alias.name for alias in node.names))
                elif isinstance(node, ast.ImportFrom) and node.module:
                    found[node.module] = None
        return list(found)


def read_notebook(path: Path) -> dict[str, Any]:
    """Return a notebook of format 4 as plain data.

    Raises:
        ValueError: there is no such file, it is too large, or it is not a notebook; the message
            names the file and the remedy.
    """
    try:
        size = path.stat().st_size
        content: Any = None
        if size <= LARGEST:
            content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): check the path") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path.name} is not a notebook (not JSON): hand in the .ipynb file that Jupyter saves"
        ) from error
    if size > LARGEST:
        raise ValueError(f"{path.name} is larger than {LARGEST >> 20} MiB: clear its outputs")
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list) or not all(_is_cell(cell) for cell in cells):
        raise ValueError(
            f"{path.name} is not a notebook of format 4 (it has no list of cells): open it in "
            "Jupyter, save it, and hand in that file"
        )
    return content


def _is_cell(cell: Any) -> bool:
    if not isinstance(cell, dict) or not isinstance(cell.get("metadata", {}), dict):
        return False
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    return all(isinstance(line, str) for line in lines)


def text(cell: Cell) -> str:
    """Return a cell's source, which a file may hold as one text or as lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def grading(cell: Cell) -> dict[str, Any]:
    """Return what nbgrader keeps of a cell: its grade id, and whether it is graded or an answer."""
    data = cell.get("metadata", {}).get("nbgrader", {})
    return data if isinstance(data, dict) else {}


def steps(notebook: dict[str, Any]) -> Iterator[Step]:
    """Yield the code cells of the instructor's version."""
    for cell in notebook["cells"]:
        if cell.get("cell_type") != "code":
            continue
        data = grading(cell)
        if data.get("grade"):
            yield Step("tests", data["grade_id"], text(cell), float(data["points"]))
        else:
            kind = "answer" if data.get("solution") else "given"
            yield Step(kind, data.get("grade_id", ""), text(cell))


def assemble(assignment: Assignment, submission: dict[str, Any]) -> tuple[list[Step], list[str]]:
    """Return the cells to run, and what is odd about the submission.

    Setup and tests are the instructor's whatever the submission holds in their place. An answer
    is the submission's cell of the same grade id; several such cells count as one. A cell that
    the student added runs where it stands: after the cell of ours that precedes it.
    """
    ours = list(steps(assignment.notebook))
    known = {step.name for step in ours}
    theirs: dict[str, list[Cell]] = {}
    added: dict[str, list[Cell]] = {}
    last = ""
    for cell in submission["cells"]:
        if cell.get("cell_type") != "code":
            continue
        name = grading(cell).get("grade_id")
        if isinstance(name, str) and name in known:
            theirs.setdefault(name, []).append(cell)
            last = name
        elif text(cell).strip():
            added.setdefault(last, []).append(cell)

    notes: list[str] = []
    result = [*_extras("", added)]
    for step in ours:
        cells = theirs.get(step.name, [])
        if step.kind == "answer":
            source = "\n\n".join(text(cell) for cell in cells)
            if not cells:
                notes.append(f"the answer cell {step.name} is missing")
            step = Step("answer", step.name, source)
        elif step.kind == "tests":
            notes += _tampering(step, cells)
        result += [step, *_extras(step.name, added)]
    return result, notes


def _extras(after: str, added: dict[str, list[Cell]]) -> Iterator[Step]:
    for number, cell in enumerate(added.get(after, []), start=1):
        where = f"added cell {number} after {after}" if after else f"added cell {number} on top"
        yield Step("extra", where, text(cell))


def _tampering(step: Step, cells: list[Cell]) -> Iterator[str]:
    """Yield what was done to a test cell. It changes nothing: ours is run, for our points."""
    if not cells:
        yield f"the test cell {step.name} is missing from the submission: ours was run"
        return
    if grading(cells[0]).get("points") != step.points:
        yield f"the points of {step.name} were edited: it counts {step.points:g}"
    if _visible(text(cells[0])) != _visible(step.source):
        yield f"the test cell {step.name} was edited: ours was run"


def _visible(source: str) -> list[str]:
    """Return the lines that a student sees of a test cell."""
    hidden = re.compile(r"^ *### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS *$", re.M | re.S)
    return [line.rstrip() for line in hidden.sub("", source).splitlines() if line.strip()]


def find_assignment(
    folder: Path, submission: dict[str, Any] | None, path: Path, slug: str | None = None
) -> Assignment:
    """Return the assignment that a submission answers.

    It is `slug` if that is given, else what the notebook's metadata say, else the file's name or
    its folder's.

    Args:
        folder: holds ``<slug>/<slug>.ipynb`` of every assignment.
        submission: the notebook; None if it cannot be read.
        path: where it came from.
        slug: the assignment's name, to leave nothing to guess.

    Raises:
        ValueError: no assignment in `folder` has such a name.
    """
    names = sorted(file.stem for file in folder.glob("*/*.ipynb") if file.stem == file.parent.name)
    if not names:
        raise ValueError(
            f"there are no assignments in {folder}: name the folder `source` of the instructor's "
            "bundle, or notebooks/assignments of a checkout, with --assignments"
        )
    told = ((submission or {}).get("metadata") or {}).get("d2lcourse")
    guesses = [slug] if slug else [path.stem, path.parent.name]
    if not slug and isinstance(told, dict):
        guesses.insert(0, str(told.get("assignment")))
    for guess in guesses:
        if guess in names:
            return Assignment(folder / str(guess) / f"{guess}.ipynb")
    raise unknown(f"assignment (of {path.name})", guesses[0], names)
