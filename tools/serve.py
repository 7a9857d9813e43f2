"""Serve the built book on this machine, and to this machine alone."""

from __future__ import annotations

import gzip
import io
from functools import lru_cache, partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

# What a host sends compressed, by the end of its name.
TEXT = (".html", ".css", ".js", ".mjs", ".json", ".svg", ".wasm", ".xml", ".onnx")


class _Handler(SimpleHTTPRequestHandler):
    """Static files as GitHub Pages serves them: compressed, with 404.html."""

    # Windows keeps these in its registry, where other programs change them.
    extensions_map = {  # noqa: RUF012
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".css": "text/css",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
        ".svg": "image/svg+xml",
        ".woff": "font/woff",
        ".woff2": "font/woff2",
    }

    def log_message(self, format: str, *args: object) -> None:
        pass

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        path = Path(self.translate_path(self.path))
        accepted = "gzip" in self.headers.get("Accept-Encoding", "")
        if not (accepted and path.suffix in TEXT and path.is_file()):
            return super().send_head()
        body = compressed(path, path.stat().st_mtime_ns)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return io.BytesIO(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        page = Path(self.directory) / "404.html"
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            return super().send_error(code, message, explain)
        body = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@lru_cache(maxsize=256)
def compressed(path: Path, modified: int) -> bytes:
    """The file under gzip; ``modified`` is part of what is remembered, so that changes show."""
    return gzip.compress(path.read_bytes(), compresslevel=6)


def server(html: Path, port: int = 0) -> ThreadingHTTPServer:
    """A server of the folder ``html`` on 127.0.0.1, bound but not yet running.

    Args:
        html: Folder of the built site.
        port: Port to bind; 0 lets the system choose a free one.

    Returns:
        The server. Its port is ``server_address[1]``.

    Raises:
        FileNotFoundError: There is no built site in ``html``.
        OSError: The port is taken.
    """
    if not (html / "index.html").is_file():
        raise FileNotFoundError(f"there is no built book in {html}: run `make book` first")
    handler = partial(_Handler, directory=str(html))
    return ThreadingHTTPServer(("127.0.0.1", port), handler)


def serve(html: Path, first_port: int = 8000, tries: int = 50) -> int:
    """Serve ``html`` until Ctrl-C, on the first free port from ``first_port``. Returns 0."""
    for port in range(first_port, first_port + tries):
        try:
            httpd = server(html, port)
            break
        except FileNotFoundError:
            raise
        except OSError:
            continue
    else:
        raise OSError(f"ports {first_port} to {first_port + tries - 1} are all taken")
    with httpd:
        print(f"The book is at http://127.0.0.1:{port}/ (Ctrl-C to stop)", flush=True)
        try:
            httpd.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0
