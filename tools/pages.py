"""Write the book's generated pages: run times, glossary, topic map, data cards and API.

    python -m tools.pages [FOLDER]

The pages are made from the repository and from what the last run kept. Those that need the helper
package imported (data cards, API, the landing page's picture) come from `tools.package_pages`,
which runs only when the package has changed.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import html
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tools import assignments, notebooks
from tools.notebooks import ROOT, Book, listed_chapters
from tools.rules import EXERCISE

Row = dict[str, str]

EDIT_NOTE = "<!-- Written by tools/pages.py: edit its sources, not this page. -->\n\n"


def write(src: Path, root: Path) -> None:
    """Write every generated page into ``src/book``.

    Args:
        src: the folder that the site is built from.
        root: the checkout; read only, but for the cache under ``_build/pages``.

    Raises:
        SystemExit: the pages that need the helper package could not be made.
    """
    pages: dict[str, Callable[[Path], str]] = {
        "run-times.md": run_times,
        "glossary.md": glossary,
        "topic-map.md": topic_map,
        "progress.md": progress,
        "assignments.md": assignments.page,
    }
    for name, page in pages.items():
        notebooks.write(src / "book" / name, page(root))
    from tools import plan_pages  # which needs this module

    for name, text in plan_pages.files(root).items():
        folder = src if name.endswith(".md") else src / "extra"  # extra: files to download
        notebooks.write(folder / "book" / name, text)
    for path in package_pages(root):
        notebooks.write(src / "book" / path.name, path.read_bytes())


def package_pages(root: Path) -> list[Path]:
    """Return the pages made from the helper package, made anew only when it has changed."""
    recipe = root / "tools" / "package_pages.py"
    key = hashlib.sha256(Book(root).inputs.encode() + recipe.read_bytes()).hexdigest()[:16]
    cache = root / "_build" / "pages"
    folder = cache / key
    if not folder.exists():
        shutil.rmtree(cache, ignore_errors=True)
        unfinished = cache / f"{key}.part"
        unfinished.mkdir(parents=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("D2LCOURSE_")}
        environment |= {"MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tools.package_pages", str(unfinished.resolve())]
        if subprocess.run(command, cwd=root, env=environment).returncode:
            raise SystemExit("the data cards and the API page could not be made: see above")
        unfinished.rename(folder)
    return sorted(folder.iterdir())


def run_times(root: Path) -> str:
    """Return the page of what each chapter took when it was last run."""
    titles = {row["chapter"]: row["title"] for row in read_csv(root / "data" / "chapters.csv")}
    lines, total, count = [], 0.0, 0
    for name in listed_chapters(root):
        seconds = kept_seconds(Book(root).executed(name))
        lines.append(
            f"| {chapter_link(name, titles.get(name, name))} | "
            f"{'not run yet' if seconds is None else f'{seconds:.1f}'} |"
        )
        total, count = total + (seconds or 0.0), count + (seconds is not None)
    machine = "\n".join(f"- {name}: {value}" for name, value in machine_facts().items())
    return f"""{EDIT_NOTE}# Run times

Every output in this book was computed by running the chapter from its first cell to its last.
These are the seconds of wall time that each took at small scale, on one thread, starting Python
and importing the libraries included.

| Chapter | Seconds |
| --- | ---: |
{chr(10).join(lines)}
| **{count} of {len(lines)} chapters** | **{total:.1f}** |

The machine:

{machine}

Chapters run two at a time, so the wait is shorter than the sum. Run the book on your own machine
with `make book`, and this page shows your times.
"""


def glossary(root: Path) -> str:
    """Return the English-Chinese glossary, an anchor ``term-…`` for each term."""
    rows = read_csv(root / "data" / "glossary.csv")
    titles = {row["chapter"]: row["title"] for row in read_csv(root / "data" / "chapters.csv")}
    done = set(finished_chapters(root))
    letters: dict[str, list[str]] = {}
    for row in rows:
        chapter = row["chapter"]
        title = titles[chapter]
        where = chapter_link(chapter, title) if chapter in done else title
        lines = [row["english"], f"  {chinese(row['chinese'])} · {where}"]
        lines += ["", f"  {row['definition']}", "", f"  {chinese(row['definition_zh'])}"]
        letters.setdefault(row["english"][0].upper(), []).append("\n".join(lines))
    sections = []
    for letter, entries in letters.items():
        terms = "\n\n".join(entries)
        sections.append(f"## {letter}\n\n```{{glossary}}\n{terms}\n```\n")
    body = "\n".join(sections)
    return f"""{EDIT_NOTE}# Glossary

{len(rows)} terms of the chapters so far, in English and Chinese, each with the chapter that
explains it.

{body}"""


def topic_map(root: Path) -> str:
    """Return the map of every topic the book plans, what is done first."""
    chapters = read_csv(root / "data" / "chapters.csv")
    done = set(finished_chapters(root))
    topics: dict[str, list[Row]] = {row["chapter"]: [] for row in chapters}
    for row in read_csv(root / "data" / "syllabus.csv"):
        topics[row["chapter"]].append(row)
    parts: dict[str, list[Row]] = {}
    for row in chapters:
        parts.setdefault(row["part"], []).append(row)

    def covered(rows: list[Row]) -> str:
        finished = sum(len(topics[row["chapter"]]) for row in rows if row["chapter"] in done)
        return f"{finished} of {sum(len(topics[row['chapter']]) for row in rows)}"

    def ready(rows: list[Row]) -> str:
        return f"{sum(row['chapter'] in done for row in rows)} of {len(rows)}"

    overview = "\n".join(
        f"| {number}. {part} | {ready(rows)} | {covered(rows)} |"
        for number, (part, rows) in enumerate(parts.items(), start=1)
    )
    details = "\n".join(
        f"<details>\n<summary>Part {number}. {html.escape(part)}: {ready(rows)} chapters done"
        f"</summary>\n\n{_chapter_tables(rows, topics, done)}\n</details>\n"
        for number, (part, rows) in enumerate(parts.items(), start=1)
    )
    return f"""{EDIT_NOTE}# Topic map

The book's plan, topic by topic, and how much of it exists. A chapter counts as done once it is in
the table of contents: it then runs, and is checked, with every build.

- Chapters done: **{ready(chapters)}**
- Topics covered: **{covered(chapters)}**

| Part | Chapters done | Topics covered |
| --- | ---: | ---: |
{overview}

*Source* names the places in five Chinese course outlines, 000 to 004, that ask for the topic; a
number followed by *full* is the longer text behind that outline.

{details}"""


def progress(root: Path) -> str:
    """Return the page of the reader's progress: `book/_static/progress.js` fills in the ticks."""
    table = {row["chapter"]: row for row in read_csv(root / "data" / "chapters.csv")}
    parts: dict[str, list[str]] = {}
    for name in finished_chapters(root):
        cells = notebooks.read(Book(root).source(name)).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        count = len(EXERCISE.findall(text))
        line = f"| {chapter_link(name, table[name]['title'])} | {count} |"
        parts.setdefault(table[name]["part"], []).append(line)
    body = "\n".join(
        f"## {part}\n\n| Chapter | Exercises |\n| --- | ---: |\n{chr(10).join(lines)}\n"
        for part, lines in parts.items()
    )
    return f"""{EDIT_NOTE}# Progress

Tick off what you have done: there is a box below the heading of each exercise and one at the end of
each chapter. The ticks are kept in this browser and nowhere else; nothing is sent. To take them to
another browser, or to be safe when this one is cleaned, export them to a file here and import it
there. An import adds the ticks of the file to those that are there and takes none away.

If you open the pages as files, some browsers keep the ticks of each page apart: serve the book
instead (`make serve`).

<noscript>
<p><strong>Ticks need JavaScript, which is off or blocked here.</strong> Below are the chapters, and
how many exercises each has.</p>
</noscript>

<div id="my-progress"></div>

{body}"""


def _chapter_tables(chapters: list[Row], topics: dict[str, list[Row]], done: set[str]) -> str:
    """Return a table of topics for each chapter, the finished ones first."""
    tables = []
    for chapter in sorted(chapters, key=lambda row: row["chapter"] not in done):
        name, title = chapter["chapter"], chapter["title"]
        heading = chapter_link(name, title) if name in done else f"{cell(title)} (planned)"
        lines = [f"**{heading}**", "", "| Id | Topic | Chinese | Source |", "| - | - | - | - |"]
        for topic in topics[name]:
            chinese_term = chinese(cell(topic["chinese"]))
            values = topic["id"], cell(topic["topic"]), chinese_term, cell(topic["source"])
            lines.append(f"| {' | '.join(values)} |")
        tables.append("\n".join([*lines, ""]))
    return "\n".join(tables)


def finished_chapters(root: Path) -> list[str]:
    """Return the listed chapters whose notebook exists."""
    return [name for name in listed_chapters(root) if Book(root).source(name).exists()]


def kept_seconds(path: Path) -> float | None:
    """Return the seconds kept in an executed notebook; None where there are none."""
    if not path.exists():
        return None
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    return metadata.get("d2lcourse", {}).get("seconds")


def machine_facts() -> dict[str, str]:
    """Return what the run times depend on: processor, system and versions."""
    facts = {"Processor": f"{cpu_model()}, {os.cpu_count() or 'unknown number of'} cores"}
    facts["System"] = f"{platform.system()} {platform.machine()}"
    facts["Python"] = platform.python_version()
    for package in ("torch", "numpy"):
        try:
            facts[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            facts[package] = "not installed"
    return facts


def cpu_model() -> str:
    """Return the processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE)
        if found:
            return found[1].strip()
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return platform.processor() or platform.machine()


def chapter_link(name: str, title: str) -> str:
    """Return a link from a page in ``book/`` to a chapter."""
    return f"[{cell(title)}](../notebooks/{name}.ipynb)"


def chinese(text: str) -> str:
    """Return text marked as simplified Chinese, for fonts and screen readers."""
    return f'<span lang="zh-Hans">{text}</span>'


def cell(text: str) -> str:
    """Return text that Markdown shows as it stands, in a table too."""
    return re.sub(r"([\\`*_<>\[\]|$#~])", r"\\\1", text)


def read_csv(path: Path) -> list[Row]:
    """Return the rows of a table as dictionaries."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=ROOT / "_build" / "src",
        help="where to write: the pages go into FOLDER/book (default: _build/src)",
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout (default: this one)")
    options = parser.parse_args()
    write(options.folder, options.root)
    print(f"pages written into {options.folder / 'book'}")


if __name__ == "__main__":
    main()
