"""Run a submission's cells in a contained process, and pass over the cells that bring it down."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from inspect import isfunction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from IPython.core.inputtransformer2 import TransformerManager

from d2lcourse.grade.assemble import Step, assemble, find_assignment, read_notebook
from d2lcourse.grade.contain import ContainmentError, Limits, check, contain
from d2lcourse.grade.report import Grade, Report

REASON = 300  # characters kept of an error
MESSAGE = 2**14  # bytes of one message from the process
DID_NOT_START = "the process for the submission did not start: run the command again"
NOT_STARTED = -1  # in the place of a cell's number
START_SECONDS = 120  # to start and contain the process, imports included

# A forked process has the libraries loaded already. Only Linux forks safely with torch loaded.
CONTEXT: Any = multiprocessing.get_context("fork" if sys.platform.startswith("linux") else "spawn")


def grade(
    path: Path,
    folder: Path,
    *,
    slug: str | None = None,
    limits: Limits | None = None,
    contained: bool = True,
) -> Report:
    """Grade one submission.

    Args:
        path: the submitted notebook.
        folder: holds ``<slug>/<slug>.ipynb`` of every assignment, with solutions and hidden tests.
        slug: which assignment it is; by default the notebook says so.
        limits: what the submission may use.
        contained: False runs it with the time limits alone.

    Returns:
        The report. A submission that cannot be read earns nothing, and the report says why.

    Raises:
        ValueError: there is no such assignment.
        ContainmentError: this machine cannot contain a submission, and `contained` is True.
    """
    if contained:
        check()
    start = time.perf_counter()
    submission, broken = None, ""
    try:
        submission = read_notebook(path)
    except ValueError as error:
        broken = str(error)
    assignment = find_assignment(folder, submission, path, slug)
    report = Report(str(path), assignment.slug)
    if submission is None:
        report.notes.append(broken)
        errors = {step.name: broken for step in assignment.tests}
    else:
        steps, report.notes = assemble(assignment, submission)
        preload(assignment.modules)
        errors = run(steps, limits or Limits(), contained)
        failed = [step.name for step in steps if step.kind == "answer" and step.name in errors]
        report.notes += [f"the answer cell {name} failed: {errors[name]}" for name in failed]
    for test in assignment.tests:
        reason = errors.get(test.name, "")
        report.grades.append(Grade(test.name, test.points, 0 if reason else test.points, reason))
    report.seconds = time.perf_counter() - start
    return report


def preload(modules: list[str]) -> None:
    """Import what the instructor's cells import, once for all submissions."""
    torch.set_num_threads(1)
    for name in ["d2lcourse", "matplotlib.pyplot", *modules]:  # d2l.setup imports pyplot
        importlib.import_module(name)


def run(steps: list[Step], limits: Limits, contained: bool) -> dict[str, str]:
    """Run the cells in order and return the error of each one that failed, by its name.

    A cell that runs out of time or ends the process is passed over, and the cells are run again
    from the first: the questions after it keep their points.
    """
    errors = {step.name: "the cell did not run" for step in steps}  # until it is seen to pass
    skip: set[int] = set()
    deadline = time.monotonic() + limits.total_seconds
    while True:
        failed_at, reason = _attempt(steps, skip, limits, contained, deadline, errors)
        if failed_at is None:
            return errors
        if time.monotonic() >= deadline:
            return errors | {step.name: reason for step in steps[failed_at:]}
        errors[steps[failed_at].name] = reason
        skip.add(failed_at)


def _attempt(
    steps: list[Step],
    skip: set[int],
    limits: Limits,
    contained: bool,
    deadline: float,
    errors: dict[str, str],
) -> tuple[int | None, str]:
    """Run what is not in `skip` in a fresh process; note errors.

    Returns:
        (None, "") if it came to the end, else the cell that brought it down and how.

    Raises:
        ContainmentError: the process could not be started or contained.
    """
    ours, theirs = CONTEXT.Pipe(duplex=False)
    arguments = (steps, skip, limits, contained, theirs)
    process = CONTEXT.Process(target=_child, args=arguments, daemon=True)
    process.start()
    theirs.close()
    current = NOT_STARTED
    patience: float = START_SECONDS
    try:
        while True:
            wait = min(patience, deadline - time.monotonic())
            if not ours.poll(max(wait, 0)):
                if wait < patience:
                    reason = f"the notebook ran longer than {limits.total_seconds:g} s"
                    return max(current, 0), reason
                if current == NOT_STARTED:
                    raise ContainmentError(DID_NOT_START)
                return current, f"the cell ran longer than {limits.cell_seconds:g} s: stopped"
            try:
                # JSON, never pickle: the bytes come from a process that runs a stranger's code.
                message = json.loads(ours.recv_bytes(MESSAGE))
                current, error = int(message["cell"]), message.get("error")
                if current == NOT_STARTED:
                    raise ContainmentError(str(error)[:REASON])
                if current == len(steps):
                    return None, ""
                name = steps[current].name
            except (EOFError, OSError, ValueError, LookupError, TypeError):
                process.join(5)
                if current == NOT_STARTED:
                    raise ContainmentError(DID_NOT_START) from None
                return current, _ending(process.exitcode)
            patience = limits.cell_seconds
            if error is not None:
                errors.pop(name, None)
                if error:
                    errors[name] = str(error)[:REASON]
    finally:
        _end(process)
        ours.close()


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"the cell brought Python down ({name})"
    return "the cell ended the program"


def _end(process: Any) -> None:
    """End the process and whatever it started."""
    if process.pid and hasattr(os, "killpg"):
        try:
            if os.getpgid(process.pid) == process.pid:  # it leads its own group, not ours
                os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.kill()
    process.join()
    process.close()


def _child(
    steps: list[Step], skip: set[int], limits: Limits, contained: bool, pipe: Connection
) -> None:
    """Run the cells; tell of each cell's start, of its end with its error, and of the last end."""
    if hasattr(os, "setsid"):
        os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.closerange(3, pipe.fileno())  # the grader's own files and connections
    os.closerange(pipe.fileno() + 1, 2**16)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115

    def tell(**message: Any) -> None:
        pipe.send_bytes(json.dumps(message).encode())

    tempfile.gettempdir()  # finds a folder while it can; libraries ask for one and seldom use it
    if contained:
        try:
            contain(limits)
        except ContainmentError as refusal:
            return tell(cell=NOT_STARTED, error=str(refusal))
    namespace: dict[str, Any] = {"__name__": "__main__"}
    namespace["get_ipython"] = lambda: Magics(namespace)
    original = Originals()
    given: dict[str, Any] = {}
    for number, step in enumerate(steps):
        if number in skip:
            continue
        tell(cell=number)
        if step.kind == "tests":
            original.restore()
            namespace.update(given)
        before = dict(namespace)
        error = _run_cell(step, namespace)
        if step.kind == "given":
            given |= {k: v for k, v in namespace.items() if before.get(k, given) is not v}
        tell(cell=number, error=error)
    tell(cell=len(steps))


def _run_cell(step: Step, namespace: dict[str, Any]) -> str:
    """Run one cell and return its error in one line; empty if there was none."""
    try:
        source = TransformerManager().transform_cell(step.source)
        exec(compile(source, f"<{step.name}>", "exec"), namespace)  # noqa: S102, our very task
    except BaseException as error:  # SystemExit too: it ends the cell, not the grading
        kind = type(error).__name__
        try:
            message = " ".join(str(error).split())[:REASON]
        except Exception:  # the submission's own class of errors may be broken
            message = ""
        return f"{kind}: {message}" if message else kind
    return ""


class Magics:
    """What a cell's `%magic` and `!command` do here: nothing, but that a cell magic's body runs."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace

    def run_cell_magic(self, name: str, line: str, body: str) -> None:
        exec(compile(body, f"<%%{name}>", "exec"), self.namespace)  # noqa: S102

    def run_line_magic(self, *arguments: Any, **options: Any) -> None:
        pass

    system = getoutput = run_line_magic


class Originals:
    """The libraries as they were before the submission ran, to undo what it redefined in them."""

    NAMES = (
        *("builtins", "math", "random", "operator", "numpy", "numpy.linalg", "numpy.testing"),
        *("torch", "torch.autograd", "torch.linalg", "torch.nn", "torch.nn.functional"),
        *("torch.testing", "d2lcourse", "d2lcourse.checks"),
    )

    def __init__(self) -> None:
        modules = [vars(sys.modules[name]) for name in self.NAMES if name in sys.modules]
        self.modules = [(now, dict(now)) for now in modules]
        self.tensor = dict(vars(torch.Tensor))
        functions = (f for module in modules for f in module.values() if isfunction(f))
        self.functions = [(f, f.__code__, f.__defaults__, f.__kwdefaults__) for f in functions]

    def restore(self) -> None:
        for now, then in self.modules:
            now.update(then)
        for name in set(vars(torch.Tensor)) - set(self.tensor):  # would hide an inherited method
            delattr(torch.Tensor, name)
        for name, value in self.tensor.items():
            if vars(torch.Tensor).get(name) is not value:
                setattr(torch.Tensor, name, value)
        for function, code, defaults, kwdefaults in self.functions:
            function.__code__, function.__defaults__ = code, defaults
            function.__kwdefaults__ = kwdefaults
