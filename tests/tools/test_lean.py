"""One style sheet, scripts that wait, sized pictures: and nothing that is used is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
import tinycss2
from PIL import Image

from tools import lean

PAGE = """<html><head><title>A page</title>
  <link href="../_static/styles/theme.css?v=1" rel="stylesheet" />
  <link rel="stylesheet" type="text/css" href="../_static/book.css?v=2" />
  <script src="../_static/a.js?v=3"></script>
  <script>DOCUMENTATION_OPTIONS.pagename = 'book/one';</script>
  <script defer="defer" src="../_static/b.js"></script></head>
<body class="shown other">
<img alt="first" src="../_images/p.png" />
<img alt="b" src="../_images/p.png" style="width: 30px; height: 20px;" />
<img src="https://example.org/x.png"></body></html>"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for folder in ("book", "_static/styles", "_images"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "book" / "one.html").write_text(PAGE)
    (tmp_path / "_static" / "basic.css").write_text(".basic{top:0} .shown{left:0}")
    theme = '@import "../basic.css";\n/* said */ .unused > p { color : red }\n.shown{color:blue}'
    (tmp_path / "_static" / "styles" / "theme.css").write_text(theme)
    (tmp_path / "_static" / "book.css").write_text("@media print{.shown{top:1px}.gone{top:2px}}")
    (tmp_path / "_static" / "a.js").write_text("element.classList.add('basic')")
    (tmp_path / "_static" / "macros.html").write_text("<link href='{{ x }}.css' />")
    Image.new("RGB", (60, 40)).save(tmp_path / "_images" / "p.png")
    return tmp_path


def test_the_sheets_become_one_in_their_order(site: Path) -> None:
    lean.make(site)
    page = (site / "book" / "one.html").read_text()
    sheets = list((site / "_static").glob("site.*.css"))
    assert len(sheets) == 1
    assert page.count('rel="stylesheet"') == 1
    assert f'href="../_static/{sheets[0].name}"' in page
    css = sheets[0].read_text()
    assert css == (
        ".basic{top:0}.shown{left:0}.shown{color:blue}@media print{.shown{top:1px}}"
    )  # .basic is a word of a script, .unused and .gone are nowhere
    assert not (site / "_static" / "book.css").exists()


def test_scripts_wait_and_keep_their_order(site: Path) -> None:
    lean.make(site)
    page = (site / "book" / "one.html").read_text()
    assert '<script defer src="../_static/a.js?v=3"></script>' in page
    assert page.index("a.js") < page.index("b.js")
    assert "pagename" not in page


def test_pictures_have_a_size_and_the_later_ones_wait(site: Path) -> None:
    lean.make(site)
    page = (site / "book" / "one.html").read_text()
    assert '<img alt="first" src="../_images/p.png" width="60" height="40" />' in page
    assert '<img alt="b" src="../_images/p.png" width="30" height="20" loading="lazy" />' in page
    assert '<img src="https://example.org/x.png">' in page
    assert "style=" not in page


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        (".shown{top:0}", True),
        (".gone{top:0}", False),
        (".gone, .shown{top:0}", True),
        ("p:not(.gone){top:0}", True),
        (":is(.gone, .shown) a{top:0}", True),
        (".shown.gone{top:0}", False),
        (r".p-1\:2{top:0}", True),
        ("@supports (top:0){.gone{top:0}}", False),
        ("@font-face{font-family:x}", True),
        ("@keyframes turn{to{top:0}}", True),
        (":root{--a: 1}", True),
    ],
)
def test_a_rule_is_dropped_only_if_nothing_can_match_it(rule: str, kept: bool) -> None:
    rules = tinycss2.parse_stylesheet(rule, True, True)
    assert bool(lean.prune(rules, {"shown", "p-1:2"})) is kept


def test_declarations_keep_their_words(site: Path) -> None:
    rule = 'a { margin: 0 auto !important; background: url("data:a;b,c") ; --x: { a: b } }'
    assert lean.prune(tinycss2.parse_stylesheet(rule, True, True), set()) == (
        'a{margin: 0 auto !important;background: url("data:a;b,c");--x: { a: b }}'
    )
