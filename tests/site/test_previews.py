"""What search engines and link previews find: descriptions, pictures, the site map."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from bs4 import BeautifulSoup

from tools.previews import LONGEST, shortened


def metas(html: Path, page: str) -> dict[str, str]:
    head = BeautifulSoup((html / f"{page}.html").read_text("utf-8"), "html.parser").head
    found = [(m.get("property") or m.get("name"), m.get("content")) for m in head.find_all("meta")]
    named = Counter(name for name, _ in found if name and name != "viewport")
    assert max(named.values()) == 1, f"{page}: {named}"
    return dict(found) | {"canonical": head.find("link", rel="canonical")["href"]}


def base(html: Path) -> str:
    config = yaml.safe_load((html.parent / "src" / "_config.yml").read_text("utf-8"))
    return config["html"]["baseurl"]


def test_every_page_has_its_description_and_picture(html: Path, pages: list[str]) -> None:
    descriptions: dict[str, str] = {}
    for page in pages:
        found = metas(html, page)
        text = found["description"]
        assert 20 <= len(text) <= LONGEST, f"{page}: {text!r}"
        assert found["og:description"] == text
        assert found["og:title"]
        assert "#" not in found["og:title"]
        assert found["og:url"] == found["canonical"]
        picture = found["og:image"]
        assert picture.startswith(base(html))
        assert (html / picture.removeprefix(base(html))).is_file(), f"{page}: {picture}"
        descriptions[page] = text
    twice = [text for text, count in Counter(descriptions.values()).items() if count > 1]
    assert twice == []


def test_a_chapter_shows_a_figure_of_its_own(html: Path, pages: list[str]) -> None:
    pictures = {p: metas(html, p)["og:image"] for p in pages if p.startswith("notebooks/")}
    assert len(set(pictures.values())) == len(pictures)


def test_the_site_map_lists_every_page_once(html: Path, pages: list[str]) -> None:
    root = ElementTree.parse(html / "sitemap.xml").getroot()
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    listed = [entry.findtext(f"{space}loc") for entry in root.iter(f"{space}url")]
    assert listed == [f"{base(html)}{page}.html" for page in pages]


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("Short .", "Short."),
        ("a" * 90 + ". " + "b" * 90, "a" * 90 + "."),
        ("a" * 20 + ". " + "word " * 60, "a" * 20 + ". " + ("word " * 27).strip() + "…"),
        ("x" * 400, "x" * 159 + "…"),
    ],
)
def test_a_description_is_cut_after_a_sentence_or_a_word(text: str, short: str) -> None:
    assert shortened(text) == short
