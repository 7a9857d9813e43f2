"""Chapters run for real: what is kept, what is reported, what an interruption leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from tools.demos import MIME
from tools.notebooks import ROOT, Book, code
from tools.run import Runner, main

# A figure of other bytes in every run, with the same text beside it.
RANDOM_FIGURE = """\
import base64, os
from IPython.display import display
png = base64.b64encode(os.urandom(24)).decode()
display({"image/png": png, "text/plain": "<Figure>"}, raw=True)"""


def run(book: Book, *options: str, cwd: Path | None = None, **popen: object) -> tuple[int, str]:
    """Run `python -m tools.run` on the small checkout; return its exit code and what it printed."""
    process = start(book, *options, cwd=cwd, **popen)
    output, _ = process.communicate(timeout=240)
    return process.returncode, output


def start(book: Book, *options: str, cwd: Path | None = None, **popen) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tools.run", "--root", str(book.root), *options],
        cwd=cwd or ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **popen,
    )


EXERCISE = """\
# Exercise

```python
this is not run
```

<details>
<summary>Solution</summary>

```python
y = x + 1
print("the solution ran")
assert y == {result}
```

</details>"""


def test_the_code_of_solutions_is_run_but_not_kept(book, add):
    add("first/one", "# Title", "x = 1", EXERCISE.format(result=2))
    add("first/two", "# Title", "x = 1", EXERCISE.format(result=3))

    status, output = run(book)

    assert status == 1
    assert "notebooks/first/two.ipynb, code of a solution, line 3: assert y == 3" in output
    assert "2 chapters run, 1 failed" in output.splitlines()[-1]
    kept = book.outputs("first/one")
    assert kept is not None
    assert "the solution ran" not in str([cell.outputs for cell in code(kept)])
    assert len(kept.metadata["d2lcourse"]["cells"]) == len(code(kept)) == 1
    # A mended solution is a change; the comparison with the first run leaves solutions out.
    assert run(book, "--compare", "--notebook", "first/one")[0] == 0
    add("first/one", "# Title", "x = 1", EXERCISE.format(result=4))
    assert book.outputs("first/one") is None


def test_a_failing_cell_is_reported_and_the_other_chapters_are_kept(book, add, execute, tmp_path):
    add("first/one", "# Title", "import os", "print(os.path.basename(os.getcwd()))\n6 * 7")
    add(
        "first/two",
        "# Title",
        "def invert(x):\n    return 1 / x",
        "zero = 0\ninvert(zero)",
        f"open({str(tmp_path / 'went-on')!r}, 'w')",
    )
    add("second/three", "print('fresh')", "1 / 0", tags={1: ["raises-exception"]})
    execute("first/two")  # an earlier good run of the same code
    execute("second/three", text="from an earlier run\n")

    # From another working directory: each chapter still runs in its own folder.
    status, output = run(book, "--all", cwd=tmp_path)

    assert status == 1, output
    assert "notebooks/first/two.ipynb, cell 3, line 2: invert(zero)" in output
    assert "ZeroDivisionError: division by zero" in output
    assert "return 1 / x" in output  # the traceback goes down to the cause
    assert "3/3]" in output
    assert "3 chapters run, 1 failed" in output.splitlines()[-1]
    assert not (tmp_path / "went-on").exists()
    assert not book.executed("first/two").exists()

    kept = book.outputs("first/one")
    assert kept is not None
    assert [cell.execution_count for cell in code(kept)] == [1, 2]
    stream, result = code(kept)[1].outputs
    assert stream.text == "first\n"
    assert result.data["text/plain"] == "42"
    assert result.execution_count == 2
    assert len(kept.metadata["d2lcourse"]["cells"]) == 2
    assert kept.metadata["d2lcourse"]["seconds"] > sum(kept.metadata["d2lcourse"]["cells"])
    again = book.outputs("second/three")
    assert code(again)[0].outputs[0].text == "fresh\n"
    assert code(again)[1].outputs[0].ename == "ZeroDivisionError"
    nbformat.validate(again)
    assert '"wall_seconds"' in (book.root / "_build" / "run.json").read_text()


def test_nothing_runs_when_nothing_changed(book, add, execute, capsys):
    add("first/one", "raise SystemError")
    execute("first/one")
    assert main(["--root", str(book.root)]) == 0
    assert capsys.readouterr().out == "1 chapters are up to date\n"


# A demo holds files in which PyTorch writes a number of its own at every run.
DEMO = f"""import os
from IPython.display import display
display({{"text/plain": "Demo", "{MIME}": {{"pt2": os.urandom(8).hex()}}}}, raw=True)"""


def test_compare_finds_text_that_differs_and_lets_figures_timings_and_demos_be(book, add):
    timing = "import time\nprint(time.perf_counter())"
    add("first/one", RANDOM_FIGURE, timing, DEMO, tags={1: ["nbval-ignore-output"]})
    add("first/two", "print('same')", "import os\nprint(os.urandom(8))", "print('still run')")
    status, output = run(book)
    assert status == 0, output
    status, output = run(book, "--compare")
    assert status == 1
    assert "failed: first/two" in output
    assert "notebooks" not in output.split("FAILED")[0]
    assert "first/two.ipynb, cell 2" in output
    assert "Cell outputs differ" in output
    assert "1 failed, 2 passed" in output  # the cell after it was run, not skipped
    assert book.outputs("first/two") is not None  # a comparison changes nothing


@pytest.mark.parametrize(
    ("first", "runs"),
    [("Kernel didn't respond in 60 seconds", 2), ("Cell execution caused an exception", 1)],
)
def test_a_kernel_that_does_not_start_is_tried_once_more(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, runs: int
) -> None:
    """The stand-in for nbval prints `first` and fails at first, and then succeeds."""
    script = (
        "import sys, pathlib; log = pathlib.Path(sys.argv[1]); count = len(log.read_text())\n"
        "log.write_text('x' * (count + 1)); print('once more' if count else sys.argv[2])\n"
        "sys.exit(0 if count else 1)"
    )
    log = tmp_path / "log"
    log.write_text("")
    command = [sys.executable, "-c", script, str(log), first]
    monkeypatch.setattr(Runner, "command", lambda self, path: command)
    result = Runner(book, compare=False, cell_timeout=9).run("first/one")
    assert len(log.read_text()) == runs
    assert result.ok == (runs == 2)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_finished_chapters_and_leaves_no_kernel(book, add, tmp_path, kind):
    note = tmp_path / "kernel-pid"
    add("first/one", "print('done')")
    pid = f"import os, pathlib, time\npathlib.Path({str(note)!r}).write_text(str(os.getpid()))"
    add("first/two", pid, "time.sleep(120)")
    # Tests that run in the background inherit an ignored SIGINT; a run at a keyboard does not.
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    process = start(book, preexec_fn=heed)
    wait_for(lambda: book.executed("first/one").exists() and note.exists() and note.read_text())
    process.send_signal(kind)
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 130, output
    assert "interrupted; finished chapters are kept" in output
    assert book.outputs("first/one") is not None
    assert not book.executed("first/two").exists()
    wait_for(lambda: not alive(int(note.read_text())), seconds=30)


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file size are POSIX")
def test_a_chapter_whose_outputs_do_not_fit_on_the_disk_says_so(book, add):
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    add("first/one", "print('x' * 200_000)")
    status, output = run(book, preexec_fn=limit)
    assert status == 1
    assert "one.ipynb could not be written (File too large). What was there before" in output
    folder = book.root / "_build" / "executed" / "first"
    assert list(folder.iterdir()) == []


def test_a_cell_that_takes_too_long_is_stopped(book, add):
    add("first/one", "import time\ntime.sleep(60)")
    status, output = run(book, "--cell-timeout", "1")
    assert status == 1
    assert "Timeout of 1 seconds exceeded" in output
    assert "notebooks/first/one.ipynb, cell 1, line 2: time.sleep(60)" in output


def test_help_says_what_it_does(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    output = capsys.readouterr().out
    assert "Run the chapters that are stale" in output
    assert "--compare" in output


def wait_for(condition: Callable[[], object], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
