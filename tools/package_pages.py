"""Write what needs the helper package imported: data cards, API page, landing picture.

    python -m tools.package_pages FOLDER

Importing the package imports PyTorch, so `tools.pages` runs this only when the package changed.
"""

from __future__ import annotations

import argparse
import inspect
import re
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

import d2lcourse as d2l
from d2lcourse.data.scene_cards import SCENE_CARDS
from d2lcourse.data.shape_painting import DOMAINS
from tools.pages import EDIT_NOTE

SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises|Source|Note|Example|Examples):$")
LISTS = {"Args": "Arguments", "Attributes": "Attributes", "Raises": "Raises"}
WIDTH = 88  # columns of code that a page shows without scrolling
SCENES_PICTURE = "shapes.png"


def api() -> str:
    """Return the page that documents every public name, from signatures and docstrings."""
    return f"""{EDIT_NOTE}# The helper package

`d2lcourse` holds what several chapters share: setup, data, the training loop, figures and checks.
What a chapter teaches it builds itself. Every chapter imports it as `d2l`:

```python
import d2lcourse as d2l
```

## Setup, training, figures and checks

{module_section(d2l, "d2l")}
## Data

{module_section(d2l.data, "d2l.data")}"""


def module_section(module: ModuleType, prefix: str) -> str:
    """Return the entries of a module's public names, modules among them left out."""
    names = [n for n in sorted(module.__all__, key=str.casefold)]
    objects = {f"{prefix}.{name}": getattr(module, name) for name in names}
    return "\n".join(
        entry(name, thing) for name, thing in objects.items() if not inspect.ismodule(thing)
    )


def entry(name: str, thing: Any, level: int = 3) -> str:
    """Return one function's, class's or value's entry, with a class's public members below it."""
    lines = [f"{'#' * level} `{name}`", ""]
    if callable(thing):
        lines += ["```python", signature(name.removeprefix("d2l."), thing), "```", ""]
        lines += [markdown(inspect.getdoc(thing) or ""), ""]
    else:
        lines += ["```python", f"{name} = {thing!r}", "```", ""]
    if inspect.isclass(thing):
        for member, value in vars(thing).items():
            if member.startswith("_") or not inspect.getdoc(value):
                continue
            short = f"{thing.__name__}.{member}"
            if isinstance(value, property):
                lines += [f"#### `{short}`", "", markdown(inspect.getdoc(value) or ""), ""]
            elif inspect.isfunction(value):
                lines += [entry(short, value, level=4)]
    return "\n".join(lines)


def signature(name: str, thing: Any) -> str:
    """Return a call's signature, an argument a line where one line is too short."""
    shown = inspect.signature(thing)
    parameters = [p for p in shown.parameters.values() if p.name != "self"]
    shown = shown.replace(
        parameters=[p.replace(annotation=_plain(p.annotation)) for p in parameters],
        return_annotation=_plain(shown.return_annotation),
    )
    if inspect.isclass(thing):
        shown = shown.replace(return_annotation=inspect.Signature.empty)
    one_line = f"{name}{shown}"
    if len(one_line) <= WIDTH:
        return one_line
    inside = [str(p) for p in shown.parameters.values()]
    kinds = [p.kind for p in shown.parameters.values()]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        inside.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    body = "".join(f"    {argument},\n" for argument in inside)
    result = shown.replace(parameters=[])
    return f"{name}(\n{body}{str(result).removeprefix('(')}"


class _Bare(str):
    """An annotation that prints as it was written, without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _plain(annotation: Any) -> Any:
    return _Bare(annotation) if isinstance(annotation, str) else annotation


def markdown(docstring: str) -> str:
    """Return a Google-style docstring as Markdown: sections, lists and doctests as code."""
    blocks: list[str] = []
    section: str = ""
    body: list[str] = []
    for line in [*docstring.splitlines(), "Note:"]:  # the last one flushes the section before it
        heading = SECTION.match(line)
        if not heading and (not section or not line or line.startswith(" ")):
            body.append(line)
            continue
        blocks.append(_section(section, textwrap.dedent("\n".join(body)).strip("\n")))
        section, body = (heading[1], []) if heading else ("", [line])
    return "\n\n".join(block for block in blocks if block)


def _section(name: str, text: str) -> str:
    """Return one section's Markdown; the text before the first section has no name."""
    if name in LISTS:
        items = re.split(r"\n(?=\S)", text)
        lines = []
        for item in items:
            what, _, meaning = item.partition(":")
            lines.append(f"- `{what.strip()}`: {_prose(' '.join(meaning.split()))}")
        return f"**{LISTS[name]}**\n\n" + "\n".join(lines)
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.startswith(">>>"):
            paragraphs.append(f"```pycon\n{paragraph}\n```")
        else:
            paragraphs.append(_prose(paragraph))
    return (f"**{name}**\n\n" if name else "") + "\n\n".join(paragraphs) if text else ""


def _prose(text: str) -> str:
    """Return text in which backticks mark code and addresses are links, and no more."""
    pieces = re.split(r"(`+.+?`+)", text, flags=re.DOTALL)
    for i, piece in enumerate(pieces):
        if i % 2 == 0:
            piece = re.sub(r"([$<])", r"\\\1", piece)
            pieces[i] = re.sub(r"https?://[^\s,;)]*[^\s,;).]", r"<\g<0>>", piece)
    return "".join(pieces)


def data_cards() -> str:
    """Return the page with one card for each data set."""
    return f"""{EDIT_NOTE}# Data cards

Every data set of the book is loaded by one call, most by `d2l.data.load(name, split=…, scale=…)`;
each card shows its call. At small scale nothing is downloaded: the data ship with a package the
book needs, or are generated from a fixed seed. At full scale the real set is fetched once, checked
and kept. A set that exists only as a download has no small scale.

{chr(10).join(data_card(name) for name in d2l.data.names())}
{pairs_card("translation")}
{chr(10).join(scenes_card(name) for name in SCENE_CARDS)}"""


def pairs_card(name: str) -> str:
    """Return the card of a set of sentence pairs, with its first three."""
    pairs = d2l.data.load_pairs(name, scale="small", n=3)
    shown = [f"| {s} | {t} |" for s, t in zip(pairs.source, pairs.target, strict=True)]
    return data_card(
        name,
        f'pairs = d2l.data.load_pairs("{name}")',
        "\n".join(["| Source | Target |", "| --- | --- |", *shown]),
    )


def scenes_card(name: str) -> str:
    """Return the card of a set of scenes; the generated one has a picture (see `scenes`)."""
    small = "small" in SCENE_CARDS[name].sizes
    scale = "" if small else ', scale="full"'
    return data_card(
        name,
        f'scenes = d2l.data.load_scenes("{name}"{scale})',
        "![Eight scenes. Coloured circles, squares, triangles, stars, crosses and rings lie over "
        "photographs of brick, grass, gravel, a coffee cup and a cat, among lines and blotches. "
        "Each shape has a box with its class. Below, the same scenes' shapes as flat colours on "
        "black, a colour for each class, and one scene by day, at night, in fog and as a "
        f"sketch.]({SCENES_PICTURE})"
        if small
        else "",
    )


def data_card(name: str, call: str = "", examples: str = "") -> str:
    """Return one data set's card; `call` loads it, if not `load`, and `examples` end the card."""
    card = d2l.data.card(name)
    sizes = "; ".join(
        f"{scale}: " + ", ".join(f"{count:,} {split}" for split, count in splits.items())
        for scale, splits in card.sizes.items()
    )
    facts = {
        "One example": card.shape,
        "Examples": sizes,
        "Classes": ", ".join(map(str, card.classes)),
        "Features": ", ".join(card.features),
        "Made": card.made,
        "Origin": card.origin,
        "Licence": card.licence,
        "At full scale": card.full,
    }
    lines = [f"- **{fact}**: {_prose(text)}" for fact, text in facts.items() if text]
    scale = "" if "small" in card.sizes else ', scale="full"'
    call = call or f'X, y = d2l.data.load("{card.name}"{scale}).tensors'
    parts = [_prose(card.description), f"```python\n{call}\n```", "\n".join(lines), examples]
    return "\n\n".join([f"## {card.title}", *filter(None, parts), ""])


def hero(path: Path) -> None:
    """Draw the landing page's picture: a small network learning to tell two spirals apart."""
    import matplotlib.pyplot as plt

    d2l.setup(seed=0, scale="small", device="cpu")
    train = d2l.data.load("toys2d/spirals", split="train").tensors
    test = d2l.data.load("toys2d/spirals", split="test").tensors
    model = nn.Sequential(
        nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    fig, axes = plt.subplots(1, 4, figsize=(8, 2.7), layout="constrained")
    scores, trained = [], 0
    for ax, epochs in zip(axes, (0, 5, 15, 40), strict=True):
        if epochs > trained:
            d2l.fit(
                model,
                nn.functional.cross_entropy,
                optimizer,
                train,
                epochs=epochs - trained,
                batch_size=64,
                progress=False,
            )
            trained = epochs
        scores.append(d2l.evaluate(model, test, metrics={"accuracy": d2l.accuracy})["accuracy"])
        d2l.decision_regions(model, *test, ax=ax)
        ax.set_title(f"epoch {epochs}", loc="center", fontsize=14)
        ax.set_xlabel(f"{scores[-1]:.0%} right", fontsize=14)
        ax.set(ylabel="", xticks=[], yticks=[])
    if scores[-1] < 0.97:
        raise SystemExit(f"the landing picture's network reached only {scores[-1]:.0%}")
    fig.savefig(path, dpi=200)


def scenes(path: Path) -> None:
    """Draw the card's picture of `shapes`: boxes, masks and domains."""
    import matplotlib.pyplot as plt
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Rectangle

    size, colours = 96, ListedColormap(["black", *plt.get_cmap("Set2")(range(6))])
    shown = d2l.data.load_scenes("shapes", "test", scale="small", n=8, size=size)
    fig, axes = plt.subplots(3, 8, figsize=(11, 4.3), layout="constrained")
    for i in range(8):
        axes[0, i].imshow(shown.images[i].permute(1, 2, 0))
        for box, label in zip(shown.boxes[i].tolist(), shown.labels[i], strict=True):
            corner, width, height = box[:2], box[2] - box[0], box[3] - box[1]
            axes[0, i].add_patch(Rectangle(corner, width, height, fill=False, ec="w", lw=1.2))
            axes[0, i].text(
                box[0], max(box[1], 9), shown.classes[label], fontsize=7, va="bottom", color="w"
            )
        axes[1, i].imshow(shown.semantic[i], cmap=colours, vmin=0, vmax=6)
    for i, domain in enumerate(DOMAINS):
        seen = d2l.data.load_scenes("shapes", "test", scale="small", n=8, size=size, domain=domain)
        for j in (0, 1):
            axes[2, 2 * i + j].imshow(seen.images[4 * j + 3].permute(1, 2, 0))
            axes[2, 2 * i + j].set_xlabel(domain, fontsize=10)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[], frame_on=False)
    fig.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="where to write; must exist")
    folder = parser.parse_args().folder
    (folder / "api.md").write_text(api(), encoding="utf-8")
    (folder / "data-cards.md").write_text(data_cards(), encoding="utf-8")
    hero(folder / "hero.png")
    scenes(folder / SCENES_PICTURE)


if __name__ == "__main__":
    main()
