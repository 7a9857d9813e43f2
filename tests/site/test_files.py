"""The built site as files: links, buttons and images. No browser is needed."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup


@cache
def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


@pytest.fixture(scope="module")
def config(html: Path) -> dict:
    return yaml.safe_load((html.parent / "src" / "_config.yml").read_text("utf-8"))


def test_every_page_of_the_contents_is_there(html: Path, pages: list[str]) -> None:
    assert pages
    assert [page for page in pages if not (html / f"{page}.html").is_file()] == []


def test_no_link_or_image_is_broken(html: Path) -> None:
    broken = []
    for path in sorted(html.rglob("*.html")):
        if "_static" in path.parts or path.name == "404.html":
            continue
        for tag in parsed(path).find_all(["a", "img", "link", "script", "source", "video"]):
            link = tag.get("href") or tag.get("src") or ""
            url = urlsplit(link)
            if url.scheme or url.netloc or not link:
                continue
            target = path.parent / unquote(url.path) if url.path else path
            anchor = unquote(url.fragment)
            if not target.is_file():
                broken.append(f"{path.relative_to(html)}: {link}: no such file")
            elif anchor and target.suffix == ".html" and not parsed(target).find(id=anchor):
                broken.append(f"{path.relative_to(html)}: {link}: no such place on that page")
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(html: Path) -> None:
    """What a browser fetches unasked is on the site; `tests/site/test_browser.py` watches one."""
    away = []
    for path in sorted(html.rglob("*.html")):
        for tag in parsed(path).find_all(["img", "link", "script", "iframe", "source", "video"]):
            link = str(tag.get("src") or tag.get("href") or "")
            canonical = tag.name == "link" and tag.get("rel") == ["canonical"]
            if urlsplit(link).netloc and not canonical:
                away.append(f"{path.relative_to(html)}: {link}")
    assert away == []


def test_buttons_lead_to_the_notebook(html: Path, config: dict, chapter: str) -> None:
    page = html / f"{chapter}.html"
    repository, branch = config["repository"]["url"], config["repository"]["branch"]
    owner_and_name = urlsplit(repository).path
    buttons = {name: parsed(page).find(id=name) for name in ("open-in-colab", "source-on-github")}
    assert buttons["open-in-colab"]["href"] == (
        f"https://colab.research.google.com/github{owner_and_name}/blob/{branch}/{chapter}.ipynb"
    )
    assert buttons["source-on-github"]["href"] == f"{repository}/blob/{branch}/{chapter}.ipynb"

    download = parsed(page).find(id="download-notebook")
    assert download.has_attr("download")
    given = json.loads((page.parent / download["href"]).read_text("utf-8"))
    staged = json.loads((html.parent / "src" / f"{chapter}.ipynb").read_text("utf-8"))
    assert given["cells"] == staged["cells"]


def test_the_notebook_of_the_buttons_is_in_the_repository(html: Path, chapter: str) -> None:
    assert (html.parent.parent / f"{chapter}.ipynb").is_file()


def test_previous_and_next_follow_the_contents(html: Path, pages: list[str], page: str) -> None:
    place = pages.index(page)
    area = parsed(html / f"{page}.html").find(class_="prev-next-area")
    for name, wanted in (
        ("left-prev", pages[place - 1] if place else None),
        ("right-next", pages[place + 1] if place + 1 < len(pages) else None),
    ):
        link = area.find("a", class_=name)
        found = link and (html / page).parent.joinpath(link["href"]).resolve()
        assert found == (wanted and (html / f"{wanted}.html").resolve())


def test_every_picture_has_words(html: Path, page: str) -> None:
    """Text for those who do not see it; without one, Sphinx gives the file's address."""
    pictures = parsed(html / f"{page}.html").find("article").find_all("img")
    bare = [str(tag) for tag in pictures if not tag.get("alt") or "_images" in tag["alt"]]
    assert bare == []


def test_what_a_web_host_needs(html: Path, pages: list[str], config: dict) -> None:
    refresh = parsed(html / "index.html").find("meta", {"http-equiv": "refresh"})["content"]
    assert refresh == f"0; url={pages[0]}.html"
    assert (html / ".nojekyll").is_file()
    base = urlsplit(config["html"]["baseurl"]).path
    links = [tag["href"] for tag in parsed(html / "404.html").find_all("a")]
    assert links
    assert all(
        link.startswith(base) and (html / link.removeprefix(base)).is_file() for link in links
    )
