"""The staged tree: today's Markdown with the last run's outputs, and nothing touched needlessly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tools import notebooks, pages, stage
from tools.notebooks import code, toc_files

CHAPTERS = ("first/one", "first/two", "second/three")


@pytest.fixture
def ready(book, add, execute, monkeypatch):
    """A checkout whose three chapters have run; one generated page stands for all."""
    for name in CHAPTERS:
        add(name, "# Title", "print(6 * 7)")
        execute(name)

    def write(src: Path, root: Path) -> None:
        notebooks.write(src / "book" / "run-times.md", "# Run times\n")

    monkeypatch.setattr(pages, "write", write)
    return book


def staged(book) -> dict[str, int]:
    """Return every staged file with the time it was written."""
    folder = book.root / "_build" / "src"
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in files}


def test_the_tree_holds_prose_chapters_with_outputs_and_generated_pages(ready):
    stage.stage(ready.root)
    assert set(staged(ready)) == {
        *("_config.yml", "_toc.yml", "book/run-times.md"),
        *(f"book/{name}.md" for name in ("index", "how-to-use", "first", "second")),
        *(f"notebooks/{name}.ipynb" for name in CHAPTERS),
    }
    notebook = notebooks.read(ready.root / "_build/src/notebooks/first/one.ipynb")
    assert code(notebook)[0].outputs[0].text == "42\n"
    assert code(notebook)[0].execution_count == 1
    assert notebook.metadata["d2lcourse"] == {"seconds": 1.5, "cells": [0.1]}
    assert not (ready.root / "_build" / "src.new").exists()


def test_markdown_and_alt_text_come_from_the_source_as_it_is_now(ready):
    path = ready.source("first/one")
    source = json.loads(path.read_text())
    source["cells"][0]["source"] = "# A better title"
    source["cells"].insert(1, {**source["cells"][0], "id": "new", "source": "More prose."})
    source["cells"][2]["metadata"] = {"mystnb": {"image": {"alt": "A line that rises"}}}
    path.write_text(json.dumps(source))
    stage.stage(ready.root)
    cells = notebooks.read(ready.root / "_build/src/notebooks/first/one.ipynb").cells
    assert [cell.source for cell in cells] == ["# A better title", "More prose.", "print(6 * 7)"]
    assert cells[2].outputs[0].text == "42\n"
    assert cells[2].metadata.mystnb.image.alt == "A line that rises"


def test_only_what_changed_is_written_again(ready):
    first = stage.stage(ready.root)
    before = staged(ready)
    assert stage.stage(ready.root) == first
    assert staged(ready) == before

    (ready.root / "book" / "index.md").write_text("# Another\n")
    (ready.root / "book" / "second.md").unlink()
    assert stage.stage(ready.root) != first
    after = staged(ready)
    assert set(before) - set(after) == {"book/second.md"}
    assert [name for name in after if after[name] != before[name]] == ["book/index.md"]


def test_chapters_not_run_since_they_changed_are_named(ready, add):
    stage.stage(ready.root)
    before = staged(ready)
    add("first/one", "# Title", "print(6 * 8)")
    ready.executed("second/three").unlink()
    with pytest.raises(SystemExit, match=r"first/one, second/three\. Run `make book`"):
        stage.stage(ready.root)
    assert staged(ready) == before


@pytest.mark.parametrize(
    ("choice", "documents"),
    [
        ({"part": "second"}, ["index", "how-to-use", "second", "notebooks/second/three"]),
        ({"notebook": "first/two"}, ["index", "how-to-use", "first", "notebooks/first/two"]),
    ],
)
def test_a_part_or_a_notebook_comes_with_its_opener_alone(ready, choice, documents):
    stage.stage(ready.root, **choice)
    toc = yaml.safe_load((ready.root / "_build/src/_toc.yml").read_text())
    assert [name.removeprefix("book/") for name in toc_files(toc)] == documents
    pages_and_chapters = {
        name.removesuffix(".md").removesuffix(".ipynb").removeprefix("book/")
        for name in staged(ready)
        if not name.endswith(".yml")
    }
    assert pages_and_chapters == {*documents, "run-times"}
    # A link to a chapter that was left out must not fail the build; in the whole book it must.
    assert "myst.xref_missing" in (ready.root / "_build/src/_config.yml").read_text()
    stage.stage(ready.root)
    assert "suppress_warnings" not in (ready.root / "_build/src/_config.yml").read_text()


def test_other_chapters_need_not_have_run_for_one_notebook(ready):
    ready.executed("first/one").unlink()
    stage.stage(ready.root, notebook="first/two")
    assert "notebooks/first/two.ipynb" in staged(ready)


def test_a_failure_while_writing_leaves_the_last_tree(ready, monkeypatch):
    stage.stage(ready.root)
    before = staged(ready)
    (ready.root / "book" / "index.md").write_text("# Another\n")

    def full(src: Path, root: Path) -> None:
        raise SystemExit("the disk is full")

    monkeypatch.setattr(pages, "write", full)
    with pytest.raises(SystemExit):
        stage.stage(ready.root)
    assert staged(ready) == before
    assert not (ready.root / "_build" / "src.new").exists()
