"""A chapter as slides: what each cell shows, divided into pages that fit.

A Markdown cell is split at its headings: each begins a slide, and words above the first one, which
end the section before, are notes. A slide shows formulas, lists, tables and code as they are, but
of a long paragraph or list item only the first sentences (and where it leads on to a formula, the
last ones). The whole text is in the notes. A deck ends before `## Exercises`. What does not fit on
one page goes on to the next; code and what it printed are set as large as fits.
"""

from __future__ import annotations

import base64
import html
import math
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from pygments import formatters, highlight, lexers  # type: ignore[import-untyped]

from tools import demos

# A page is 1280 x 720 pixels; this much is left for what stands below its heading.
HEIGHT = {0: 600, 1: 480, 2: 555, 3: 560}  # by the level of the heading
WIDTH, GAP = 1112, 16
LARGE, COMFORTABLE, SMALL = 24.0, 16.0, 15.0  # sizes of code
LINE = 36  # the height of a line of prose
FIGURE = 420  # a figure takes all the height that is left on its page, this at the least

# Words of text on a slide, and of one paragraph or list item even if there are many.
WORDS, SHORT = 60, 28

# Blocks that belong together: where the second one opens a page, the first one goes with it.
PAIRS = {("code", "output"), ("prose", "formula"), ("prose", "table")}

EXERCISES = re.compile(r"^## Exercises\s*$", re.MULTILINE)
TALL = re.compile(r"\\(d?frac|sum|prod|int|max|min)")
# What has no end of a sentence in it: code, formulas, bold words, links, brackets.
ATOM = re.compile(r"`[^`]+`|\$[^$]+\$|\*\*.+?\*\*|\[[^\]]*\]\([^)]*\)|\([^()]+\)", re.DOTALL)
STOP = re.compile(r"(?<![ .(][A-Za-z])(?<!e\.g)(?<!i\.e)(?<! vs)(?<! al)[.!?][\"”*)]*\s+(?=\S)")


@dataclass
class Block:
    """A piece of a slide that is not divided; `lines` and `columns` are of its text."""

    kind: str  # prose, formula, table, code, output or figure
    html: Markup
    lines: int = 1
    columns: int = 0
    fragment: bool = False

    def height(self, size: float) -> float:
        """Return about how high the block is if code is set at this size."""
        if self.kind in ("code", "output"):
            return self.lines * size * 1.3 + 26
        line = {"prose": LINE, "table": 1.3 * LINE, "formula": 1.6 * LINE, "figure": FIGURE}
        return self.lines * line[self.kind]


@dataclass
class Slide:
    """What a cell or a section of it shows, before it is divided into pages."""

    title: Markup
    level: int  # 1 title slide, 2 section, 3 its subsection, 0 no heading of its own
    blocks: list[Block] = field(default_factory=list)
    notes: list[Markup] = field(default_factory=list)  # what is said when the slide appears
    after: list[Markup] = field(default_factory=list)  # what is said at its end


@dataclass
class Page:
    """What the audience sees at once. `size` is that of code and outputs, in pixels."""

    title: Markup
    level: int
    blocks: list[Block]
    size: float
    notes: list[Markup]


@dataclass
class Deck:
    """A chapter's slides in columns: left and right between sections, up and down within."""

    name: str
    title: Markup
    columns: list[list[Page]]


class Markdown:
    """Markdown as the site reads it, in blocks.

    Args:
        name: the chapter's name, from which its relative links lead.
        decks: the decks that there are to link to.
    """

    def __init__(self, name: str, decks: Iterable[str]) -> None:
        self.folder, self.decks = posixpath.dirname(name), set(decks)
        self.parser = MarkdownIt("commonmark").enable("table")
        self.parser.use(dollarmath_plugin, renderer=_tex, double_inline=True)
        self.parser.use(amsmath_plugin, renderer=lambda text: _tex(text, {"display_mode": True}))

    def groups(self, text: str) -> Iterator[list[Token]]:
        """Yield the top-level blocks of a text, each as its tokens, without `<details>`."""
        group: list[Token] = []
        folded = False
        for token in self.parser.parse(text):
            group.append(token)
            if token.level == 0 and token.nesting <= 0:
                folded = folded or group[0].content.startswith("<details")
                if not folded:
                    yield group
                folded = folded and "</details>" not in group[0].content
                group = []

    def render(self, group: list[Token]) -> Markup:
        """Return a block as HTML; links to chapters become links to decks, or none."""
        text = self.parser.renderer.render(group, self.parser.options, {})
        return Markup(re.sub(r'<a href="([^"]*)">(.*?)</a>', self._link, text, flags=re.DOTALL))  # noqa: S704

    def inline(self, text: str) -> Markup:
        """Return one line of Markdown as HTML."""
        return self.render(self.parser.parseInline(text))

    def shorten(self, group: list[Token], words: int, last: bool) -> None:
        """Cut the paragraphs in a block to a sentence or two."""
        for token in group:
            if token.type == "inline" and not token.content.startswith("**You will**"):
                token.content = shortened(token.content, words, last)
                token.children = self.parser.parseInline(token.content)[0].children

    def _link(self, match: re.Match[str]) -> str:
        target, _, _ = match[1].partition("#")
        if re.match(r"[a-z]+:", target):
            return match[0]
        name = posixpath.normpath(posixpath.join(self.folder, target)).removesuffix(".ipynb")
        if name not in self.decks:
            return match[2]
        return f'<a href="{posixpath.relpath(name, self.folder)}.html">{match[2]}</a>'


def sentences(text: str) -> list[str]:
    """Split a paragraph into sentences; a stop in a formula, code, link or bracket ends none."""
    masked = ATOM.sub(lambda m: "x" * (len(m[0]) - 3) + m[0][-3:], text)
    ends = [0, *(match.end() for match in STOP.finditer(masked)), len(text)]
    parts = [text[a:b].strip() for a, b in pairwise(ends) if text[a:b].strip()]
    if len(parts) > 1 and parts[0].endswith("**"):  # words in bold that name what follows
        parts[:2] = [" ".join(parts[:2])]
    return parts


def shortened(text: str, words: int, last: bool = False) -> str:
    """Return a paragraph's first sentence and as many of the next as make up to `words`.

    With `last`, the others are taken from its end, where it leads on to a formula.
    """
    first, *rest = sentences(text)
    pick = (lambda n: [first, *rest[len(rest) - n :]]) if last else (lambda n: [first, *rest[:n]])
    kept = 1 if rest and last else 0
    while kept < len(rest) and _words(" ".join(pick(kept + 1))) <= words:
        kept += 1
    return " ".join(pick(kept))


def _words(text: str) -> int:
    return len(ATOM.sub(lambda m: "formula" if m[0][0] == "$" else m[0], text).split())


def prose_blocks(markdown: Markdown, groups: list[list[Token]]) -> Iterator[Block]:
    """Yield what a slide shows of a section's text."""
    texts = sum(t.type == "inline" for g in groups if g[0].type != "table_open" for t in g)
    words = max(SHORT, WORDS // max(texts, 1))
    for group, following in zip_longest(groups, groups[1:]):
        kind, text = group[0].type, " ".join(t.content for t in group if t.type == "inline")
        formula = bool(following and following[0].type in ("math_block", "amsmath"))
        if text.startswith("**Needs**") or kind in ("hr", "html_block"):
            continue
        if kind in ("math_block", "amsmath"):
            rows = group[0].content.split(r"\\")
            tall = sum(bool(TALL.search(row)) for row in rows)
            yield Block("formula", markdown.render(group), len(rows) + math.ceil(tall / 2))
        elif kind == "table_open":
            table = markdown.render(group)
            lines = sum(len(_plain(row.striptags())) // 80 + 1 for row in table.split("<tr>")[1:])
            yield Block("table", table, lines)
        elif kind in ("fence", "code_block"):
            yield code_block(group[0].content, group[0].info or "text")
        else:
            markdown.shorten(group, words, last=formula or text.endswith(":"))
            items = sum(t.type == "list_item_open" for t in group)
            lines = sum(len(_plain(t.content)) // 84 + 1 for t in group if t.content)
            # The style sets long lists in two columns.
            yield Block("prose", markdown.render(group), lines if items < 12 else lines // 2 + 1)


def _plain(text: str) -> str:
    """Return about what the reader sees of a text: no links, no commands of TeX."""
    return re.sub(r"\\\w+|[${}]|\]\(.*?\)", "", text)


def code_block(text: str, language: str = "python") -> Block:
    """Return code as a block."""
    text = re.sub(r"\n{3,}", "\n\n", text.strip("\n"))
    lines = text.splitlines()
    return Block("code", _code(text, language), len(lines), max(map(len, lines), default=0))


def output_blocks(markdown: Markdown, cell: NotebookNode) -> Iterator[Block]:
    """Yield what a cell put out: figures with their alt text, tables, and text as one block."""
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    text = ""
    for output in cell.outputs:
        data = output.get("data", {})
        if demos.MIME in data:  # a deck is one file without a server: the picture stands for it
            continue
        image = next((kind for kind in data if kind.startswith("image/")), None)
        if image:
            content = data[image].strip()
            if image == "image/svg+xml":  # the only kind that notebooks keep as text
                content = base64.b64encode(content.encode()).decode()
            source = f"data:{image};base64,{content}"
            yield Block("figure", Markup('<img src="{}" alt="{}">').format(source, alt))
        elif "text/markdown" in data:
            yield from prose_blocks(markdown, list(markdown.groups(data["text/markdown"])))
        else:
            text += output.get("text") or data.get("text/plain", "")
    if text.strip():
        lines = text.strip("\n").splitlines()
        wrapped = sum(math.ceil(len(line) / 100) or 1 for line in lines)
        columns = min(max(map(len, lines)), 100)
        body = Markup("<pre class=output>{}</pre>").format("\n".join(lines))
        yield Block("output", body, wrapped, columns)


def _tex(text: str, options: dict[str, Any]) -> str:
    """A formula as Sphinx leaves it in a page; `tools.formulas` sets it."""
    left, right = (r"\[", r"\]") if options["display_mode"] else (r"\(", r"\)")
    return f"{left}{html.escape(text)}{right}"


def _code(text: str, language: str) -> Markup:
    shown = highlight(
        text, lexers.get_lexer_by_name(language), formatters.HtmlFormatter(nowrap=True)
    ).rstrip()
    return Markup(f"<pre><code>{shown}</code></pre>")  # noqa: S704


# ---- From blocks to decks ----


def columns(markdown: Markdown, cells: list[NotebookNode]) -> Iterator[list[Slide]]:
    """Yield the sections of a chapter, each as its slides."""
    column: list[Slide] = []
    for cell in cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type", "-")
        if kind == "skip":
            continue
        for slide, new in cell_slides(markdown, cell, kind):
            if new == "slide" and column:
                yield column
                column = []
            if new in ("slide", "subslide") or not column:
                column.append(slide)
            else:
                for block in slide.blocks:
                    block.fragment = new == "fragment"
                column[-1].blocks += slide.blocks
                column[-1].after += slide.notes
    if column:
        yield column


def cell_slides(markdown: Markdown, cell: NotebookNode, kind: str) -> Iterator[tuple[Slide, str]]:
    """Yield a cell's slides, each with the type that says where it goes."""
    if cell.cell_type == "code":
        blocks = [code_block(cell.source), *output_blocks(markdown, cell)]
        yield Slide(Markup(), 0, blocks), kind
        return
    sections: list[tuple[Markup, int, list[list[Token]]]] = [(Markup(), 0, [])]
    for group in markdown.groups(EXERCISES.split(cell.source)[0]):
        if group[0].type == "heading_open":
            title = markdown.render(group[1:2])
            sections.append((title, min(int(group[0].tag[1]), 3), []))
        else:
            sections[-1][2].append(group)
    for title, level, groups in sections:
        if not level and not groups:
            continue
        notes = [markdown.render(group) for group in groups]
        slide = Slide(title, level, [], notes)
        if kind != "notes" and (level or kind != "slide"):
            slide.blocks = list(prose_blocks(markdown, groups))
        new = ("slide" if level < 3 else "subslide") if level else kind
        yield slide, new if slide.blocks or level else "notes"


def pages(slide: Slide, running: Markup) -> Iterator[Page]:
    """Divide a slide into pages that fit; `running` is the title of its section."""
    first = HEIGHT[slide.level] - (50 if len(slide.title.striptags()) > 44 else 0)
    pile: list[list[Block]] = [[]]
    for block in slide.blocks:
        page, height = pile[-1], HEIGHT[0] if len(pile) > 1 else first
        if not page or _fits([*page, block], COMFORTABLE, height):
            page.append(block)
            continue
        pile.append([block])
        pair = [page[-1], block]
        apart = len(page) == 1 or (page[-1].kind, block.kind) not in PAIRS
        if not apart and _fits(pair, COMFORTABLE, HEIGHT[0]):
            pile[-2:] = [page[:-1], pair]
    for number, blocks in enumerate(pile):
        size, height = LARGE, HEIGHT[0] if number else first
        while size > SMALL and not _fits(blocks, size, height):
            size -= 0.5
        notes = slide.notes if number == 0 else []
        notes = notes + (slide.after if number == len(pile) - 1 else [])
        own = slide.level and number == 0
        yield Page(slide.title if own else running, slide.level if own else 0, blocks, size, notes)


def _fits(blocks: list[Block], size: float, height: float) -> bool:
    wide = max((block.columns for block in blocks), default=0) * size * 0.605
    high = sum(block.height(size) + GAP for block in blocks) - GAP
    return wide <= WIDTH and high <= height


def deck(name: str, notebook: NotebookNode, decks: Iterable[str]) -> Deck:
    """Return a chapter's deck; `decks` are the chapters that its links may lead to."""
    divided = []
    for column in columns(Markdown(name, decks), notebook.cells):
        running = next((slide.title for slide in column if slide.level), Markup())
        divided.append([page for slide in column for page in pages(slide, running)])
    if not divided:
        raise SystemExit(f"{name} shows no slide: run `python -m tools.slides --mark`")
    return Deck(name, divided[0][0].title, divided)
