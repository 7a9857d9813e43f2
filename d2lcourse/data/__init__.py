"""Data sets behind one call: ``load(name, split, scale=..., n=..., seed=...)``.

At small scale every set ships with a dependency or is generated here, so nothing is downloaded; at
full scale `load` returns the real set that it stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from ..errors import unknown
from ..session import SCALES
from . import downloads, fashion, glyphs, photos, tables, toys2d
from .base import Arrays, Card, Dataset, stream, valid_scale
from .cards import CARDS
from .pairs import TRANSLATION, Pairs, load_pairs
from .scene_cards import SCENE_CARDS
from .scenes import Scenes, load_scenes

__all__ = [
    "Card",
    "Dataset",
    "Pairs",
    "Scenes",
    "card",
    "load",
    "load_pairs",
    "load_scenes",
    "names",
]

_Generator = Callable[[np.random.Generator, int, str], Arrays]  # (stream, n, split)
_Reader = Callable[[str], Arrays]  # (split)


def _toy(toy: str) -> _Generator:
    return lambda rng, n, split: toys2d.draw(toy, rng, n)


def _generators() -> dict[tuple[str, str], _Generator]:
    made: dict[tuple[str, str], _Generator] = {
        ("fashion_mnist", "small"): lambda rng, n, split: fashion.draw(rng, n),
        ("glyphs", "small"): glyphs.draw,
    }
    made |= {(f"toys2d/{toy}", scale): _toy(toy) for toy in toys2d.TOYS for scale in SCALES}
    return made


def _readers() -> dict[tuple[str, str], _Reader]:
    read: dict[tuple[str, str], _Reader] = {
        ("photos", "small"): partial(photos.read, side=256),
        ("photos", "full"): partial(photos.read, side=512),
    }
    for name in ("digits", "breast_cancer", "wine", "iris", "diabetes"):
        for scale in SCALES:
            read[name, scale] = partial(tables.read, name)
    for name in downloads.TORCHVISION:
        read[name, "full"] = partial(downloads.images, name)
    for name in downloads.CACHED:
        read[name, "full"] = partial(downloads.table, name)
    return read


_GENERATORS, _READERS = _generators(), _readers()


def names() -> list[str]:
    """Return the names that `load` knows.

    >>> "fashion_mnist" in names()
    True
    """
    return list(CARDS)


def card(name: str) -> Card:
    """Return the card of a data set: what it is, where it comes from, under which licence.

    Args:
        name: one of `names()`, or a set that `load_pairs` or `load_scenes` loads; ``"toys2d"`` is
            short for ``"toys2d/moons"``.

    Raises:
        ValueError: there is no such set.

    >>> card("iris").classes
    ('setosa', 'versicolor', 'virginica')
    """
    if name == TRANSLATION.name:
        return TRANSLATION
    if name in SCENE_CARDS:
        return SCENE_CARDS[name]
    found = CARDS.get("toys2d/moons" if name == "toys2d" else name)
    if found is None:
        raise unknown("data set", name, CARDS)
    return found


def load(
    name: str,
    split: str = "train",
    *,
    scale: str | None = None,
    n: int | None = None,
    seed: int = 0,
) -> Dataset:
    """Load a data set into memory.

    Args:
        name: one of `names()`; ``"toys2d"`` is short for ``"toys2d/moons"``.
        split: ``"train"`` or ``"test"``.
        scale: ``"small"`` (offline) or ``"full"`` (the real set, downloaded on first use); by
            default what `setup` chose.
        n: how many examples. A generated set makes exactly n; a stored one gives its first n, in
            a fixed shuffled order.
        seed: which sample of a generated set; other sets ignore it.

    Returns:
        A `Dataset` with ``X`` float32 (N, ...) and ``y`` int64 class numbers, or float32 targets
        for regression, (N,). Images are (N, channels, height, width) in [0, 1].

    Raises:
        ValueError: a name, split, scale, n or seed that does not exist.
        ConnectionError: the full set could not be fetched.
        OSError: the full set arrived damaged or cannot be written.

    >>> load("digits", "test")
    digits/test (small): X (359, 1, 8, 8) float32, y (359,) int64, 10 classes
    """
    about = card(name)
    if about is TRANSLATION:
        raise ValueError(f"{name!r} holds sentences, not tensors: ask for load_pairs({name!r})")
    if name in SCENE_CARDS:
        raise ValueError(f"{name!r} holds boxes and masks as well: ask for load_scenes({name!r})")
    scale = valid_scale(split, scale, n, seed)
    if scale not in about.sizes:
        raise ValueError(
            f"data set {about.name!r} is a download and has no small scale: ask for scale='full', "
            f"or for {downloads.SMALL[about.name]!r}, a small table that needs none"
        )

    key = (about.name, scale)
    if key in _GENERATORS:
        size = about.sizes[scale][split] if n is None else int(n)
        X, y = _GENERATORS[key](stream(about.name, split, int(seed)), size, split)
    else:
        X, y = _READERS[key](split)
        if n is not None and n > len(y):
            raise ValueError(
                f"n={n} examples of {about.name!r}, but its {split} split has {len(y)} "
                f"at scale {scale!r}"
            )
        X, y = X[:n], y[:n]
    inputs = torch.from_numpy(X)
    if inputs.dtype == torch.uint8:
        inputs = inputs.float().div_(255)
    return Dataset(inputs, torch.from_numpy(y), about, split, scale)
