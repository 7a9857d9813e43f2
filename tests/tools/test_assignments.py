"""Students' notebooks and the instructor's bundle, made with nbgrader's own converters."""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tools import assignments
from tools.notebooks import ROOT

SLUG = "iou-and-nms"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with one assignment, a real one."""
    shutil.copy(ROOT / "_config.yml", tmp_path)
    folder = tmp_path / "notebooks" / "assignments"
    shutil.copytree(ROOT / "notebooks" / "assignments" / SLUG, folder / SLUG)
    shutil.copy(ROOT / "notebooks" / "assignments" / f"{SLUG}.mutants.yaml", folder)
    chapter = "notebooks/detection/boxes-anchors-nms.ipynb"
    (tmp_path / chapter).parent.mkdir()
    shutil.copy(ROOT / chapter, tmp_path / chapter)
    return tmp_path


def change(root: Path, how: Callable[[Any], None]) -> None:
    path = assignments.source(root, SLUG)
    notebook = nbformat.read(path, as_version=4)
    how(notebook)
    nbformat.write(notebook, path)


def cell(notebook: Any, name: str) -> Any:
    return next(cell for cell in notebook.cells if cell.id == name)


def test_every_assignment_is_as_it_should_be() -> None:
    assert assignments.slugs(ROOT)
    assert list(assignments.problems(ROOT)) == []


def test_facts(root: Path) -> None:
    (fact,) = assignments.facts(root)
    assert (fact.slug, fact.chapter, fact.minutes) == (SLUG, "detection/boxes-anchors-nms", 90)
    assert fact.title == "IoU and non-maximum suppression"
    assert fact.points == 20


def test_make_writes_students_version_and_bundle_once(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = assignments.make(root)
    text = (folder / SLUG / f"{SLUG}.ipynb").read_text()
    assert "SOLUTION" not in text
    assert "HIDDEN" not in text
    assert "raise NotImplementedError()" in text
    assert "](https://" in text
    assert "](../" not in text
    path = folder.parent / "instructor-bundle.zip"
    with zipfile.ZipFile(path) as bundle:
        names = bundle.namelist()
        inside = bundle.read(f"assignments/source/{SLUG}/{SLUG}.ipynb").decode()
    assert f"assignments/release/{SLUG}/{SLUG}.ipynb" in names
    assert "mutants" not in " ".join(names)
    assert "BEGIN HIDDEN TESTS" in inside
    before = path.read_bytes()

    def fail(*arguments: Any) -> None:
        raise AssertionError("made again although nothing changed")

    monkeypatch.setattr(assignments, "release", fail)
    assert assignments.make(root) == folder
    monkeypatch.undo()
    (folder.parent / "made-from").unlink()
    assignments.make(root)
    assert path.read_bytes() == before, "the same sources give the same bytes"


def drop_solution(notebook: Any) -> None:
    answer = cell(notebook, "q1")
    answer.source = answer.source.replace("### BEGIN SOLUTION", "")


def move_hidden_tests(notebook: Any) -> None:
    cell(notebook, "q1-tests").source = cell(notebook, "q1-hidden").source


def remove_hidden_cell(notebook: Any) -> None:
    notebook.cells.remove(cell(notebook, "q2-hidden"))


def leave_output(notebook: Any) -> None:
    cell(notebook, "setup").execution_count = 3


def unlock(notebook: Any) -> None:
    cell(notebook, "q3-tests").metadata.nbgrader.locked = False


def rename(notebook: Any) -> None:
    notebook.metadata["d2lcourse"]["assignment"] = "other"


def lose_chapter(notebook: Any) -> None:
    notebook.metadata["d2lcourse"]["chapter"] = "detection/none"


def lose_minutes(notebook: Any) -> None:
    del notebook.metadata["d2lcourse"]["minutes"]


def bad_link(notebook: Any) -> None:
    notebook.cells[0].source += " [gone](../../gone.ipynb)"


def other_title(notebook: Any) -> None:
    notebook.cells[0].source = "# IoU"


def other_colab(notebook: Any) -> None:
    cell(notebook, "colab").source += "\n"


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        (drop_solution, "the answer q1 has no ### BEGIN SOLUTION"),
        (move_hidden_tests, "q1-tests: hidden tests stand in the cell that is named so"),
        (remove_hidden_cell, "question q2 has ['tests'], not one -tests and one -hidden cell"),
        (leave_output, "cell setup holds outputs"),
        (unlock, "cell q3-tests: its grade id is not its id, or it is not locked"),
        (rename, "d2lcourse.assignment is 'other', not the file's name"),
        (lose_chapter, "names 'detection/none', which is no chapter"),
        (lose_minutes, "the metadata are not the book's"),
        (bad_link, "links to ../../gone.ipynb, which does not exist"),
        (other_title, "does not begin with `# Assignment: `"),
        (other_colab, "the first code cell is not the Colab cell"),
    ],
)
def test_what_is_wrong_is_named(how: Callable[[Any], None], problem: str, root: Path) -> None:
    change(root, how)
    found = list(assignments.problems(root))
    assert any(problem in line and f"{SLUG}.ipynb" in line for line in found), found
    with pytest.raises(SystemExit, match=SLUG):
        assignments.make(root)


def test_mutants_have_to_be_there(root: Path) -> None:
    (root / "notebooks" / "assignments" / f"{SLUG}.mutants.yaml").unlink()
    assert any(
        "there is no iou-and-nms.mutants.yaml" in line for line in assignments.problems(root)
    )


def test_nbgrader_uses_the_folder_unchanged(tmp_path: Path) -> None:
    """An instructor's nbgrader releases and grades: full points for the reference."""
    from nbgrader.api import Gradebook
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    path = os.environ["PATH"]
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{path}"
    try:
        shutil.copytree(ROOT / "notebooks" / "assignments", tmp_path / "source")
        config = Config()
        config.CourseDirectory.root = str(tmp_path)
        config.CourseDirectory.db_url = f"sqlite:///{tmp_path / 'gradebook.db'}"
        config.ExecutePreprocessor.timeout = 120
        api = NbGraderAPI(CourseDirectory(config=config), config=config)
        assert set(assignments.slugs(ROOT)) == set(api.get_source_assignments())
        assert api.generate_assignment(SLUG)["success"]
        for student, version in {"ann": "source", "bob": "release"}.items():
            target = tmp_path / "submitted" / student / SLUG
            target.mkdir(parents=True)
            shutil.copy(tmp_path / version / SLUG / f"{SLUG}.ipynb", target)
            assert api.autograde(SLUG, student)["success"]
        with Gradebook(config.CourseDirectory.db_url) as gradebook:
            scores = {
                student: gradebook.find_submission(SLUG, student).score
                for student in ("ann", "bob")
            }
        assert scores == {"ann": 20, "bob": 0}
    finally:
        os.environ["PATH"] = path
    released = json.loads((tmp_path / "release" / SLUG / f"{SLUG}.ipynb").read_text())
    assert sorted(path.name for path in (tmp_path / "release" / SLUG).iterdir()) == [
        f"{SLUG}.ipynb"
    ]
    assert "HIDDEN" not in json.dumps(released)
