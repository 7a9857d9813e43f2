"""Run the chapters that are stale, two at a time, and keep their outputs in _build/executed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from tools.notebooks import ROOT, Book, arguments, read, write

INTERRUPTED = 2  # pytest's exit status

# A kernel is given ports that were free a moment ago, and waits in vain if another program takes
# one of them. That says nothing about the chapter, so it is run once more.
NO_KERNEL = re.compile(r"Kernel didn't respond in|Kernel died before replying")


@dataclass
class Result:
    """What became of one chapter's run."""

    name: str
    ok: bool
    seconds: float
    report: str


@dataclass
class Runner:
    """Runs each chapter as a process of its own, so that one cannot disturb another."""

    book: Book
    compare: bool
    cell_timeout: float
    stopped: bool = False
    processes: set[subprocess.Popen[str]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, name: str) -> Result:
        """Run one chapter to its end, or to its first failing cell."""
        path = self.book.executed(name) if self.compare else self.book.source(name)
        start = time.perf_counter()
        status, report = self.execute(path)
        if status and NO_KERNEL.search(report):
            status, report = self.execute(path)
        if status == 1 and not self.compare:
            # A cell failed (2 is an interruption): what an earlier run kept is no longer true.
            self.book.executed(name).unlink(missing_ok=True)
        return Result(name, status == 0, time.perf_counter() - start, report)

    def execute(self, path: Path) -> tuple[int, str]:
        """Run one notebook in a process and return its exit status and what it printed."""
        with self.lock:
            if self.stopped:
                return INTERRUPTED, ""
            process = subprocess.Popen(
                self.command(str(path)),
                cwd=ROOT,  # where the plugin is imported from; the kernel starts by the notebook
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
            self.processes.add(process)
        report, _ = process.communicate()
        with self.lock:
            self.processes.discard(process)
        return process.returncode, report

    def command(self, path: str) -> list[str]:
        """Return the command that runs one notebook through nbval."""
        mode = "--nbval" if self.compare else "--nbval-lax"
        plugins = ["-p", "nbval", "-p", "tools.keep_outputs", "-p", "no:cacheprovider"]
        return [
            *(sys.executable, "-m", "pytest", *plugins, mode),
            *("-q", "-rN", "--no-header", "--color=no"),
            *("--nbval-current-env", f"--nbval-cell-timeout={self.cell_timeout}"),
            *(f"--rootdir={self.book.root}", "-c", str(ROOT / "pyproject.toml"), path),
        ]

    def stop(self) -> None:
        """End what runs. Each process shuts its kernel down; one that cannot is killed."""
        with self.lock:
            self.stopped = True
            running = list(self.processes)
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def environment() -> dict[str, str]:
    """Return the environment of a run: one thread, no progress bars, the demos' files kept."""
    fixed = {
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "D2LCOURSE_PROGRESS": "0",
        "D2LCOURSE_EMBED": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # nbval alone: half a second less per chapter
    }
    unwanted = ("MPLBACKEND", "PYTEST_ADDOPTS")
    return {name: value for name, value in os.environ.items() if name not in unwanted} | fixed


def choose(book: Book, names: list[str], everything: bool, compare: bool) -> list[str]:
    """Return the chapters to run, the longest first, so that no worker is left with it."""
    stale = [name for name in names if book.outputs(name) is None]
    if compare and stale:
        raise SystemExit(
            f"nothing to compare with: {', '.join(stale)} changed since the last run. "
            "Run `python -m tools.run` first."
        )
    chosen = names if everything or compare else stale
    return sorted(chosen, key=lambda name: last_seconds(book, name), reverse=True)


def last_seconds(book: Book, name: str) -> float:
    """Return how long the chapter took when it last passed; a new one counts as the longest."""
    path = book.executed(name)
    kept = read(path).metadata.get("d2lcourse", {}) if path.exists() else {}
    return float(kept.get("seconds", "inf"))


def run_all(runner: Runner, names: list[str], workers: int) -> list[Result]:
    """Run the chapters and tell of each as it ends."""
    results: list[Result] = []
    width = max(map(len, names), default=0)
    with ThreadPoolExecutor(workers) as pool:
        futures: list[Future[Result]] = [pool.submit(runner.run, name) for name in names]
        try:
            for future in as_completed(futures):
                result = future.result()
                results.append(result)
                count = f"[{len(results):{len(str(len(names)))}}/{len(names)}]"
                verdict = "" if result.ok else "   FAILED"
                print(f"{count} {result.name:{width}} {result.seconds:6.1f} s{verdict}", flush=True)
                if not result.ok:
                    print(result.report, flush=True)
        except KeyboardInterrupt:
            runner.stop()
            raise
    return results


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--all", action="store_true", help="run fresh chapters too")
    parser.add_argument(
        "--compare",
        action="store_true",
        help="run the executed copies again and compare every text output with the first run's",
    )
    parser.add_argument("--workers", type=int, default=2, help="chapters at a time (default: 2)")
    parser.add_argument(
        "--cell-timeout", type=float, default=300, help="seconds one cell may take (default: 300)"
    )
    options = parser.parse_args(argv)
    book = Book(options.root.resolve())
    names = book.chapters(options.part, options.notebook)
    chosen = choose(book, names, options.all, options.compare)
    if not chosen:
        print(f"{len(names)} chapters are up to date")
        return 0

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    start = time.perf_counter()
    try:
        runner = Runner(book, options.compare, options.cell_timeout)
        results = run_all(runner, chosen, options.workers)
    except KeyboardInterrupt:
        print("\ninterrupted; finished chapters are kept, the same command does the rest")
        return 130
    wall = time.perf_counter() - start
    failed = [result.name for result in results if not result.ok]
    total = sum(result.seconds for result in results)
    if options.all and len(names) == len(book.chapters()):
        record = {
            "wall_seconds": round(wall, 1),
            "workers": options.workers,
            "chapters": {result.name: round(result.seconds, 1) for result in results},
            "failed": failed,
        }
        write(book.root / "_build" / "run.json", json.dumps(record, indent=1) + "\n")
    verb = "compared" if options.compare else "run"
    if failed:
        print(f"failed: {', '.join(failed)}")
    print(
        f"{len(results)} chapters {verb}, {len(failed)} failed, "
        f"{wall:.1f} s of wall time ({total:.1f} s of chapters)"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
