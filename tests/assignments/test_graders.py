"""The graders are right: for every assignment, right solutions get all points, wrong ones do not.

Beside each assignment's folder, `<slug>.mutants.yaml` holds a right solution that is written
differently, and wrong ones, each with the tests that must fail it. All others must pass it.
"""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from d2lcourse.grade import Assignment, Limits, assemble
from d2lcourse.grade.assemble import grading, read_notebook, text
from d2lcourse.grade.contain import ContainmentError, check
from d2lcourse.grade.run import preload, run
from tools.assignments import release, slugs, source
from tools.notebooks import ROOT

SLUGS = slugs(ROOT)
try:
    check()
    CONTAINED = True
except ContainmentError:  # the answers here are ours, so they may be run where nothing holds them
    CONTAINED = False
Notebook = dict[str, Any]


def mutants(slug: str) -> dict[str, Any]:
    path = ROOT / "notebooks" / "assignments" / f"{slug}.mutants.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def every_mutant() -> list[Any]:
    return [
        pytest.param(slug, mutant, id=f"{slug}: {mutant['question']}, {mutant['name']}")
        for slug in SLUGS
        for mutant in mutants(slug)["mutants"]
    ]


@pytest.fixture(scope="session")
def students(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    release(ROOT, SLUGS, folder)
    return folder


def answers(notebook: Notebook) -> dict[str, str]:
    cells = notebook["cells"]
    return {grading(c)["grade_id"]: text(c) for c in cells if grading(c).get("solution")}


def with_answers(notebook: Notebook, new: dict[str, str]) -> Notebook:
    notebook = copy.deepcopy(notebook)
    for cell in notebook["cells"]:
        name = grading(cell).get("grade_id")
        if name in new:
            cell["source"] = new[name]
    return notebook


def failures(slug: str, submission: Notebook) -> dict[str, str]:
    """Return the error of every graded cell that a submission fails."""
    assignment = Assignment(source(ROOT, slug))
    steps, _ = assemble(assignment, submission)
    preload(assignment.modules)
    errors = run(steps, Limits(cell_seconds=30), contained=CONTAINED)
    return {test.name: errors[test.name] for test in assignment.tests if test.name in errors}


@pytest.mark.parametrize("slug", SLUGS)
def test_reference_gets_full_points(slug: str) -> None:
    assert failures(slug, read_notebook(source(ROOT, slug))) == {}


@pytest.mark.parametrize("slug", SLUGS)
def test_solution_written_differently_gets_full_points(slug: str) -> None:
    reference = read_notebook(source(ROOT, slug))
    alternative = mutants(slug)["alternative"]
    ours = answers(reference)
    assert set(alternative) == set(ours), "every question is answered differently"
    assert all(alternative[name].strip() != ours[name].strip() for name in ours)
    assert failures(slug, with_answers(reference, alternative)) == {}


@pytest.mark.parametrize("slug", SLUGS)
def test_student_version_fails_every_graded_cell(slug: str, students: Path) -> None:
    student = read_notebook(students / slug / f"{slug}.ipynb")
    content = "\n".join(text(cell) for cell in student["cells"])
    assert "BEGIN" not in content
    assert "HIDDEN" not in content
    assert content.count("raise NotImplementedError()") >= len(answers(student))
    found = failures(slug, student)
    assert set(found) == {test.name for test in Assignment(source(ROOT, slug)).tests}
    kinds = {error.split(":")[0] for error in found.values()}
    assert kinds <= {"NotImplementedError", "AssertionError"}, found


@pytest.mark.parametrize("slug", SLUGS)
def test_three_wrong_solutions_for_every_question(slug: str) -> None:
    count = Counter(mutant["question"] for mutant in mutants(slug)["mutants"])
    assert set(count) == set(answers(read_notebook(source(ROOT, slug))))
    assert min(count.values()) >= 3, count


@pytest.mark.parametrize(("slug", "mutant"), every_mutant())
def test_wrong_solution_loses_its_points(slug: str, mutant: dict[str, Any]) -> None:
    reference = read_notebook(source(ROOT, slug))
    question = mutant["question"]
    right = answers(reference)[question]
    if "answer" in mutant:
        wrong = mutant["answer"]
    else:
        assert right.count(mutant["replace"]) == 1, "`replace` occurs once in the reference"
        wrong = right.replace(mutant["replace"], mutant["by"])
    assert wrong.strip() != right.strip()
    found = failures(slug, with_answers(reference, {question: wrong}))
    assert mutant["loses"], "a wrong solution loses something"
    assert sorted(found) == sorted(mutant["loses"]), found
