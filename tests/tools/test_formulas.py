"""Formulas set at build time: what becomes of the pages, and what a mistake says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import formulas

PAGE = """<html data-content_root="../"><head><title>One</title>
    <script>window.MathJax = {{"options": {{}}}}</script>
    <script defer="defer" src="../_static/../mathjax/startup.js"></script>
    <script src="../_static/doctools.js"></script></head>
<body><p>Let <span class="math notranslate nohighlight">\\({inline}\\)</span> be.</p>
<div class="math notranslate nohighlight">
\\[\\sum_i a_i &lt; b\\]</div><pre>a \\(b\\)</pre></body></html>"""


def site(folder: Path, inline: str = "x^2") -> Path:
    (folder / "book").mkdir()
    (folder / "book" / "one.html").write_text(PAGE.format(inline=inline))
    (folder / "index.html").write_text("<html><title>None</title></html>")
    return folder


def test_formulas_are_set_and_mathjax_is_not_loaded(tmp_path: Path) -> None:
    formulas.add(site(tmp_path))
    page = (tmp_path / "book" / "one.html").read_text()
    assert page.count("<mjx-container") == 2
    assert 'display="true"' in page
    assert "<mi>x</mi>" in page  # for a screen reader
    assert "&lt;" in page  # the inequality came out of the HTML and went back in
    assert "window.MathJax" not in page
    assert "startup.js" not in page
    assert "doctools.js" in page
    assert r"<pre>a \(b\)</pre>" in page  # code is no formula
    assert '<link rel="stylesheet" href="../mathjax/formulas.css" />' in page
    css = (tmp_path / "mathjax" / "formulas.css").read_text()
    assert "mjx-c1D465" in css  # the glyph of x
    named = {part.split('"')[0] for part in css.split('url("')[1:]}
    assert named
    assert all((tmp_path / "mathjax" / name).is_file() for name in named)


def test_a_page_without_formulas_stays_as_it_is(tmp_path: Path) -> None:
    formulas.add(site(tmp_path))
    assert (tmp_path / "index.html").read_text() == "<html><title>None</title></html>"


def test_a_formula_that_cannot_be_read_is_named_with_its_page(tmp_path: Path) -> None:
    folder = site(tmp_path, inline=r"\nosuch{x}")
    before = (folder / "book" / "one.html").read_text()
    with pytest.raises(ValueError, match=r"book/one\.html: Undefined control sequence \\nosuch"):
        formulas.add(folder)
    assert (folder / "book" / "one.html").read_text() == before


def test_one_style_sheet_serves_every_page(tmp_path: Path) -> None:
    folder = site(tmp_path)
    (folder / "two.html").write_text(PAGE.format(inline=r"\mathbb{E}[z]"))
    formulas.add(folder)
    css = (folder / "mathjax" / "formulas.css").read_text()
    assert "mjx-c1D465" in css
    assert "mjx-c1D53C" in css
    assert 'href="mathjax/formulas.css"' in (folder / "two.html").read_text()
