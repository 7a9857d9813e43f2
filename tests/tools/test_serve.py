"""The book's own server: files as a web host sends them."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tools.serve import server


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "index.html").write_text("<p>first</p>" * 100)
    (tmp_path / "404.html").write_text("not here")
    (tmp_path / "a.mjs").write_text("export {};")
    (tmp_path / "a.wasm").write_bytes(b"\0asm" * 100)
    (tmp_path / "a.png").write_bytes(b"\x89PNG" * 100)
    with server(tmp_path) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


def get(url: str, encoding: str = "gzip"):
    return urlopen(Request(url, headers={"Accept-Encoding": encoding}))


def test_text_is_sent_compressed_to_those_who_can_read_it(address: str, tmp_path: Path) -> None:
    plain = (tmp_path / "index.html").read_bytes()
    answer = get(f"{address}/index.html?x=1")
    body = answer.read()
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Type"] == "text/html"
    assert len(body) < len(plain)
    assert gzip.decompress(body) == plain
    answer = get(f"{address}/index.html", encoding="identity")
    assert answer.headers["Content-Encoding"] is None
    assert answer.read() == plain


def test_a_changed_file_is_sent_as_it_is_now(address: str, tmp_path: Path) -> None:
    get(f"{address}/index.html").read()
    (tmp_path / "index.html").write_text("second")
    assert gzip.decompress(get(f"{address}/index.html").read()) == b"second"


def test_modules_and_webassembly_have_the_types_that_browsers_ask_for(address: str) -> None:
    assert get(f"{address}/a.mjs").headers["Content-Type"] == "text/javascript"
    assert get(f"{address}/a.wasm").headers["Content-Type"] == "application/wasm"
    picture = get(f"{address}/a.png")
    assert picture.headers["Content-Encoding"] is None


def test_what_is_missing_gets_the_books_own_page(address: str) -> None:
    with pytest.raises(HTTPError) as error:
        get(f"{address}/nothing.html")
    assert error.value.code == 404
    assert error.value.read() == b"not here"
