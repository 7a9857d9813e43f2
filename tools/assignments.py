"""Make the students' notebooks and the instructor's bundle from notebooks/assignments.

    python -m tools.assignments

nbgrader's own converter takes out solutions and hidden tests. The students' versions go to
`_build/assignments/release/<slug>/<slug>.ipynb`, the bundle, which holds them and the sources, to
`_build/assignments/instructor-bundle.zip`.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import io
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nbformat import NotebookNode

from tools.notebooks import ROOT, configuration, listed_chapters, read, write
from tools.rules import METADATA, broken_links, colab_cell

BUNDLE_README = """# Assignments of Deep Learning You Can Run

- `source/<slug>/<slug>.ipynb`: with solutions, hidden tests and points. Keep it to yourself.
- `release/<slug>/<slug>.ipynb`: what students get.
- `nbgrader_config.py`: makes this folder a course of nbgrader.

With nbgrader: `nbgrader generate_assignment <slug>`, collect, then `nbgrader autograde <slug>`.

Without it: `python -m d2lcourse.grade --assignments source submission.ipynb`, which contains what
it runs. Install it with `pip install 'd2lcourse[grade] @ git+{url}'`.
"""

BUNDLE_CONFIG = """c = get_config()
c.CourseDirectory.course_id = "deep-learning-you-can-run"
"""

PAGE = """# Assignments

Each assignment is a notebook with gaps. You write small functions, step by step, and the cell
below each one tests it and says what is wrong. Further tests run when it is graded. An assignment
takes 60 to 120 minutes and needs nothing but Jupyter or Colab and the helper package, which the
first cell installs on Colab.

Choose a title to download the notebook.

| Assignment | Chapter | Questions | Points | Time |
| --- | --- | ---: | ---: | ---: |
{rows}

Open it in Jupyter, or on Colab with **File → Upload notebook**. Write your code where it says
`YOUR CODE HERE`. Before you hand it in, restart the kernel and run everything from the top.

Teachers find how to assign and grade in the [instructor's guide](instructors.md).
"""

METADATA_OF_OURS = {"assignment", "chapter", "minutes"}
SOLUTION = re.compile(r"^ *### BEGIN SOLUTION$.+?^ *### END SOLUTION$", re.M | re.S)
HIDDEN = re.compile(r"^### BEGIN HIDDEN TESTS$.+?^### END HIDDEN TESTS$", re.M | re.S)

# A link to a chapter: in copies that lie in no checkout it leads to the site.
LINK = re.compile(r"\]\(\.\./\.\./([a-z0-9/-]+)\.ipynb(#[^)]*)?\)")


def slugs(root: Path) -> list[str]:
    """Return the assignments' names in alphabetical order."""
    folder = root / "notebooks" / "assignments"
    return sorted(path.stem for path in folder.glob("*/*.ipynb") if path.stem == path.parent.name)


def source(root: Path, slug: str) -> Path:
    """Return the path of the version with solutions."""
    return root / "notebooks" / "assignments" / slug / f"{slug}.ipynb"


@dataclass(frozen=True)
class Facts:
    """What other pages say of an assignment, read from its notebook."""

    path: Path

    @cached_property
    def notebook(self) -> NotebookNode:
        return read(self.path)

    @property
    def slug(self) -> str:
        return self.path.stem

    @property
    def title(self) -> str:
        title = self.notebook.cells[0].source.splitlines()[0].removeprefix("# Assignment: ")
        return title[:1].upper() + title[1:]

    @property
    def chapter(self) -> str:
        return self.notebook.metadata["d2lcourse"]["chapter"]

    @property
    def chapter_title(self) -> str:
        chapter = read(self.path.parents[2] / f"{self.chapter}.ipynb")
        return chapter.cells[0].source.splitlines()[0].removeprefix("# ")

    @property
    def minutes(self) -> int:
        minutes = self.notebook.metadata["d2lcourse"].get("minutes")
        if not isinstance(minutes, int):
            raise SystemExit(f"{self.path}: its metadata give no minutes under d2lcourse")
        return minutes

    @property
    def points(self) -> float:
        return sum(cell.metadata.nbgrader.points for cell in self.graded)

    @property
    def questions(self) -> list[str]:
        """The answer cells' names."""
        data = [cell.metadata.get("nbgrader", {}) for cell in self.notebook.cells]
        return [entry["grade_id"] for entry in data if entry.get("solution")]

    @property
    def graded(self) -> list[NotebookNode]:
        cells = self.notebook.cells
        return [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]


def facts(root: Path) -> list[Facts]:
    """Return the facts of every assignment, in the order of the slugs."""
    return [Facts(source(root, slug)) for slug in slugs(root)]


def release(root: Path, names: list[str], target: Path) -> None:
    """Write the student versions of these assignments into the folder `target`.

    Raises:
        SystemExit: nbgrader refused an assignment; its own words say why.
    """
    from nbgrader.apps.api import NbGraderAPI  # imported here: it takes seconds
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder)
        for name in names:
            copy = course / "source" / name / f"{name}.ipynb"
            copy.parent.mkdir(parents=True)
            shutil.copyfile(source(root, name), copy)
        config = Config()
        config.CourseDirectory.root = str(course)
        config.CourseDirectory.db_url = f"sqlite:///{course / 'gradebook.db'}"
        # nbgrader calls alembic, which an environment that is not activated has not on its path.
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        api = NbGraderAPI(CourseDirectory(config=config), config=config)
        for name in names:
            result = api.generate_assignment(name)
            if not result["success"]:
                raise SystemExit(
                    f"nbgrader could not make the students' version of {name}:\n{result['log']}"
                )
            done = course / "release" / name / f"{name}.ipynb"
            write(target / name / f"{name}.ipynb", with_links_to_site(root, done))


def with_links_to_site(root: Path, notebook: Path) -> str:
    """Return a notebook's text, its links to chapters made to work outside a checkout."""
    site = configuration(root)["html"]["baseurl"]
    return LINK.sub(rf"]({site}notebooks/\1.html\2)", notebook.read_text(encoding="utf-8"))


def bundle(root: Path, names: list[str], students: Path) -> bytes:
    """Return the instructor's zip file: sources, students' versions, a README and a course file."""
    files = {
        "README.md": BUNDLE_README.format(url=configuration(root)["repository"]["url"]).encode(),
        "nbgrader_config.py": BUNDLE_CONFIG.encode(),
    }
    for name in names:
        files[f"source/{name}/{name}.ipynb"] = with_links_to_site(root, source(root, name)).encode()
        files[f"release/{name}/{name}.ipynb"] = (students / name / f"{name}.ipynb").read_bytes()
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            # A fixed date: the same sources give the same bytes.
            file.writestr(zipfile.ZipInfo(f"assignments/{name}", (2020, 1, 1, 0, 0, 0)), content)
    return result.getvalue()


def make(root: Path) -> Path:
    """Bring `_build/assignments` up to date, and return the folder of the students' versions.

    Raises:
        SystemExit: an assignment is not as nbgrader and the book want it.
    """
    names, folder = slugs(root), root / "_build" / "assignments"
    digest = hashlib.sha256(importlib.metadata.version("nbgrader").encode())
    for path in [Path(__file__), root / "_config.yml", *(source(root, name) for name in names)]:
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    record = folder / "made-from"
    if record.is_file() and record.read_text() == digest.hexdigest():
        return folder / "release"
    wrong = list(problems(root))
    if wrong:
        raise SystemExit("\n".join(wrong))
    shutil.rmtree(folder, ignore_errors=True)
    if names:
        release(root, names, folder / "release")
    write(folder / "instructor-bundle.zip", bundle(root, names, folder / "release"))
    write(record, digest.hexdigest())
    return folder / "release"


def page(root: Path) -> str:
    """Return the page that lists the assignments, with the students' versions to download."""
    order = listed_chapters(root)
    rows = [
        f'| <a href="../assignments/{fact.slug}.ipynb" download>{fact.title}</a> '
        f"| [{fact.chapter_title}](../notebooks/{fact.chapter}.ipynb) | {len(fact.questions)} "
        f"| {fact.points:g} | {fact.minutes} min |"
        for fact in sorted(facts(root), key=lambda fact: order.index(fact.chapter))
    ]
    return PAGE.format(rows="\n".join(rows))


def problems(root: Path) -> Iterator[str]:
    """Yield one line for everything that is wrong with an assignment."""
    for fact in facts(root):
        where = fact.path.relative_to(root).as_posix()
        yield from (f"{where}: {what}" for what in _problems(root, fact))


def _problems(root: Path, fact: Facts) -> Iterator[str]:
    notebook, cells = fact.notebook, fact.notebook.cells
    told = notebook.metadata.get("d2lcourse", {})
    if notebook.metadata != METADATA | {"d2lcourse": told} or set(told) != METADATA_OF_OURS:
        yield f"the metadata are not the book's and d2lcourse with {sorted(METADATA_OF_OURS)}"
        return
    if told["assignment"] != fact.slug:
        yield f"d2lcourse.assignment is {told['assignment']!r}, not the file's name"
    if not (root / "notebooks" / f"{told['chapter']}.ipynb").exists():
        yield f"d2lcourse.chapter names {told['chapter']!r}, which is no chapter"
    if not fact.path.parent.with_name(f"{fact.slug}.mutants.yaml").exists():
        yield f"there is no {fact.slug}.mutants.yaml beside its folder"
    if not cells[0].source.startswith("# Assignment: "):
        yield "the first cell does not begin with `# Assignment: `"
    for cell in cells:
        if cell.cell_type == "markdown":
            for target in broken_links(cell.source, fact.path, root):
                yield f"links to {target}, which does not exist"
    code = [cell for cell in cells if cell.cell_type == "code"]
    if code[0].source != colab_cell(root):
        yield "the first code cell is not the Colab cell of the chapters"
    kinds: dict[str, set[str]] = {}
    for cell in code:
        data = cell.metadata.get("nbgrader", {})
        name = data.get("grade_id", "")
        if cell.outputs or cell.execution_count is not None:
            yield f"cell {cell.id} holds outputs: clear them"
        if name != cell.id or data.get("locked") == data.get("solution"):
            yield f"cell {cell.id}: its grade id is not its id, or it is not locked or an answer"
        if data.get("solution") and not SOLUTION.search(cell.source):
            yield f"the answer {name} has no ### BEGIN SOLUTION and ### END SOLUTION"
        if data.get("solution"):
            kinds.setdefault(name, set())
        elif data.get("grade"):
            question, _, kind = name.partition("-")
            kinds.setdefault(question, set()).add(kind)
            if (kind == "hidden") != bool(HIDDEN.search(cell.source)):
                yield f"{name}: hidden tests stand in the cell that is named so, and only there"
    for question, found in kinds.items():
        if found != {"tests", "hidden"}:
            yield f"question {question} has {sorted(found)}, not one -tests and one -hidden cell"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout (default: this one)")
    root = parser.parse_args(argv).root.resolve()
    folder = make(root)
    print(f"{len(slugs(root))} students' notebooks are in {folder}")
    print(f"the instructor's bundle is {folder.parent / 'instructor-bundle.zip'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
