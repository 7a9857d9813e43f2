"""A chapter's demo, opened in the browser, and PyTorch's answers to the same inputs."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from conftest import HTML
from playwright.sync_api import Browser, Locator, Page

from tools.browser import Visit, visit
from tools.demos import MIME
from tools.notebooks import code, read

TOLERANCE = 1e-3  # between an answer in the page and PyTorch's
LATER = 100  # milliseconds that an answer may take once the demo is open

# Keeps every answer of a demo, with the time at which it came.
LISTEN = """
window.answers = [];
addEventListener("demo:run", ({ detail }) => {
  const plain = (tensor) => ({ dims: tensor.dims, data: Array.from(tensor.data, Number) });
  answers.push({
    title: detail.title,
    time: detail.time,
    inputs: detail.inputs.map(plain),
    outputs: detail.outputs.map(plain),
  });
});
"""


@dataclass
class DemoPage:
    """One demo in its chapter's page."""

    chapter: str
    name: str
    seen: Visit

    @property
    def page(self) -> Page:
        return self.seen.page

    @property
    def place(self) -> Locator:
        return self.page.locator(f".demo[data-demo='{self.name}']")

    def open(self) -> float:
        """Open the demo, wait for its first answer, and return the milliseconds it took."""
        self.place.scroll_into_view_if_needed()
        started = self.page.evaluate(
            "name => { const t = performance.now();"
            "document.querySelector(`.demo[data-demo='${name}'] > button`).click(); return t }",
            self.name,
        )
        self.wait(1)
        return self.page.evaluate("answers[0].time") - started

    def count(self) -> int:
        """How many answers there have been."""
        return self.page.evaluate("answers.length")

    def wait(self, number: int) -> None:
        """Wait until there have been this many answers."""
        self.page.wait_for_function("number => answers.length >= number", arg=number)

    def settle(self, milliseconds: int = 300) -> None:
        """Wait until no answer has come for this long."""
        before = -1
        while before != (before := self.count()):
            self.page.wait_for_timeout(milliseconds)

    def answers(self, title: str | None = None) -> list[dict[str, Any]]:
        """Every answer so far, or those of one model; inputs and outputs are NumPy arrays."""
        # As one text: Playwright takes seconds for long lists. JSON writes null for NaN.
        text = self.page.evaluate(
            "title => JSON.stringify(answers.filter((a) => !title || a.title === title))", title
        )
        found = json.loads(text)
        for answer in found:
            for side in ("inputs", "outputs"):
                answer[side] = [_array(tensor) for tensor in answer[side]]
        return found

    def milliseconds(self, act: str, argument: Any = None) -> float:
        """Run JavaScript that acts as the reader would; return the time until the next answer."""
        before = self.count()
        started = self.page.evaluate(
            f"argument => {{ const t = performance.now(); ({act})(argument); return t }}", argument
        )
        self.wait(before + 1)
        return self.page.evaluate("n => answers[n].time", before) - started

    def median_milliseconds(self, act: str, rest: int = 300) -> float:
        """The median of `milliseconds` over five acts, with quiet after each of them."""
        taken = []
        for _ in range(5):
            taken.append(self.milliseconds(act))
            self.settle(rest)
        return sorted(taken)[2]

    def pytorch(self, title: str, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """The outputs of the network that the chapter trained, run by PyTorch on these inputs."""
        arguments = [
            torch.from_numpy(item.astype(dtype))
            for item, dtype in zip(inputs, _types(self.chapter, self.name, title), strict=True)
        ]
        with torch.no_grad():
            outputs = _network(self.chapter, self.name, title)(*arguments)
        outputs = outputs if isinstance(outputs, tuple | list) else (outputs,)
        return [output.numpy() for output in outputs]

    def difference(self, title: str) -> float:
        """The largest difference between the page's and PyTorch's outputs, of all its answers."""
        largest = 0.0
        answers = self.answers(title)
        assert answers, f"{title} has not answered"
        for answer in answers:
            theirs = self.pytorch(title, answer["inputs"])
            for ours, reference in zip(answer["outputs"], theirs, strict=True):
                assert ours.shape == reference.shape
                largest = max(largest, float(np.abs(ours - reference).max(initial=0)))
        return largest


@contextmanager
def on_page(
    chromium: Browser, address: str, chapter: str, name: str, **view: Any
) -> Iterator[DemoPage]:
    """The chapter's page with the demo closed; `view` goes to `tools.browser.visit`."""
    url = f"{address}/notebooks/{chapter}.html"
    with visit(chromium, url, script=LISTEN, **view) as seen:
        yield DemoPage(chapter, name, seen)


@contextmanager
def opened(
    chromium: Browser, address: str, chapter: str, name: str, **view: Any
) -> Iterator[DemoPage]:
    """The chapter's page with the demo open and its first answers shown."""
    with on_page(chromium, address, chapter, name, **view) as demo:
        demo.open()
        demo.settle()
        yield demo


def _array(tensor: dict[str, list[Any]]) -> np.ndarray:
    values = tensor["data"]
    dtype = float if None in values else None
    return np.array(values, dtype=dtype).reshape(tensor["dims"])


def _about(chapter: str, name: str) -> dict[str, Any]:
    """What the chapter left of the demo when it ran."""
    executed = read(HTML.parent / "executed" / f"{chapter}.ipynb")
    outputs = [output for cell in code(executed) for output in cell.outputs]
    found = [output.data[MIME] for output in outputs if MIME in output.get("data", {})]
    return next(about for about in found if about["name"] == name)


_PROGRAMS: dict[tuple[str, str, str], torch.export.ExportedProgram] = {}


def _program(chapter: str, name: str, title: str) -> torch.export.ExportedProgram:
    key = (chapter, name, title)
    if key not in _PROGRAMS:
        contents = base64.b64decode(_about(chapter, name)["models"][title]["pt2"])
        _PROGRAMS[key] = torch.export.load(io.BytesIO(contents))
    return _PROGRAMS[key]


def _network(chapter: str, name: str, title: str) -> torch.nn.Module:
    return _program(chapter, name, title).module()


def _types(chapter: str, name: str, title: str) -> list[str]:
    program = _program(chapter, name, title)
    inputs = program.graph_signature.user_inputs
    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    return [str(values[item].dtype).removeprefix("torch.") for item in inputs]
