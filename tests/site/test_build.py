"""tools.build on a book of one page: what it keeps, what it says, and when it does nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools import build as tools_build
from tools import stage
from tools.notebooks import ROOT


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose staging copies book/ and nothing else."""

    def staged(root: Path, part: str | None = None, notebook: str | None = None) -> str:
        shutil.copytree(root / "book", root / "_build" / "src" / "book", dirs_exist_ok=True)
        (root / "_build" / "src" / "extra").mkdir(exist_ok=True)
        for name in ("_config.yml", "_toc.yml"):
            shutil.copyfile(root / name, root / "_build" / "src" / name)
        return f"{part} {notebook} " + (root / "book" / "index.md").read_text("utf-8")

    monkeypatch.setattr(stage, "stage", staged)
    for folder in ("book/_static", "book/_templates"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copyfile(ROOT / "_config.yml", tmp_path / "_config.yml")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/index\n")
    (tmp_path / "book" / "index.md").write_text("# First\n\n$x^2$\n")
    return tmp_path


def page(book: Path) -> str:
    return (book / "_build" / "html" / "book" / "index.html").read_text("utf-8")


def test_a_build_its_repetition_and_a_failure(
    book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tools_build.build(book) == 0
    assert "<mjx-container" in page(book)
    assert (book / "_build" / "html" / "mathjax" / "formulas.css").is_file()
    assert not list((book / "_build" / "html").rglob("*.map"))
    said = capsys.readouterr().out
    assert "Built 1 pages" in said
    assert (book / "_build" / "html" / "index.html").as_uri() in said

    assert tools_build.build(book) == 0
    assert "up to date" in capsys.readouterr().out

    # A warning is an error: it is told last, in the repository's own paths, every time anew.
    (book / "book" / "index.md").write_text("# Second\n\n#### Too deep\n\n[x](nosuch.md)\n")
    for _ in range(2):
        assert tools_build.build(book) == 1
        last = capsys.readouterr().err.strip().splitlines()[-2:]
        assert last[0].startswith("book/index.md:3: WARNING: Non-consecutive header")
        assert last[1].startswith("book/index.md:5: WARNING:")
        assert "First" in page(book)
    assert not (book / "_build" / "html.new").exists()

    (book / "book" / "index.md").write_text("# Third\n")
    assert tools_build.build(book) == 0
    assert "Third" in page(book)


def test_an_interrupted_build_changes_nothing(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tools_build.build(book) == 0
    (book / "book" / "index.md").write_text("# Second\n")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tools_build, "finish", interrupted)
    assert tools_build.main(["--root", str(book)]) == 130
    assert "First" in page(book)
    monkeypatch.undo()
    assert not (book / "_build" / "doctrees").exists()


def test_a_full_disk_is_told(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tools_build, "copy_onnxruntime", full)
    with pytest.raises(SystemExit, match="No space left on device"):
        tools_build.build(book)


def test_another_selection_is_another_build(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tools_build.build(book) == 0
    assert tools_build.build(book, part="foundations") == 0
    assert "up to date" not in capsys.readouterr().out


def test_cells_are_named_by_number() -> None:
    warning = f"{Path('/b/src')}/notebooks/cnn/lenet.ipynb:30009: WARNING: x"
    assert tools_build.readable(warning, Path("/b/src")) == (
        "notebooks/cnn/lenet.ipynb, cell 3, line 8: WARNING: x"
    )
