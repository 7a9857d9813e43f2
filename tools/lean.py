"""Make the built pages light: one style sheet, scripts that wait, images that come when needed.

The themes put nine style sheets and eight scripts before the first line of text. A browser shows
nothing until it has them all; on a telephone that takes seconds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import tinycss2

from tools.notebooks import write

STYLE = re.compile(r'[ \t]*<link [^>]*?href="(?P<file>[^"]*_static/[^"?]*\.css)[^"]*"[^>]*/>\n?')
SCRIPT = re.compile(r'<script src="(?P<file>[^"]+)"></script>')
PAGE_NAME = re.compile(r"\s*<script>DOCUMENTATION_OPTIONS\.pagename = [^<]*</script>")
IMAGE = re.compile(r'<img (?P<rest>[^>]*?src="(?P<file>[^":]+\.png)"[^>]*?)\s*/?>')
IMPORT = re.compile(r'@import "([^"]+)";')
PIXELS = re.compile(r' style="width: (\d+)px; height: (\d+)px;"')  # as MyST-NB writes it
CLASSES = re.compile(r'class="([^"]*)"')
NAME = re.compile(r"-?[_a-zA-Z][\w-]*")
CLASS_IN_SELECTOR = re.compile(r"\.((?:\\.|[\w-])+)")
FUNCTION = re.compile(r":[\w-]+\([^()]*\)")


def make(site: Path) -> None:
    """Change the pages below ``site``, once Sphinx has written them."""
    pages = read_pages(site)
    files: dict[Path, None] = {}  # the style sheets of all pages, each once, in their order
    for path, text in pages.items():
        for match in STYLE.finditer(text):
            files.setdefault((path.parent / match["file"]).resolve())
    used = names(pages.values(), site)
    sheets = [tinycss2.parse_stylesheet(style(file), True, True) for file in files]
    css = "".join(prune(rules, used) for rules in sheets)
    sheet = f"_static/site.{hashlib.sha256(css.encode()).hexdigest()[:10]}.css"
    write(site / sheet, css)
    for path, text in pages.items():
        up = "../" * len(path.relative_to(site).parts[:-1])
        new = STYLE.sub("", text)
        if new != text:
            link = f'<link rel="stylesheet" href="{up}{sheet}" />'
            new = new.replace("</title>", f"</title>\n    {link}", 1)
        new = PAGE_NAME.sub("", new)  # no script of ours reads it
        new = SCRIPT.sub(r'<script defer src="\g<file>"></script>', new)
        new = sized(new, path.parent)
        if new != text:
            write(path, new)
    for file in files:
        file.unlink()


def read_pages(site: Path) -> dict[Path, str]:
    """Return the text of every page; the themes' templates below ``_static`` are none."""
    static = site / "_static"
    paths = [path for path in sorted(site.rglob("*.html")) if static not in path.parents]
    return {path: path.read_text(encoding="utf-8") for path in paths}


def style(file: Path) -> str:
    """Return a style sheet with those that it imports."""
    text = file.read_text(encoding="utf-8")
    return IMPORT.sub(lambda match: style((file.parent / match[1]).resolve()), text)


def names(pages: Iterable[str], site: Path) -> set[str]:
    """Return every class of the pages, and every word of the scripts, which may add it."""
    found = {name for text in pages for group in CLASSES.findall(text) for name in group.split()}
    for script in site.glob("_static/**/*.js"):
        found |= set(NAME.findall(script.read_text(encoding="utf-8")))
    return found


def prune(rules: Iterable[tinycss2.ast.Node], used: set[str]) -> str:
    """Return the rules as text, without those for classes that nothing uses."""
    return "".join(_kept(rules, used))


def _kept(rules: Iterable[tinycss2.ast.Node], used: set[str]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = tinycss2.serialize(rule.prelude).strip()
            kept = [one for one in _split(selectors) if _matches(one, used)]
            if kept:
                yield f"{','.join(kept)}{{{_squeezed(rule.content)}}}"
        elif rule.type == "at-rule":
            prelude = tinycss2.serialize(rule.prelude).strip()
            if rule.content is None:
                yield f"@{rule.at_keyword} {prelude};"
            elif rule.lower_at_keyword in ("media", "supports"):
                inner = prune(tinycss2.parse_rule_list(rule.content, True, True), used)
                if inner:
                    yield f"@{rule.at_keyword} {prelude}{{{inner}}}"
            else:
                yield f"@{rule.at_keyword} {prelude}{{{tinycss2.serialize(rule.content)}}}"


def _squeezed(content: list[tinycss2.ast.Node]) -> str:
    """The declarations of a rule, without comments and the spaces between them."""
    parts = []
    for node in tinycss2.parse_blocks_contents(content, True, True):
        parts.append(node.serialize().strip("; \n") if node.type == "declaration" else "")
        if node.type != "declaration":  # nested rules stay as they are written
            return tinycss2.serialize(content).strip()
    return ";".join(parts)


@cache
def _split(selectors: str) -> list[str]:
    """A list of selectors, divided at the commas outside of brackets."""
    parts, depth = [""], 0
    for character in selectors:
        depth += (character in "([") - (character in ")]")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [" ".join(part.split()) for part in parts]


def _matches(selector: str, used: set[str]) -> bool:
    """Whether the selector can match: what :not() and its kind hold is not asked."""
    while FUNCTION.search(selector):
        selector = FUNCTION.sub("", selector)
    classes = CLASS_IN_SELECTOR.findall(selector)
    return all(re.sub(r"\\(.)", r"\1", name) in used for name in classes)


def sized(text: str, folder: Path) -> str:
    """Give every picture its size, so that the text does not jump, and let the later ones wait."""
    first = True

    def replace(match: re.Match[str]) -> str:
        nonlocal first
        # As attributes they give the shape only, and a narrow screen keeps it.
        rest = PIXELS.sub(r' width="\1" height="\2"', match["rest"].rstrip())
        size = "" if "width=" in rest else _size((folder / match["file"]).resolve())
        wait = "" if first or "loading=" in rest else ' loading="lazy"'
        first = False
        return f"<img {rest}{size}{wait} />"

    return IMAGE.sub(replace, text)


@cache
def _size(file: Path) -> str:
    from PIL import Image

    if not file.is_file():
        return ""
    with Image.open(file) as image:
        return f' width="{image.width}" height="{image.height}"'
