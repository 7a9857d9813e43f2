"""What every data set is made of: the `Card`, the `Dataset`, and fixed streams of randomness."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import unknown
from ..session import SCALES, current_scale

SPLITS = ("train", "test")

# What a generator or a reader hands over: X and y as NumPy arrays, rows first.
Arrays = tuple[NDArray, NDArray]


@dataclass(frozen=True)
class Card:
    """What a data set is, where it comes from and under which licence.

    Attributes:
        name: the name to give to `load`.
        title: the name to read.
        description: one sentence.
        shape: one example in words: shape, units, range.
        classes: the class names in the order of the labels; empty for regression.
        sizes: ``sizes[scale][split]`` is the number of examples.
        origin: who made it, with a link.
        licence: the terms for the data.
        made: how it is generated, or which package ships it.
        full: what ``scale="full"`` gives, from where, and how many MB it downloads.
        features: the column names of a table; empty for images and points.
    """

    name: str
    title: str
    description: str
    shape: str
    classes: tuple[str, ...]
    sizes: Mapping[str, Mapping[str, int]]
    origin: str
    licence: str
    made: str
    full: str
    features: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Examples held in memory as two tensors, with the card that describes them.

    Attributes:
        X: the inputs, float32, (N, ...).
        y: the targets, (N,): int64 class numbers, or float32 for regression.
        card: what the data are.
        split: ``"train"`` or ``"test"``.
        scale: ``"small"`` or ``"full"``.
    """

    X: torch.Tensor
    y: torch.Tensor
    card: Card
    split: str
    scale: str

    @property
    def tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The pair ``(X, y)``, to unpack in one line."""
        return self.X, self.y

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names in the order of the labels; empty for regression."""
        return self.card.classes

    def to(self, device: torch.device | str) -> Dataset:
        """Return the same data with both tensors on `device`."""
        return replace(self, X=self.X.to(device), y=self.y.to(device))

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        parts = [
            f"{name} {tuple(t.shape)} {str(t.dtype).removeprefix('torch.')}"
            for name, t in (("X", self.X), ("y", self.y))
        ]
        if self.classes:
            parts.append(f"{len(self.classes)} classes")
        return f"{self.card.name}/{self.split} ({self.scale}): {', '.join(parts)}"


def valid_scale(
    split: str,
    scale: str | None,
    n: int | None,
    seed: int,
    things: str = "examples",
    splits: tuple[str, ...] = SPLITS,
) -> str:
    """Check what every loader is asked for, and return the scale: by default what `setup` chose.

    Raises:
        ValueError: a split, scale, n or seed that does not exist; `things` is what n counts.
    """
    scale = current_scale() if scale is None else scale
    if scale not in SCALES:
        raise unknown("scale", scale, SCALES)
    if split not in splits:
        raise unknown("split", split, splits)
    if n is not None and (not is_whole(n) or n < 1):
        raise ValueError(f"n={n!r} is not a whole number of {things}, 1 or more")
    if not is_whole(seed) or seed < 0:
        raise ValueError(f"seed={seed!r} is not a whole number, 0 or more")
    return scale


def is_whole(value: object) -> bool:
    """Say whether a value is a whole number; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def stream(name: str, split: str, seed: int) -> np.random.Generator:
    """Return the random generator of one split of one set; no two of them share a stream."""
    key = (zlib.crc32(name.encode()), SPLITS.index(split))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def balanced_labels(rng: np.random.Generator, n: int, classes: int) -> NDArray[np.int64]:
    """Return n shuffled labels whose class counts differ by one at most."""
    return shuffled(rng, n) % classes


def shuffled(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    """Return 0..n-1 in random order (by sorting uniforms, which every NumPy does alike)."""
    return np.argsort(rng.random(n), kind="stable")


def held_out(y: NDArray, split: str, classes: int) -> NDArray[np.int64]:
    """Return the rows of one side of the fixed 80/20 split, in a fixed shuffled order.

    Args:
        y: the targets of all rows, (N,).
        split: ``"train"`` (four fifths) or ``"test"`` (one fifth).
        classes: the number of classes, each of which is split alike; 0 for regression.
    """
    order = shuffled(stream("held out", "train", 0), len(y))
    groups = [order[y[order] == label] for label in range(classes)] or [order]
    in_test = np.zeros(len(y), bool)
    for group in groups:
        in_test[group[: round(len(group) / 5)]] = True
    return order[in_test[order] == (split == "test")]
