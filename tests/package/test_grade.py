"""Grading survives what students hand in, by accident or on purpose, and says what happened."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from d2lcourse.grade import Limits, Report, grade
from d2lcourse.grade.__main__ import main
from d2lcourse.grade.contain import ContainmentError, check

try:
    check()
except ContainmentError as error:
    if os.environ.get("CI") == "true":
        raise
    pytest.skip(str(error), allow_module_level=True)

LIMITS = Limits(cell_seconds=4, total_seconds=60, memory_mib=512)
RIGHT = "def double(x):\n    return 2 * x"
SETUP = "import torch\n\nimport d2lcourse as d2l"
DOUBLE_TEST = 'd2l.check_close(double(torch.ones(2)), [2, 2], "double")'
TRIPLE_TEST = 'd2l.check_close(triple(torch.ones(2)), [3, 3], "triple")'
HIDDEN_TEST = (
    "# Further tests.\n### BEGIN HIDDEN TESTS\n"
    'd2l.check_close(triple(torch.tensor([-1.0])), [-3], "triple of -1")\n'
    "### END HIDDEN TESTS"
)


def cell(source: str, kind: str, name: str, points: float | None = None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "grade": kind == "tests",
        "grade_id": name,
        "locked": kind != "answer",
        "schema_version": 3,
        "solution": kind == "answer",
        "task": False,
    }
    if points is not None:
        data["points"] = points
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"nbgrader": data},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def added(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}


def notebook(double: str = RIGHT, triple: str = "def triple(x):\n    return 3 * x") -> Any:
    cells = [
        cell(SETUP, "given", "setup"),
        cell(double, "answer", "q1"),
        cell(DOUBLE_TEST, "tests", "q1-tests", 2),
        cell(triple, "answer", "q2"),
        cell(TRIPLE_TEST, "tests", "q2-tests", 1),
        cell(HIDDEN_TEST, "tests", "q2-hidden", 3),
    ]
    metadata = {"d2lcourse": {"assignment": "toy", "chapter": "none", "minutes": 60}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture(scope="module")
def assignments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    (folder / "toy").mkdir()
    (folder / "toy" / "toy.ipynb").write_text(json.dumps(notebook()))
    return folder


@pytest.fixture
def graded(assignments: Path, tmp_path: Path) -> Callable[..., Report]:
    def run(submission: Any, limits: Limits = LIMITS) -> Report:
        path = tmp_path / "handed-in.ipynb"
        if isinstance(submission, bytes):
            path.write_bytes(submission)
        else:
            path.write_text(json.dumps(submission))
        slug = "toy" if isinstance(submission, bytes) else None
        return grade(path, assignments, slug=slug, limits=limits)

    return run


def test_right_answers_earn_everything(graded: Callable[..., Report]) -> None:
    report = graded(notebook())
    assert (report.earned, report.points, report.notes) == (6, 6, [])
    assert report.table().splitlines()[0].endswith("s)")
    assert report.as_json()["grades"][2] == {
        "tests": "q2-hidden",
        "points": 3.0,
        "earned": 3.0,
        "reason": "",
    }


def test_each_miss_has_its_reason(graded: Callable[..., Report]) -> None:
    report = graded(notebook(triple="def triple(x):\n    return 3 * x.abs()"))
    assert [grade.earned for grade in report.grades] == [2, 1, 0]
    assert report.grades[2].reason.startswith("AssertionError: triple of -1: 1 of 1 values differ")
    assert "triple of -1" in report.table()


# The body of `triple`, and what the reason must say. The first question keeps its points.
HOSTILE = {
    "endless loop": ("while True: pass", "ran longer than 4 s"),
    "endless loop that catches all": (
        "while True:\n        try:\n            while True: pass\n"
        "        except BaseException: pass",
        "ran longer than 4 s",
    ),
    "fork bomb": ("import os\n    while True: os.fork()", "PermissionError"),
    "programs": ("import subprocess\n    subprocess.run(['true'])", "PermissionError"),
    "shell": (
        "import os\n    return 3 * x if os.system('true') == 0 else x",
        "AssertionError: triple",
    ),
    "threads": (
        "import threading, time\n    while True:\n"
        "        threading.Thread(target=time.sleep, args=(99,), daemon=True).start()",
        "start new thread",
    ),
    "giant tensor": ("torch.ones(2**36)", "allocate"),
    "giant list": ("return [0] * 2**40", "MemoryError"),
    "growing list": ("a = []\n    while True: a.append(bytes(2**24))", "MemoryError"),
    "network": (
        "import socket\n    socket.create_connection(('127.0.0.1', 9), 1)",
        "PermissionError",
    ),
    "writes a file": ("open('{folder}/mine', 'w')", "PermissionError"),
    "changes a file": ("open('{folder}/keep', 'a')", "PermissionError"),
    "removes a file": ("import os\n    os.remove('{folder}/keep')", "PermissionError"),
    "renames a file": (
        "import os\n    os.rename('{folder}/keep', '{folder}/k')",
        "PermissionError",
    ),
    "kills the grader": ("import os\n    os.kill(os.getppid(), 9)", "PermissionError"),
    "raises its limits": (
        "import resource as r\n    r.setrlimit(r.RLIMIT_CPU, (-1, -1))\n    return 3 * x",
        "not allowed",
    ),
    "sys.exit": ("import sys\n    sys.exit(0)", "SystemExit: 0"),
    "os._exit": ("import os\n    os._exit(0)", "ended the program"),
    "segmentation fault": ("import ctypes\n    ctypes.string_at(0)", "SIGSEGV"),
    "abort": ("import os\n    os.abort()", "SIGABRT"),
    "interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "deep recursion": ("return triple(x)", "RecursionError"),
    "asks for input": ("return float(input()) * x", "EOFError"),
    "error without text": (
        "class Odd(Exception):\n        def __str__(self): raise self\n    raise Odd",
        "Odd",
    ),
    "endless error": ("raise ValueError('x' * 10**7)", "ValueError: xxx"),
    "endless output": (
        "import sys\n    for _ in range(10**6): print('x' * 99)\n    return 3 * x.abs()",
        "triple of -1",
    ),
    "closes its channels": ("import os\n    os.closerange(0, 999)", "ended the program"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answer_costs_only_its_own_points(
    name: str, graded: Callable[..., Report], tmp_path: Path
) -> None:
    body, reason = HOSTILE[name]
    keep = tmp_path / "keep"
    keep.write_text("kept")
    source = "def triple(x):\n    " + body.replace("{folder}", str(tmp_path))
    start = time.perf_counter()
    report = graded(notebook(triple=source))
    assert time.perf_counter() - start < 40
    assert report.grades[0].earned == 2
    assert report.grades[2].earned == 0
    assert reason in report.grades[2].reason
    assert len(report.grades[2].reason) <= 400
    assert sorted(path.name for path in tmp_path.iterdir()) == ["handed-in.ipynb", "keep"]
    assert keep.read_text() == "kept"


def test_answer_may_use_an_optimizer(graded: Callable[..., Report]) -> None:
    """PyTorch loads parts of itself late, and these ask for a folder for temporary files."""
    source = (
        "def triple(x):\n    w = torch.nn.Parameter(torch.tensor(2.0))\n"
        "    optimizer = torch.optim.SGD([w], lr=1.0)\n    (-w).backward()\n"
        "    optimizer.step()\n    return w.detach() * x"
    )
    assert graded(notebook(triple=source), Limits(memory_mib=1024)).earned == 6


def test_broken_containment_is_no_grade(
    graded: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ContainmentError("no such call")

    monkeypatch.setattr("d2lcourse.grade.contain._filter_system_calls", fail)
    with pytest.raises(ContainmentError, match="no such call"):
        graded(notebook())


def test_no_process_is_left(graded: Callable[..., Report]) -> None:
    graded(notebook(triple="import time\ntime.sleep(99)"), Limits(cell_seconds=1))
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_question_after_an_endless_cell_keeps_its_points(graded: Callable[..., Report]) -> None:
    report = graded(notebook(double=RIGHT + "\nwhile True: pass"))
    assert [grade.earned for grade in report.grades] == [0, 1, 3]
    assert report.notes == ["the answer cell q1 failed: the cell ran longer than 4 s: stopped"]


def test_time_for_the_whole_notebook(graded: Callable[..., Report]) -> None:
    limits = Limits(cell_seconds=30, total_seconds=3)
    report = graded(notebook(double="while True: pass"), limits)
    assert report.earned == 0
    assert report.grades[2].reason == "the notebook ran longer than 3 s"


def test_deleted_test_cells_are_run_all_the_same(graded: Callable[..., Report]) -> None:
    submission = notebook(triple="def triple(x):\n    return x")
    del submission["cells"][4:]
    report = graded(submission)
    assert [grade.earned for grade in report.grades] == [2, 0, 0]
    assert "the test cell q2-tests is missing from the submission: ours was run" in report.notes


def test_edited_tests_and_points_change_nothing(graded: Callable[..., Report]) -> None:
    submission = notebook(double="def double(x):\n    return x")
    submission["cells"][2]["source"] = "pass"
    submission["cells"][2]["metadata"]["nbgrader"]["points"] = 1000
    report = graded(submission)
    assert (report.earned, report.points) == (4, 6)
    assert report.notes == [
        "the points of q1-tests were edited: it counts 2",
        "the test cell q1-tests was edited: ours was run",
    ]


@pytest.mark.parametrize(
    "trick",
    [
        "d2l.check_close = lambda *a, **k: None",
        "d2l.check_close.__code__ = (lambda *a, **k: None).__code__",
        "d2l.check_close.__kwdefaults__ = {'atol': 99.0, 'rtol': 0.0}",
        "class d2l:\n    check_close = staticmethod(lambda *a, **k: None)",
        "import numpy\nnumpy.asarray = lambda *a: numpy.zeros(2)",
        "torch.Tensor.to = lambda x, *a: torch.full((len(x),), 6.0 * len(x) - 9).double()",
    ],
)
def test_redefined_helpers_help_nobody(trick: str, graded: Callable[..., Report]) -> None:
    wrong = "def triple(x):\n    return x - x\n"
    report = graded(notebook(triple=wrong + trick))
    assert [grade.earned for grade in report.grades] == [2, 0, 0]


def test_missing_answer_and_added_cells(graded: Callable[..., Report]) -> None:
    submission = notebook()
    del submission["cells"][3]
    report = graded(submission)
    assert [grade.earned for grade in report.grades] == [2, 0, 0]
    assert "the answer cell q2 is missing" in report.notes
    submission["cells"].insert(3, added("def triple(x):\n    return helper(x)"))
    submission["cells"].insert(1, added("raise ValueError('only a try')"))
    submission["cells"].insert(1, added("def helper(x):\n    return 3 * x"))
    assert graded(submission).earned == 6


def test_magic_and_shell_lines_are_passed_over(graded: Callable[..., Report]) -> None:
    submission = notebook(double=f"%%time\n{RIGHT}", triple="%pip install x\ntriple = 3 .__mul__")
    submission["cells"].append(added("!rm -rf /\nfiles = !ls\n%matplotlib inline"))
    report = graded(submission)
    assert report.earned == 6 - 4  # an int's product with a tensor is NotImplemented
    assert "NotImplemented" in report.grades[1].reason


def test_syntax_error_is_the_reason(graded: Callable[..., Report]) -> None:
    report = graded(notebook(triple="def triple(x)\n    return 3 * x"))
    assert report.grades[0].earned == 2
    assert report.grades[1].reason == "NameError: name 'triple' is not defined"
    assert report.notes[0].startswith("the answer cell q2 failed: SyntaxError: expected ':'")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"just text", "not JSON"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "not JSON"),
        (b'{"cells": [', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no list of cells"),
        (b'{"worksheets": []}', "no list of cells"),
        (b'{"cells": [1]}', "no list of cells"),
        (b'{"cells": [{"cell_type": "code"}]}', "no list of cells"),
        (b'{"cells": [{"source": [1], "metadata": {}}]}', "no list of cells"),
        (b" " * (11 * 2**20), "larger than 10 MiB"),
    ],
)
def test_what_is_no_notebook_gets_no_points_and_a_reason(
    content: bytes, reason: str, graded: Callable[..., Report]
) -> None:
    report = graded(content)
    assert (report.earned, report.points) == (0, 6)
    assert reason in report.notes[0]
    assert all(reason in grade.reason for grade in report.grades)


@pytest.mark.parametrize(
    "cells",
    [
        [],
        [{"cell_type": "code", "metadata": {"nbgrader": 3}, "source": "x = 1"}],
        [{"cell_type": "code", "metadata": {"nbgrader": {"grade_id": [1]}}, "source": ["x", "=1"]}],
    ],
)
def test_odd_notebooks_are_graded(cells: list[Any], graded: Callable[..., Report]) -> None:
    submission = notebook() | {"cells": cells}
    report = graded(submission)
    assert (report.earned, report.points) == (0, 6)
    assert "the answer cell q1 is missing" in report.notes


def test_command_line(
    assignments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.ipynb", tmp_path / "toy.ipynb"
    good.write_text(json.dumps(notebook()))
    bad.write_text("nothing")
    result = tmp_path / "result.json"
    arguments = ["--assignments", str(assignments), "--json", str(result)]
    assert main([str(good), str(bad), *arguments]) == 0
    out = capsys.readouterr().out
    assert "good.ipynb: toy, 6 of 6 points" in out
    assert "toy.ipynb: toy, 0 of 6 points" in out
    assert [report["earned"] for report in json.loads(result.read_text())] == [6, 0]


def test_command_line_says_what_it_cannot_do(
    assignments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "toi.ipynb"
    path.write_text(json.dumps(notebook() | {"metadata": {}}))
    assert main([str(path), "--assignments", str(assignments)]) == 2
    assert "Did you mean 'toy'?" in capsys.readouterr().err
    assert main([str(path), "--assignments", str(tmp_path)]) == 2
    assert "there are no assignments in" in capsys.readouterr().err
    named = [str(path), "--assignments", str(assignments), "--assignment", "toy"]
    assert main(named) == 0
    (tmp_path / "taken").mkdir()
    with pytest.raises(SystemExit, match="taken cannot be written"):
        main([*named, "--json", str(tmp_path / "taken")])
    assert [found.name for found in tmp_path.glob("*.part")] == []


def test_no_containment_no_grading(
    assignments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "toy.ipynb"
    path.write_text(json.dumps(notebook()))
    monkeypatch.setattr("d2lcourse.grade.contain.sys.platform", "darwin")
    with pytest.raises(ContainmentError, match="--uncontained"):
        grade(path, assignments)
    assert grade(path, assignments, contained=False).earned == 6
