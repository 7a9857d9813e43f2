"""Put the chapters' demos on their pages.

A chapter's cell that calls `d2lcourse.demo` leaves one output of a type of its own: the demo's
name, its data and its models. Here that becomes a place in the page, which
`book/_static/demos/open.js` fills, and files beside the pages, which are loaded on demand.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator

from nbformat import NotebookNode

from tools.notebooks import code

MIME = "application/vnd.d2lcourse.demo+json"  # d2lcourse.demos.MIME, without loading torch

# Once in a page. `open.js` finds every place; nothing else of a demo is loaded before it is opened.
ASSETS = """<link rel="stylesheet" href="../../_static/demos/demos.css">
<script defer src="../../_static/demos/open.js"></script>
"""

PLACE = """<div class="demo" data-demo="{name}" data-files="../../demos/{chapter}/{name}/">
<noscript><p>With scripts switched on, this picture is a demo to play with.</p></noscript>
</div>"""


def place(notebook: NotebookNode, chapter: str) -> dict[str, bytes]:
    """Turn the demos among a chapter's outputs into places in its page.

    A cell's picture comes before its demo: the demo takes the picture's place when it is opened.

    Args:
        notebook: the chapter with its outputs; they are changed.
        chapter: its name, for example ``"cnn/resnet"``.

    Returns:
        The files that the demos load, by their path below the site's ``demos/``.
    """
    files: dict[str, bytes] = {}
    for cell in code(notebook):
        demos = [output for output in cell.outputs if MIME in output.get("data", {})]
        cell.outputs = [output for output in cell.outputs if output not in demos]
        for output in demos:
            about = output.data[MIME]
            name = about["name"]
            text = PLACE.format(name=html.escape(name), chapter=chapter)
            output.data = NotebookNode({"text/html": text if files else ASSETS + text})
            cell.outputs.append(output)
            files.update(contents(about, f"{chapter}/{name}"))
    return files


def contents(about: NotebookNode, folder: str) -> Iterator[tuple[str, bytes]]:
    """Yield the path and bytes of each file of one demo."""
    for title, forms in about["models"].items():
        yield f"{folder}/{title}.onnx", base64.b64decode(forms["onnx"])
    page = {"models": sorted(about["models"]), "data": about["data"]}
    yield f"{folder}/demo.json", json.dumps(page, separators=(",", ":")).encode()
