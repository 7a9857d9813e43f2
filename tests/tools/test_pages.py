"""The generated pages: what they say, and that the slow ones are made only when they must be."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import d2lcourse as d2l
from tools import package_pages, pages
from tools.notebooks import ROOT

NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with three chapters: one done and run, one listed but missing, one planned."""
    files = {
        "_toc.yml": "root: book/index\n"
        "chapters:\n- file: notebooks/a/one\n- file: notebooks/a/two\n",
        "data/chapters.csv": "chapter,title,part\na/one,The *first*,Alpha\na/two,Second,Alpha\n"
        "b/three,Third,Beta & more\n",
        "data/syllabus.csv": "id,topic,chinese,kind,source,chapter,also\n"
        "T1,One | more,一,theory,001,a/two,\nT2,Two,二,theory,001,a/one,\n"
        "T3,Three,三,tool,002,b/three,a/one\n",
        "data/glossary.csv": "english,chinese,definition,definition_zh,chapter\n"
        "gradient,梯度,A slope.,斜率。,a/one\nGPU,图形处理器,A chip.,芯片。,b/three\n",
        "notebooks/a/one.ipynb": json.dumps(NOTEBOOK),
        "d2lcourse/__init__.py": "",
        "tools/package_pages.py": "",
        "requirements.txt": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    executed = NOTEBOOK | {"metadata": {"d2lcourse": {"seconds": 12.34, "cells": [1.0]}}}
    path = tmp_path / "_build" / "executed" / "a" / "one.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(executed))
    return tmp_path


def test_run_times_lists_every_chapter_and_adds_up_those_that_ran(root: Path) -> None:
    page = pages.run_times(root)
    assert "| [The \\*first\\*](../notebooks/a/one.ipynb) | 12.3 |" in page
    assert "| [Second](../notebooks/a/two.ipynb) | not run yet |" in page
    assert "| **1 of 2 chapters** | **12.3** |" in page
    assert "- Python: 3." in page
    assert "- torch: 2." in page


def test_run_times_without_any_run(root: Path) -> None:
    (root / "_build/executed/a/one.ipynb").unlink()
    assert "| **0 of 2 chapters** | **0.0** |" in pages.run_times(root)


def test_glossary_links_only_chapters_that_exist(root: Path) -> None:
    page = pages.glossary(root)
    assert "gradient\n  " in page
    assert '<span lang="zh-Hans">梯度</span> · [The \\*first\\*](../notebooks/a/one.ipynb)' in page
    assert '<span lang="zh-Hans">图形处理器</span> · Third' in page
    assert "three.ipynb" not in page
    assert page.count("## G\n") == 1


def test_topic_map_counts_and_puts_finished_chapters_first(root: Path) -> None:
    page = pages.topic_map(root)
    assert "Chapters done: **1 of 3**" in page
    assert "Topics covered: **1 of 3**" in page
    assert "| 1. Alpha | 1 of 2 | 1 of 2 |" in page
    assert "<summary>Part 2. Beta &amp; more: 0 of 1 chapters done</summary>" in page
    assert page.index("../notebooks/a/one.ipynb") < page.index("**Second (planned)**")
    assert "two.ipynb" not in page
    assert "| T1 | One \\| more |" in page


def test_package_pages_are_made_once_until_the_package_changes(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []

    def made(command: list[str], **_: object) -> subprocess.CompletedProcess:
        runs.append(command)
        (Path(command[-1]) / "api.md").write_text(f"made {len(runs)}")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", made)
    for _ in range(2):
        pages.write(root / "src", root)
        assert (root / "src/book/api.md").read_text() == "made 1"
    (root / "d2lcourse/__init__.py").write_text("changed = True")
    pages.write(root / "src", root)
    assert (root / "src/book/api.md").read_text() == "made 2"
    assert len(list((root / "_build/pages").iterdir())) == 1, "the old pages are thrown away"


def test_package_pages_that_fail_are_not_kept(root: Path) -> None:
    (root / "tools/__init__.py").touch()
    (root / "tools/package_pages.py").write_text("raise SystemExit('broken')")
    for _ in range(2):
        with pytest.raises(SystemExit, match="could not be made"):
            pages.package_pages(root)


def test_nothing_changed_means_that_torch_is_not_imported(root: Path) -> None:
    (root / "tools/__init__.py").touch()
    (root / "tools/package_pages.py").write_text("")
    pages.write(root / "src", root)
    code = (
        "import sys; from pathlib import Path; from tools import pages; root = Path(sys.argv[1]); "
        "pages.write(root / 'src', root); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(root)], cwd=ROOT).returncode == 0


def test_the_book_s_own_package_pages_are_complete() -> None:
    made = {path.name: path for path in pages.package_pages(ROOT)}
    assert set(made) == {"api.md", "data-cards.md", "hero.png", "shapes.png"}
    api = made["api.md"].read_text(encoding="utf-8")
    missing = [name for name in d2l.__all__ if name != "data" and f"### `d2l.{name}`" not in api]
    missing += [name for name in d2l.data.__all__ if f"### `d2l.data.{name}`" not in api]
    assert not missing
    cards = made["data-cards.md"].read_text(encoding="utf-8")
    assert [n for n in d2l.data.names() if f'd2l.data.load("{n}"' not in cards] == []
    calls = [f'd2l.data.load_scenes("{name}"' for name in ("shapes", "penn_fudan", "coco")]
    assert [call for call in calls if call not in cards] == []
    assert "](shapes.png)" in cards
    for picture in ("hero.png", "shapes.png"):
        assert made[picture].read_bytes().startswith(b"\x89PNG")


def test_docstrings_become_markdown() -> None:
    docstring = """Return x.

Costs $5 for a < b, but not in `a < b`. See https://example.org/a.

Args:
    x: a number
        over two lines.
    y: (N,), another.

Returns:
    The number.

>>> f(1)
1
"""
    assert package_pages.markdown(docstring).split("\n\n") == [
        "Return x.",
        "Costs \\$5 for a \\< b, but not in `a < b`. See <https://example.org/a>.",
        "**Arguments**",
        "- `x`: a number over two lines.\n- `y`: (N,), another.",
        "**Returns**",
        "The number.",
        "```pycon\n>>> f(1)\n1\n```",
    ]


def test_long_signatures_are_broken_and_keep_their_star() -> None:
    def long(first: "int | None", *, second_name_that_is_long: str = "x" * 60) -> "list[str]": ...

    assert package_pages.signature("f", long).splitlines() == [
        "f(",
        "    first: int | None,",
        "    *,",
        f"    second_name_that_is_long: str = '{'x' * 60}',",
        ") -> list[str]",
    ]
