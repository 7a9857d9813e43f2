"""Run everything that must hold, step by step, and end with one line of what passed.

A step that fails does not stop the others. Tests and chapters count one each, and so does every
step that has no count of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from tools.notebooks import ROOT

REPORTS = ROOT / "_build" / "reports"
CHAPTERS = ROOT / "_build" / "run.json"

PACKAGE = (
    "pytest tests/package d2lcourse --doctest-modules "
    "--cov=d2lcourse --cov-report=term:skip-covered --cov-fail-under=90"
)
STEPS = {
    "lint": "ruff check .",
    "format": "ruff format --check .",
    "types": "mypy",
    "package": PACKAGE,
    "tools": "pytest tests/tools",
    "graders": "pytest tests/assignments",
    "chapters": "tools.run --all",
    "conventions": "tools.check",
    "book": "tools.build",
    "site": "pytest tests/site",
}


def run_step(name: str, command: str) -> Counter[str]:
    """Run one step and return how many of its checks passed, failed and were skipped."""
    report = REPORTS / f"{name}.xml"
    is_pytest = command.startswith("pytest")
    extra = [f"--junitxml={report}"] if is_pytest else []
    print(f"\n=== {name}: {command}", flush=True)
    status = subprocess.run(
        [sys.executable, "-m", *command.split(), *extra],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    ).returncode
    if name == "chapters" and CHAPTERS.exists():
        counts = count_chapters(CHAPTERS)
    elif is_pytest and report.exists():
        counts = count_tests(report)
    else:
        counts = Counter(passed=int(status == 0))
    if status and not counts["failed"]:  # no test failed, yet the step did: coverage, a crash
        counts["failed"] = 1
    return counts


def count_tests(report: Path) -> Counter[str]:
    """Count the tests in pytest's JUnit report."""
    counts: Counter[str] = Counter()
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):  # noqa: S314, our own file
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        total = int(suite.get("tests", 0))
        counts += Counter(passed=total - failed - skipped, failed=failed, skipped=skipped)
    return counts


def count_chapters(record: Path) -> Counter[str]:
    """Count the chapters in the record that `tools.run --all` leaves."""
    run = json.loads(record.read_text(encoding="utf-8"))
    failed = len(run["failed"])
    return Counter(passed=len(run["chapters"]) - failed, failed=failed)


def main() -> int:
    start = time.perf_counter()
    REPORTS.mkdir(parents=True, exist_ok=True)
    for old in (CHAPTERS, *REPORTS.iterdir()):
        old.unlink(missing_ok=True)
    results = {name: run_step(name, command) for name, command in STEPS.items()}
    total: Counter[str] = sum(results.values(), Counter())
    failed = [name for name, counts in results.items() if counts["failed"]]
    print(
        f"\n{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped "
        f"in {time.perf_counter() - start:.0f} s" + (f": see {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
