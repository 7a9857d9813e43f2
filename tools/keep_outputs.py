"""A pytest plugin: nbval runs the chapters, this keeps what they computed.

nbval executes each code cell as one test and throws the outputs away. This plugin writes a
notebook that passed from first cell to last to `_build/executed`, with its outputs and seconds.
After the last cell it runs the code in the exercises' folded solutions in the same kernel.
"""

from __future__ import annotations

import re
import signal
import time
from collections import defaultdict
from collections.abc import Generator, Iterator
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from tools import demos
from tools.notebooks import Book, code, solutions, write

ANSI = re.compile(r"\x1b\[[0-9;]*m")
DIFFERS = "Cell outputs differ"  # nbval's words for an output unlike the stored one


def pytest_configure(config: pytest.Config) -> None:
    # SIGTERM then ends the session as Ctrl-C does: the kernel is shut down, not abandoned.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.pluginmanager.register(Keeper(config))


class Chapter(IPyNbFile):
    """A notebook as nbval collects it, and behind its cells the code of its solutions."""

    def collect(self) -> Iterator[IPyNbCell]:
        # Not compared: PyTorch gives each of the files that a demo holds a number of its own.
        self.skip_compare = (*self.skip_compare, demos.MIME)  # type: ignore[has-type]
        yield from super().collect()
        count = len(code(self.nb))
        for number, source in enumerate(solutions(self.nb) if not self.compare_outputs else []):
            cell = nbformat.v4.new_code_cell(source)
            options: defaultdict[str, bool] = defaultdict(bool)
            yield IPyNbCell.from_parent(
                self,
                name=f"Solution {number}",
                cell_num=count + number,
                cell=cell,
                options=options,
            )


class Keeper:
    """Follows each notebook's cells and writes the notebook out when all of them passed."""

    def __init__(self, config: pytest.Config) -> None:
        self.started = time.perf_counter()
        self.book = Book(config.rootpath)
        self.keeping = config.option.nbval_lax
        self.keys: dict[IPyNbFile, str] = {}
        self.seconds: dict[IPyNbCell, float] = {}  # of the cells that passed
        self.broken: set[IPyNbFile] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
        found = yield
        return [
            Chapter.from_parent(parent, path=file_path) if isinstance(node, IPyNbFile) else node
            for node in found
        ]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        # Taken before the first cell runs: an edit made meanwhile leaves the copy stale.
        for item in session.items:
            if isinstance(item, IPyNbCell) and item.parent not in self.keys:
                self.keys[item.parent] = self.book.key(item.parent.nb)

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if item.parent in self.broken:
            pytest.skip("an earlier cell failed")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if isinstance(item, IPyNbCell) and call.when == "call":
            if report.passed:
                self.seconds[item] = round(call.duration, 3)
            elif call.excinfo and isinstance(call.excinfo.value, NbCellError):
                report.longrepr = explain(item, call.excinfo.value)
            if report.failed and not (call.excinfo and str(call.excinfo.value) == DIFFERS):
                self.broken.add(item.parent)
        return report

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        cells: dict[IPyNbFile, list[IPyNbCell]] = defaultdict(list)
        for item in session.items if self.keeping else []:
            if isinstance(item, IPyNbCell):
                cells[item.parent].append(item)
        for file, items in cells.items():
            if all(item in self.seconds for item in items):
                self.keep(file, items)

    def keep(self, file: IPyNbFile, items: list[IPyNbCell]) -> None:
        """Write the executed copy of one notebook; what its solutions print is not kept."""
        items = items[: len(code(file.nb))]
        for number, item in enumerate(items, start=1):
            # nbval compares nothing in a cell without a count, and would pass whatever it prints.
            item.cell.execution_count = number
            item.cell.outputs = item.test_outputs
            for output in item.cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = number
        file.nb.metadata["d2lcourse"] = {
            "key": self.keys[file],
            "seconds": round(time.perf_counter() - self.started, 2),
            "cells": [self.seconds[item] for item in items],
        }
        name = file.path.relative_to(self.book.root / "notebooks").with_suffix("").as_posix()
        write(self.book.executed(name), nbformat.writes(file.nb) + "\n")


def explain(item: IPyNbCell, error: NbCellError) -> str:
    """Return a failure in full: notebook, cell, source line, what happened, traceback."""
    cells = enumerate(item.parent.nb.cells, start=1)
    place = next((f"cell {n}" for n, cell in cells if cell is item.cell), "code of a solution")
    trace = ANSI.sub("", error.inner_traceback or "").strip()
    text = f"{item.path.relative_to(item.config.rootpath).as_posix()}, {place}"
    # The first frame that IPython reports is the one in this cell.
    frame = re.search(r"Cell In\[\d+\], line (\d+)", trace)
    lines = error.source.splitlines()
    if frame and int(frame[1]) <= len(lines):
        text += f", line {frame[1]}: {lines[int(frame[1]) - 1].strip()}"
    return f"{text}\n{error}\n\n{error.source}\n\n{trace}\n"
