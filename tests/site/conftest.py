"""The built site, for tests that read its files and tests that open it in a browser.

`make test` builds `_build/html` first. `BOOK_HTML` names another built site.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser

from tools import browser as tools_browser
from tools.notebooks import ROOT, toc_files

HTML = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))


def toc() -> list[str]:
    """The pages of the built site in reading order, without suffix; none before a build."""
    path = HTML.parent / "src" / "_toc.yml"
    return list(toc_files(yaml.safe_load(path.read_text("utf-8")))) if path.is_file() else []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for every `page` of the book, or for every `chapter`, which is a notebook."""
    pages = toc()
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", pages)
    if "chapter" in metafunc.fixturenames:
        chapters = [page for page in pages if page.startswith("notebooks/")]
        metafunc.parametrize("chapter", chapters)


@pytest.fixture(scope="session")
def html() -> Path:
    if not (HTML / "index.html").is_file():
        pytest.fail(f"there is no built book in {HTML}: run `make book` first")
    return HTML


@pytest.fixture(scope="session")
def pages(html: Path) -> list[str]:
    return toc()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if tools_browser.find_chromium() is None:
        if os.environ.get("CI") == "true":
            pytest.fail(tools_browser.HOW_TO_GET_ONE)
        pytest.skip(tools_browser.HOW_TO_GET_ONE)
    with tools_browser.browser() as instance:
        yield instance


@pytest.fixture(scope="session")
def address(html: Path) -> Iterator[str]:
    with tools_browser.site(html) as base:
        yield base
