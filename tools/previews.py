"""What search engines and link previews read: a description of every page, and the site map."""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import urljoin
from xml.sax.saxutils import escape

from bs4 import BeautifulSoup

LONGEST = 160  # characters of a description; search engines show about as many

# What a page without a figure of its own shows in a preview.
PICTURE = "_images/hero.png"


def add(site: Path, pages: list[str], base: str, book: str) -> None:
    """Describe every page in its head, and list the pages in ``sitemap.xml``.

    Args:
        site: the built site.
        pages: its pages, as paths without suffix.
        base: the address under which the site is published, with a slash at its end.
        book: the book's title.
    """
    for page in pages:
        path = site / f"{page}.html"
        text = path.read_text(encoding="utf-8")
        tags = _tags(BeautifulSoup(text, "html.parser"), f"{base}{page}.html", base, book)
        path.write_text(text.replace("</head>", f"{tags}\n</head>", 1), encoding="utf-8")
    entries = "\n".join(f"<url><loc>{escape(base + page)}.html</loc></url>" for page in pages)
    (site / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}\n</urlset>\n',
        encoding="utf-8",
    )


def _tags(page: BeautifulSoup, address: str, base: str, book: str) -> str:
    """Return the lines for a page's head: its first paragraph, cut, and its first figure."""
    # Its own paragraphs: those of a list are no introduction.
    paragraphs = (found.get_text(" ", strip=True) for found in page.select("article section > p"))
    about = shortened(next((text for text in paragraphs if len(text) > LONGEST // 4), book))
    heading = page.select("article h1")[0]
    for link in heading.select(".headerlink"):
        link.decompose()
    figures = page.select("article img")
    values = {
        "og:type": "article",
        "og:site_name": book,
        "og:title": heading.get_text(strip=True),
        "og:description": about,
        "og:url": address,
        "og:image": urljoin(address, str(figures[0]["src"])) if figures else base + PICTURE,
    }
    lines = [f'<meta name="description" content="{html.escape(about)}" />']
    lines += [
        f'<meta property="{name}" content="{html.escape(value)}" />'
        for name, value in values.items()
    ]
    return "\n".join([*lines, '<meta name="twitter:card" content="summary_large_image" />'])


def shortened(text: str) -> str:
    """Return text of at most `LONGEST` characters, cut after a sentence or else a word.

    >>> shortened("One  line.")
    'One line.'
    >>> len(shortened("word " * 50))
    160
    """
    text = re.sub(r"\s+([.,;:!?)])", r"\1", " ".join(text.split()))
    if len(text) <= LONGEST:
        return text
    sentences = re.match(rf".{{{LONGEST // 2},{LONGEST - 1}}}[.!?](?= )", text)
    if sentences:
        return sentences[0]
    return text[: LONGEST - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"
