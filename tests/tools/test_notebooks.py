"""Which chapters there are, when their outputs are stale, and writing that cannot half happen."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import nbformat
import pytest

from tools import notebooks, run
from tools.notebooks import Book


def stale(book: Book, name: str = "first/one") -> bool:
    return Book(book.root).outputs(name) is None


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_chapters_of_a_part_one_chapter_and_none_of_the_assignments(book, add):
    for name in ("first/one", "first/two", "second/three", "assignments/homework"):
        add(name, "1")
    add("first/.ipynb_checkpoints/one-checkpoint", "1")
    assert book.chapters() == ["first/one", "first/two", "second/three"]
    assert book.chapters(part="first") == ["first/one", "first/two"]
    assert book.chapters(notebook="notebooks/first/two.ipynb") == ["first/two"]


@pytest.mark.parametrize("options", [{"part": "frist"}, {"notebook": "first/oen"}])
def test_an_unknown_name_lists_what_there_is_and_guesses(book, add, options):
    add("first/one", "1")
    with pytest.raises(SystemExit, match=r"there are first.*Did you mean first"):
        book.chapters(**options)


def test_a_chapter_never_run_is_stale_and_one_just_run_is_not(book, add, execute):
    add("first/one", "# Title", "print(6 * 7)")
    assert stale(book)
    execute("first/one")
    assert not stale(book)


def test_markdown_leaves_outputs_fresh(book, add, execute):
    path = add("first/one", "# Title", "print(6 * 7)")
    execute("first/one")
    edit(path, "# Title", "# Another title")
    assert not stale(book)


def test_tables_that_only_pages_read_leave_outputs_fresh(book, add, execute):
    add("first/one", "1")
    execute("first/one")
    (book.root / "data" / "glossary.csv").write_text("english,chinese\n")
    assert not stale(book)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("notebooks/first/one.ipynb", "6 * 7", "6 * 8"),
        ("notebooks/first/one.ipynb", '"tags": []', '"tags": ["raises-exception"]'),
        ("d2lcourse/__init__.py", "", "x = 1"),
        ("data/table.csv", "1,2", "1,3"),
        ("requirements.txt", "2.6", "2.7"),
    ],
)
def test_what_outputs_depend_on_makes_them_stale(book, add, execute, file, old, new):
    add("first/one", "# Title", "print(6 * 7)", tags={1: []})
    execute("first/one")
    edit(book.root / file, old, new)
    assert stale(book)


def test_a_new_file_in_the_package_and_another_scale_make_outputs_stale(
    book, add, execute, monkeypatch
):
    add("first/one", "1")
    execute("first/one")
    monkeypatch.setenv("D2LCOURSE_SCALE", "small")
    assert not stale(book)  # small is what an unset variable means
    monkeypatch.setenv("D2LCOURSE_SCALE", "full")
    assert stale(book)
    monkeypatch.delenv("D2LCOURSE_SCALE")
    (book.root / "d2lcourse" / "style.mplstyle").write_text("font.size: 12\n")
    assert stale(book)


def test_stale_chapters_run_longest_first(book, add, execute):
    for name, seconds in (("first/one", 1.0), ("first/two", 9.0), ("second/three", None)):
        add(name, "1")
        if seconds:
            execute(name, seconds=seconds)
    names = book.chapters()
    assert run.choose(book, names, everything=False, compare=False) == ["second/three"]
    every = run.choose(book, names, everything=True, compare=False)
    assert every == ["second/three", "first/two", "first/one"]
    with pytest.raises(SystemExit, match="second/three changed since the last run"):
        run.choose(book, names, everything=False, compare=True)


def test_a_damaged_notebook_is_named(book, add):
    path = add("first/one", "1")
    path.write_text(path.read_text()[:40])
    with pytest.raises(SystemExit, match=r"one\.ipynb cannot be read as a notebook"):
        notebooks.read(path)


def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path, monkeypatch):
    path = tmp_path / "kept.json"
    notebooks.write(path, "good")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(SystemExit, match=r"kept\.json could not be written \(No space left"):
        notebooks.write(path, "half")
    assert path.read_text() == "good"
    assert [file.name for file in tmp_path.iterdir()] == ["kept.json"]


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "kept.json"
    notebooks.write(path, "good")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "chmod", interrupt)
    with pytest.raises(KeyboardInterrupt):
        notebooks.write(path, "half")
    assert path.read_text() == "good"
    assert [file.name for file in tmp_path.iterdir()] == ["kept.json"]


def test_toc_files_finds_nested_sections():
    toc = {
        "root": "book/index",
        "parts": [{"chapters": [{"file": "a.md", "sections": [{"file": "notebooks/b.ipynb"}]}]}],
    }
    assert list(notebooks.toc_files(toc)) == ["book/index", "a", "notebooks/b"]


def test_reading_a_notebook_keeps_its_cells(add):
    path = add("first/one", "# Title", "1 + 1")
    assert [cell.source for cell in notebooks.code(notebooks.read(path))] == ["1 + 1"]
    assert nbformat.read(path, as_version=4) == notebooks.read(path)
