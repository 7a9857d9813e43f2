"""Grade submitted notebooks: ``python -m d2lcourse.grade submission.ipynb``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from d2lcourse.grade.contain import ContainmentError, Limits
from d2lcourse.grade.run import grade

CHECKOUT = Path(__file__).resolve().parents[2] / "notebooks" / "assignments"


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m d2lcourse.grade", description=__doc__)
    result.add_argument("submissions", nargs="+", type=Path, help="notebooks that students sent")
    result.add_argument(
        "--assignments",
        type=Path,
        help="folder with <slug>/<slug>.ipynb, solutions and hidden tests included "
        "(default: notebooks/assignments here, or beside the package)",
    )
    result.add_argument("--assignment", help="the assignment's slug (default: the notebook's own)")
    result.add_argument("--json", type=Path, help="write the results to this file too")
    result.add_argument("--cell-seconds", type=float, default=Limits.cell_seconds)
    result.add_argument("--total-seconds", type=float, default=Limits.total_seconds)
    result.add_argument("--memory-mib", type=int, default=Limits.memory_mib)
    result.add_argument(
        "--uncontained",
        action="store_true",
        help="run with time limits only, for work you trust: needed where there is no Linux",
    )
    return result


def main(argv: list[str] | None = None) -> int:
    """Grade and print. Returns 0 however few points were earned, 2 if something was not graded."""
    options = parser().parse_args(argv)
    here = Path("notebooks/assignments")
    folder = options.assignments or (here if here.is_dir() else CHECKOUT)
    limits = Limits(options.cell_seconds, options.total_seconds, options.memory_mib)
    reports, status = [], 0
    for path in options.submissions:
        try:
            report = grade(
                path,
                folder,
                slug=options.assignment,
                limits=limits,
                contained=not options.uncontained,
            )
        except ContainmentError as error:
            print(error, file=sys.stderr)
            return 2
        except ValueError as error:
            print(error, file=sys.stderr)
            status = 2
            continue
        reports.append(report)
        print(report.table(), flush=True)
    if options.json:
        write(options.json, json.dumps([report.as_json() for report in reports], indent=1) + "\n")
    return status


def write(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    except OSError as error:
        raise SystemExit(f"{path} cannot be written ({error.strerror}): choose another") from error
    finally:
        unfinished.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
