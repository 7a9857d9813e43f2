"""From a chapter's outputs to the page: the demo's place, its files, and its picture before it."""

from __future__ import annotations

import base64
import json

import nbformat
import pytest

from d2lcourse.demos import MIME as PACKAGE_MIME
from tools import demos, stage
from tools.decks import Markdown, output_blocks
from tools.notebooks import code, read


def output(name: str) -> nbformat.NotebookNode:
    models = {"net": {"onnx": base64.b64encode(b"model").decode(), "pt2": "AAAA"}}
    about = {"name": name, "models": models, "data": {"labels": ["a", "b"]}}
    return nbformat.v4.new_output("display_data", {"text/plain": "Demo", demos.MIME: about})


@pytest.fixture
def notebook() -> nbformat.NotebookNode:
    picture = nbformat.v4.new_output("display_data", {"image/png": "AAAA"})
    first = nbformat.v4.new_code_cell("1", outputs=[output("draw"), picture])
    return nbformat.v4.new_notebook(cells=[first, nbformat.v4.new_code_cell("2")])


def test_the_package_and_the_tools_mean_the_same_output():
    assert demos.MIME == PACKAGE_MIME


def test_the_place_comes_after_the_picture_and_the_files_beside_the_pages(notebook):
    files = demos.place(notebook, "cnn/resnet")
    assert files["cnn/resnet/draw/net.onnx"] == b"model"
    page = json.loads(files["cnn/resnet/draw/demo.json"])
    assert page == {"models": ["net"], "data": {"labels": ["a", "b"]}}
    assert len(files) == 2  # PyTorch's form is for the tests, not for the site
    picture, place = code(notebook)[0].outputs
    assert "image/png" in picture.data
    assert list(place.data) == ["text/html"]
    assert 'data-demo="draw" data-files="../../demos/cnn/resnet/draw/"' in place.data["text/html"]
    assert "<noscript>" in place.data["text/html"]


def test_a_page_loads_the_button_once(notebook):
    notebook.cells[1].outputs = [output("paint")]
    demos.place(notebook, "cnn/resnet")
    texts = [cell.outputs[-1].data["text/html"] for cell in code(notebook)]
    assert ["open.js" in text for text in texts] == [True, False]


def test_a_chapter_without_a_demo_stays_as_it_is(notebook):
    notebook.cells[0].outputs = notebook.cells[0].outputs[1:]
    before = nbformat.writes(notebook)
    assert demos.place(notebook, "cnn/resnet") == {}
    assert nbformat.writes(notebook) == before


def test_a_slide_shows_the_picture_only(notebook):
    kinds = [block.kind for block in output_blocks(Markdown("cnn/resnet", []), notebook.cells[0])]
    assert kinds == ["figure"]


def test_the_staged_site_holds_the_files(book, add, execute, monkeypatch):
    add("first/one", "# Title", "print(1)")
    execute("first/one")
    path = book.executed("first/one")
    executed = read(path)
    code(executed)[0].outputs.append(output("draw"))
    path.write_text(nbformat.writes(executed))
    monkeypatch.setattr(stage.pages, "write", lambda folder, root: None)
    stage.stage(book.root)
    staged = book.root / "_build" / "src"
    assert (staged / "extra/demos/first/one/draw/net.onnx").read_bytes() == b"model"
    assert (
        'data-demo="draw"'
        in code(read(staged / "notebooks/first/one.ipynb"))[0].outputs[-1].data["text/html"]
    )
