"""Open the built book in a real browser: for the tests of the site and for ``make bench``."""

from __future__ import annotations

import gzip
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Response, Route, sync_playwright

from tools.serve import server

HOW_TO_GET_ONE = (
    "no Chrome or Chromium found: install one (Debian: apt install chromium; macOS: "
    "brew install --cask chromium) or name it in the environment variable CHROME"
)

# The usual places where the program is not on PATH.
_PLACES = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ),
    "win32": (
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    ),
}

_LAUNCH = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def find_chromium() -> str | None:
    """Path of a Chrome or Chromium on this machine, ``$CHROME`` first; None where there is none."""
    named = os.environ.get("CHROME")
    for name in (named, "chromium", "chromium-browser", "google-chrome", "chrome"):
        if name and (found := shutil.which(name)):
            return found
    return next((place for place in _PLACES.get(sys.platform, ()) if Path(place).is_file()), None)


@contextmanager
def site(html: Path) -> Iterator[str]:
    """Serve the folder ``html`` on a free localhost port; yields the address, without a slash."""
    with server(html) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{httpd.server_address[1]}"
        finally:
            httpd.shutdown()
            thread.join()


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium. Raises RuntimeError, saying how to get one, where there is none."""
    executable = find_chromium()
    if executable is None:
        raise RuntimeError(HOW_TO_GET_ONE)
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=executable, args=list(_LAUNCH))
        try:
            yield instance
        finally:
            instance.close()


@dataclass
class Visit:
    """One page, opened and settled, and what happened on the way."""

    page: Page
    offsite: list[str] = field(default_factory=list)  # addresses asked for on other origins
    errors: list[str] = field(default_factory=list)  # console errors and uncaught exceptions
    responses: list[Response] = field(default_factory=list)

    def settle(self) -> None:
        """Scroll to the end, for what loads late, and wait until nothing more is loaded."""
        self.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        self.page.wait_for_load_state("networkidle")

    def weight(self) -> dict[str, int]:
        """Each loaded file's path and its bytes under gzip, less the page's own figures."""
        sizes = {}
        for response in self.responses:
            path = urlsplit(response.url).path
            if response.ok and "/_images/" not in path:
                sizes[path] = len(gzip.compress(response.body(), compresslevel=6))
        return sizes


@contextmanager
def visit(
    instance: Browser,
    url: str,
    *,
    scheme: str = "light",
    width: int = 1280,
    height: int = 900,
    script: str = "",
) -> Iterator[Visit]:
    """Open ``url`` in a fresh profile that reaches no origin but that of ``url``.

    Args:
        instance: The browser.
        url: Address of the page.
        scheme: ``"light"`` or ``"dark"``, as a reader's system would ask for.
        width: Width of the window in CSS pixels.
        height: Height of the window in CSS pixels.
        script: JavaScript that runs before the page's own.

    Yields:
        The visit, once scripts, fonts and mathematics have settled.

    Raises:
        FileNotFoundError: The site has no such page.
    """
    origin = urlsplit(url)[:2]
    context = instance.new_context(
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
    )
    try:
        page = context.new_page()
        result = Visit(page)

        def guard(route: Route) -> None:
            if urlsplit(route.request.url)[:2] == origin:
                route.continue_()
            else:
                result.offsite.append(route.request.url)
                route.abort()

        context.route("**/*", guard)
        context.add_init_script(script)
        page.on("response", lambda response: result.responses.append(response))
        page.on("pageerror", lambda error: result.errors.append(str(error)))
        page.on(
            "console",
            lambda line: result.errors.append(line.text) if line.type == "error" else None,
        )
        answer = page.goto(url, wait_until="load")
        if answer is None or not answer.ok:
            raise FileNotFoundError(f"{url}: {answer.status if answer else 'no answer'}")
        page.evaluate("document.fonts.ready.then(() => null)")
        yield result
    finally:
        context.close()


def offsite_requests(instance: Browser, url: str) -> list[str]:
    """Addresses on other origins that the page at ``url`` asks for, scrolled to its end."""
    with visit(instance, url) as seen:
        seen.settle()
        return seen.offsite


def page_weight(instance: Browser, url: str) -> dict[str, int]:
    """What a first visit to ``url`` loads: each file's path and its size in bytes under gzip.

    The page's own figures (``_images/``) are left out.
    """
    with visit(instance, url) as seen:
        seen.settle()
        return seen.weight()


def axe_findings(instance: Browser, url: str, *, scheme: str = "light") -> list[dict[str, Any]]:
    """axe-core's serious and critical findings on the page at ``url``, folded text unfolded."""
    from axe_playwright_python.sync_playwright import Axe

    with visit(instance, url, scheme=scheme) as seen:
        seen.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        found = Axe().run(seen.page).response["violations"]
    return [finding for finding in found if finding["impact"] in ("serious", "critical")]
