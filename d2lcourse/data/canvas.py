"""How the generators draw: n small pictures at once, from parts with anti-aliased outlines.

A part is a signed distance to an outline, negative inside. Every parameter is an array of shape
(n, 1, 1), every part one of shape (n, 28, 28). Lengths are in half image widths: the image reaches
from -1 to 1, u to the right and v down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass
class Canvas:
    """n images under way: where their pixels lie, what is painted, and the randomness to use."""

    rng: np.random.Generator
    n: int

    def __post_init__(self) -> None:
        side = (np.arange(28) + 0.5) / 14 - 1
        # A small rotation, stretch and shift of every image, applied to the pixels' places.
        angle = self.normal(0.0, 0.04)
        x = (side[None, None, :] - self.normal(0.0, 0.04)) / self.between(0.9, 1.06)
        y = (side[None, :, None] - self.normal(0.0, 0.04)) / self.between(0.9, 1.06)
        self.u, self.v = (
            x * np.cos(angle) + y * np.sin(angle),
            y * np.cos(angle) - x * np.sin(angle),
        )
        self.light = np.zeros((self.n, 28, 28))  # grey level, 0 to 1
        self.cover = np.zeros((self.n, 28, 28))  # how much of the pixel is garment, 0 to 1

    def between(self, low: float, high: float) -> NDArray:
        """Return one uniform number per image."""
        return self.rng.uniform(low, high, (self.n, 1, 1))

    def normal(self, mean: float, deviation: float) -> NDArray:
        """Return one normal number per image, cut off at two deviations."""
        z = np.clip(self.rng.normal(0.0, 1.0, (self.n, 1, 1)), -2.0, 2.0)
        return mean + deviation * z

    def chance(self, p: float) -> NDArray:
        """Return 1.0 for about a share p of the images and 0.0 for the others."""
        return (self.rng.random((self.n, 1, 1)) < p).astype(float)

    def paint(self, distance: NDArray, light: NDArray | float) -> None:
        """Lay an opaque part on top, of that grey level, where `distance` is negative."""
        mask = inside(distance)
        self.light += mask * (light - self.light)
        self.cover = np.maximum(self.cover, mask)

    def shade(self, distance: NDArray, factor: NDArray | float) -> None:
        """Make what is painted darker (factor < 1) or lighter, where `distance` is negative."""
        self.light *= 1.0 + inside(distance) * (factor - 1.0)

    def cut(self, distance: NDArray) -> None:
        """Take away what is painted, where `distance` is negative."""
        hole = 1.0 - inside(distance)
        self.light *= hole
        self.cover *= hole

    def finish(self) -> NDArray[np.uint8]:
        """Add folds, light from one side and grain; return (n, 28, 28) grey levels 0 to 255."""
        bend = (
            self.between(2.0, 7.0) * self.u
            + self.between(-4.0, 4.0) * self.v
            + self.between(0.0, 2 * np.pi)
        )
        folds = 1.0 + self.between(0.0, 0.16) * np.sin(bend + 1.5 * np.sin(2.0 * self.v))
        sides = 1.0 - self.between(0.0, 0.25) * self.u**2 + self.between(-0.12, 0.12) * self.u
        grain = self.rng.normal(0.0, 1.0, self.light.shape) * self.between(0.005, 0.045)
        image = self.light * folds * sides + self.cover * grain
        return np.rint(255 * np.clip(image, 0.0, 1.0)).astype(np.uint8)


def inside(distance: NDArray) -> NDArray:
    """Return the covered share of each pixel, whose width is 1/14."""
    return np.clip(0.5 - 14.0 * distance, 0.0, 1.0)


def ramp(x: NDArray, start: NDArray | float, end: NDArray | float) -> NDArray:
    """Return 0 before `start`, 1 after `end`, and a smooth rise between them."""
    t = np.clip((x - start) / (end - start), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def line(distance: NDArray, width: NDArray | float) -> NDArray:
    """Return the signed distance to a stroke of that half width along distance = 0."""
    return np.abs(distance) - width


def only(flag: NDArray, distance: NDArray) -> NDArray:
    """Return the part where flag is 1.0, and nothing (all far outside) where it is 0.0."""
    return distance + 9.0 * (1.0 - flag)


def most(*distances: NDArray) -> NDArray:
    """Return the signed distance to the intersection of the parts."""
    result = distances[0]
    for distance in distances[1:]:
        result = np.maximum(result, distance)
    return result


def weave(c: Canvas, stripes: float, checks: float) -> NDArray:
    """Return the cloth's pattern as a factor: plain, striped across, or checked."""
    depth, turns = c.between(0.25, 0.75), c.between(4.0, 13.0)
    phase = c.between(0.0, 2 * np.pi)
    across = 0.5 + 0.5 * np.sin(turns * c.v + phase)
    along = 0.5 + 0.5 * np.sin(turns * c.u + phase)
    striped, checked = c.chance(stripes), c.chance(checks)
    return 1.0 - depth * np.maximum(striped * across, checked * (across + along) / 2)
