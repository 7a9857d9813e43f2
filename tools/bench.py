"""Measure what the book promises about its own speed, and say whether each promise is kept.

Prints a table and writes `_build/bench.json`, a list of `{name, value, unit, bar, ok}`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from tools.notebooks import ROOT, Book, read, write
from tools.run import environment

PART = "foundations"
SAMPLE_PAGES = (
    "book/index.html",
    "book/how-to-use.html",
    "book/glossary.html",
    "notebooks/foundations/softmax-regression.html",
    "notebooks/foundations/tensors.html",
)


@dataclass
class Figure:
    """One measured figure and the bar it must keep to (`ok` None: not measured here)."""

    name: str
    value: float
    unit: str
    bar: str
    ok: bool | None


def at_most(name: str, value: float, bar: float, unit: str) -> Figure:
    """Return a figure that must not exceed `bar`."""
    return Figure(name, round(value, 3), unit, f"<= {bar:g}", value <= bar)


def seconds(function: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def ratio(ours: Callable[[], object], theirs: Callable[[], object], repeats: int) -> float:
    """Return the median over `repeats` of our time over theirs, timed side by side.

    Both sides of a pair run within seconds of each other, so that what else the machine does
    weighs on both; the order alternates, so that neither always goes first.
    """
    ratios = []
    for i in range(repeats):
        if i % 2:
            mine, other = seconds(ours), seconds(theirs)
        else:
            other, mine = seconds(theirs), seconds(ours)
        ratios.append(mine / other)
    return statistics.median(ratios)


def imports() -> list[Figure]:
    """Compare importing the helper package with importing torch, in fresh processes."""

    def fresh(module: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True)

    fresh("d2lcourse")()  # the first import writes .pyc files and fills the disk's cache
    found = ratio(fresh("d2lcourse"), fresh("torch"), repeats=11)
    return [at_most("import d2lcourse / import torch", found, 1.10, "x")]


def training() -> list[Figure]:
    """Compare `fit` with a bare loop, and with a DataLoader that transforms image by image."""
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, Dataset
    from torchvision.transforms import functional as transforms

    import d2lcourse as d2l

    torch.set_num_threads(1)
    torch.manual_seed(0)
    pixels = torch.randint(0, 256, (60_000, 28, 28), dtype=torch.uint8)
    X, y = pixels[:, None] / 255, torch.randint(0, 10, (60_000,))
    loss = nn.CrossEntropyLoss()

    def softmax() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))

    def lenet() -> nn.Module:
        return nn.Sequential(
            *(nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2)),
            *(nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten()),
            *(nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid()),
            nn.Linear(84, 10),
        )

    class Images(Dataset):
        """A data set in torchvision's way: one PIL image at a time, made a tensor when asked."""

        def __len__(self) -> int:
            return len(pixels)

        def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
            return transforms.to_tensor(transforms.to_pil_image(pixels[i])), int(y[i])

    def ours(build: Callable[[], nn.Module], n: int) -> Callable[[], object]:
        def run() -> None:
            model = build()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            d2l.fit(model, loss, optimizer, (X[:n], y[:n]), epochs=1, batch_size=256)

        return run

    def step(model: nn.Module, optimizer: torch.optim.Optimizer, *batch: torch.Tensor) -> None:
        value = loss(model(batch[0]), batch[1])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    def bare(build: Callable[[], nn.Module], n: int) -> Callable[[], object]:
        def run() -> None:
            model = build()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            for rows in torch.randperm(n).split(256):
                step(model, optimizer, X[rows], y[rows])

        return run

    def loader() -> None:
        model = softmax()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for batch in DataLoader(Images(), batch_size=256, shuffle=True):
            step(model, optimizer, *batch)

    fast = ours(softmax, 60_000)
    fast()
    softmax_ratio = ratio(fast, bare(softmax, 60_000), repeats=21)
    lenet_ratio = ratio(ours(lenet, 12_000), bare(lenet, 12_000), repeats=9)
    speedup = 1 / ratio(fast, loader, repeats=3)
    return [
        at_most("fit / bare loop, softmax 60,000 x 784", softmax_ratio, 1.05, "x"),
        at_most("fit / bare loop, LeNet 28 x 28", lenet_ratio, 1.05, "x"),
        Figure(
            "fit against a transforming DataLoader", round(speedup, 1), "x", ">= 5", speedup >= 5
        ),
    ]


def book_run() -> list[Figure]:
    """Run the part's chapters anew on two workers, then the whole of `make book` twice."""
    command = [sys.executable, "-m", "tools.run", "--all", "--part", PART]
    wall = seconds(lambda: subprocess.run(command, cwd=ROOT, check=True))
    book = Book()
    slowest = max(
        float(read(book.executed(name)).metadata["d2lcourse"]["seconds"])
        for name in book.chapters(PART)
    )
    make = ["make", "-s", "book"]
    subprocess.run(make, cwd=ROOT, check=True)
    again = seconds(lambda: subprocess.run(make, cwd=ROOT, check=True))
    return [
        at_most("Foundations executed whole, two workers", wall, 240, "s"),
        at_most("slowest chapter of Foundations", slowest, 45, "s"),
        at_most("second make book, nothing changed", again, 10, "s"),
    ]


def pages() -> list[Figure]:
    """Open the built site in a browser with the network blocked."""
    from tools import browser

    html = ROOT / "_build" / "html"
    bars = (
        ("requests that leave the site, all pages", 0.0, "requests"),
        ("pages whose mathematics is not rendered", 0.0, "pages"),
        ("heaviest chapter page, compressed, no figures", 800.0, "KB"),
        ("serious or critical axe findings, 5 pages, light and dark", 0.0, "findings"),
    )
    if browser.find_chromium() is None:
        print(browser.HOW_TO_GET_ONE)
        return [Figure(name, float("nan"), unit, f"<= {bar:g}", None) for name, bar, unit in bars]
    paths = sorted(
        path.relative_to(html).as_posix()
        for folder in ("book", "notebooks")
        for path in (html / folder).rglob("*.html")
    )
    offsite, raw, findings, weights = 0, 0, 0, []
    with browser.site(html) as address, browser.browser() as chromium:
        for path in paths:
            offsite += len(browser.offsite_requests(chromium, f"{address}/{path}"))
            with browser.visit(chromium, f"{address}/{path}") as seen:
                unrendered = "[...document.querySelectorAll('.math')]"
                unrendered += ".filter(e => !e.querySelector('mjx-container')).length"
                raw += bool(seen.page.evaluate(unrendered))
            if path.startswith("notebooks/"):
                weights.append(sum(browser.page_weight(chromium, f"{address}/{path}").values()))
        for path in SAMPLE_PAGES:
            for scheme in ("light", "dark"):
                url = f"{address}/{path}"
                findings += len(browser.axe_findings(chromium, url, scheme=scheme))
    values = (offsite, raw, max(weights) / 1000, findings)
    return [
        at_most(name, value, bar, unit)
        for (name, bar, unit), value in zip(bars, values, strict=True)
    ]


def marks() -> list[Figure]:
    """Return Lighthouse's marks, each the median of three runs."""
    from tools import browser, lighthouse

    figures = []
    with browser.site(ROOT / "_build" / "html") as address:
        for page in lighthouse.PAGES:
            runs = [lighthouse.marks(f"{address}/{page}.html")[0] for _ in range(3)]
            for name, bar in lighthouse.BARS.items():
                mark = statistics.median(run[name] for run in runs)
                title = f"Lighthouse, {page.split('/')[-1]}: {name}"
                figures.append(Figure(title, mark, "of 100", f">= {bar}", mark >= bar))
    return figures


def outputs_in_git() -> list[Figure]:
    """Count the notebooks under version control that hold outputs."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.ipynb"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    names = [name for name in listed.stdout.split("\0") if name]
    count = sum(
        any(cell.get("outputs") or cell.get("execution_count") for cell in read(ROOT / name).cells)
        for name in names
    )
    return [at_most(f"notebooks with outputs in git (of {len(names)})", count, 0, "notebooks")]


GROUPS = {
    "imports": imports,
    "training": training,
    "book": book_run,
    "pages": pages,
    "lighthouse": marks,
    "git": outputs_in_git,
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"which of {', '.join(GROUPS)}; default: all")
    chosen = parser.parse_args(argv).groups or list(GROUPS)
    if strange := set(chosen) - set(GROUPS):
        parser.error(f"no such group: {', '.join(strange)}; there are {', '.join(GROUPS)}")
    os.environ.update(environment())
    figures = [figure for name in chosen for figure in GROUPS[name]()]
    write(ROOT / "_build" / "bench.json", json.dumps([asdict(f) for f in figures], indent=1) + "\n")
    for figure in figures:
        verdict = {True: "ok", False: "MISSED", None: "not measured"}[figure.ok]
        print(f"{figure.name:58} {figure.value:8g} {figure.unit:9} {figure.bar:>7}  {verdict}")
    return 1 if any(figure.ok is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
