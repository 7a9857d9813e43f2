"""`toys2d`: labelled points in the plane, for pictures of what a model does (generated)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .base import Arrays, balanced_labels


def moons(rng: np.random.Generator, y: NDArray[np.int64]) -> NDArray:
    """Two interleaved half circles of radius 1."""
    angle = np.pi * rng.random(len(y))
    sign = 1.0 - 2.0 * y
    points = np.stack([sign * np.cos(angle) + y, sign * np.sin(angle) + 0.5 * y], axis=1)
    return points + rng.normal(0.0, 0.12, points.shape)


def spirals(rng: np.random.Generator, y: NDArray[np.int64]) -> NDArray:
    """Two arms that wind once and a half around the origin, out to radius 1."""
    radius = np.sqrt(0.02 + 0.98 * rng.random(len(y)))
    angle = 3.0 * np.pi * radius + np.pi * y
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points + rng.normal(0.0, 0.03, points.shape)


def flower(rng: np.random.Generator, y: NDArray[np.int64]) -> NDArray:
    """Six petals of radius up to 4 around the origin, the two classes in turn."""
    petal = 2 * rng.integers(0, 3, len(y)) + y
    offset = rng.uniform(-1.0, 1.0, len(y))  # across the petal, -1 to 1
    angle = (petal + 0.4 * offset) * np.pi / 3
    radius = 4.0 * np.cos(0.5 * np.pi * offset) ** 0.5 * np.sqrt(rng.uniform(0.12, 1.0, len(y)))
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points + rng.normal(0.0, 0.08, points.shape)


def rings(rng: np.random.Generator, y: NDArray[np.int64]) -> NDArray:
    """Eight Gaussians (standard deviation 0.15) on a circle of radius 2; y is the component."""
    angle = y * np.pi / 4
    centres = 2.0 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return centres + rng.normal(0.0, 0.15, centres.shape)


def blobs(rng: np.random.Generator, y: NDArray[np.int64]) -> NDArray:
    """Two round clouds that a straight line separates (their noise is cut off at radius 1.2)."""
    angle = 2.0 * np.pi * rng.random(len(y))
    radius = np.minimum(np.abs(rng.normal(0.0, 0.6, len(y))), 1.2)
    noise = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return noise + (2.0 * y[:, None] - 1.0) * np.array([1.2, 0.8])


def xor(rng: np.random.Generator, y: NDArray[np.int64]) -> NDArray:
    """Four square clouds; y is 1 where exactly one coordinate is positive."""
    right = rng.integers(0, 2, len(y))
    up = right ^ y
    signs = 2.0 * np.stack([right, up], axis=1) - 1.0
    return signs * rng.uniform(0.1, 1.1, signs.shape)


TOYS: dict[str, Callable[[np.random.Generator, NDArray[np.int64]], NDArray]] = {
    "moons": moons,
    "spirals": spirals,
    "flower": flower,
    "rings": rings,
    "blobs": blobs,
    "xor": xor,
}


def draw(toy: str, rng: np.random.Generator, n: int) -> Arrays:
    """Return n points (n, 2) float32 of one toy and their classes (n,) int64, evenly shared."""
    y = balanced_labels(rng, n, 8 if toy == "rings" else 2)
    return TOYS[toy](rng, y).astype(np.float32), y
