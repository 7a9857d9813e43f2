"""How scenes of shapes are painted: outlines, light, stripes, what hides what, and domains.

A part (object or distracting mark) is a signed distance to its outline: negative inside, u and v
turned with the part, lengths in units of its extent. Per pixel there is only arithmetic that every
machine rounds alike (no sines, no powers), so the bytes are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray  # of float32

CLASSES = ("circle", "square", "triangle", "star", "cross", "ring")
DOMAINS = ("day", "night", "fog", "sketch")
LINE, BLOTCH = len(CLASSES), len(CLASSES) + 1  # the marks' kinds


@dataclass
class Parts:
    """m objects or marks of one chunk, sorted by layer; lengths in picture widths."""

    scene: NDArray[np.int64]
    layer: NDArray[np.int64]  # lower ones are painted first
    kind: NDArray[np.int64]
    x: NDArray
    y: NDArray
    extent: NDArray
    angle: NDArray
    colour: NDArray  # (m, 3)
    name: NDArray[np.int64]  # the colour's position in COLOURS
    look: NDArray  # (m, 6), uniform in [0, 1): shading, stripes, outline of marks

    def only(self, keep: NDArray) -> Parts:
        return Parts(**{field.name: getattr(self, field.name)[keep] for field in fields(self)})


# Outlines: signed distances in units of the part's extent

_STAR, _NOTCH = np.float32(0.6), np.float32(0.3)  # radii of the star's tips and inner corners
_COS, _SIN = np.float32(np.cos(np.pi / 5)), np.float32(np.sin(np.pi / 5))
REACH = np.array([0.5, 0.62, 0.62, 0.6, 0.58, 0.5])  # radius of the circle around each class


def _circle(u: Floats, v: Floats, look: Floats) -> Floats:
    return np.sqrt(u * u + v * v) - np.float32(0.5)


def _square(u: Floats, v: Floats, look: Floats) -> Floats:
    return np.maximum(np.abs(u), np.abs(v)) - np.float32(0.438)


def _triangle(u: Floats, v: Floats, look: Floats) -> Floats:
    slope = np.abs(u) * np.float32(np.sqrt(0.75)) - v * np.float32(0.5)
    return np.maximum(v, slope) - np.float32(0.31)


def _star(u: Floats, v: Floats, look: Floats) -> Floats:
    # Mirrors at 36 and 0 degrees fold the plane onto one half of one tip, the upper one.
    u, v = -v, u
    for _ in range(2):
        v = np.abs(v)
        beyond = np.maximum(v * _COS - u * _SIN, 0)
        u, v = u + 2 * _SIN * beyond, v - 2 * _COS * beyond
    edge_u, edge_v = _NOTCH * _SIN, _STAR - _NOTCH * _COS
    length = np.sqrt(edge_u * edge_u + edge_v * edge_v)
    return ((u - _STAR) * edge_u + np.abs(v) * edge_v) / length


def _cross(u: Floats, v: Floats, look: Floats) -> Floats:
    u, v = np.abs(u), np.abs(v)
    long, short = np.maximum(u, v), np.minimum(u, v)
    return np.maximum(long - np.float32(0.54), short - np.float32(0.2))


def _ring(u: Floats, v: Floats, look: Floats) -> Floats:
    return np.abs(np.sqrt(u * u + v * v) - np.float32(0.35)) - np.float32(0.15)


def _line(u: Floats, v: Floats, look: Floats) -> Floats:
    along = np.maximum(np.abs(u) - np.float32(0.5), 0)
    return np.sqrt(along * along + v * v) - (np.float32(0.015) + np.float32(0.05) * look[4])


def _blotch(u: Floats, v: Floats, look: Floats) -> Floats:
    square = u * u + v * v + np.float32(1e-6)
    radius = np.sqrt(square)
    two, three = u * u - v * v, u * (u * u - 3 * v * v)  # cosines of 2 and 3 times the angle
    lobes = look[3] * two / square + look[4] * three / (square * radius)
    return radius - np.float32(0.3) * (1 + np.float32(0.4) * lobes)


_OUTLINES: tuple[Callable[[Floats, Floats, Floats], Floats], ...] = (
    _circle,
    _square,
    _triangle,
    _star,
    _cross,
    _ring,
    _line,
    _blotch,
)


# Painting


@dataclass
class Pixels:
    """The pixels that parts touch, part by part, from the lowest layer to the highest."""

    part: NDArray[np.int64]  # which part
    place: NDArray[np.int64]  # which pixel of the chunk's pictures, all in one row
    cover: Floats  # the share of the pixel that is covered, above 0
    shade: Floats  # a factor for the part's colour
    starts: NDArray[np.int64]  # where each layer starts

    def layers(self) -> Iterator[slice]:
        for start, end in pairwise([*self.starts, len(self.part)]):
            yield slice(start, end)


def pixels_of(parts: Parts, size: int) -> Pixels:
    """Return the pixels of parts that are sorted by layer."""
    radius = int(np.ceil(REACH.max() * parts.extent.max(initial=0) * size)) + 2
    reach = np.arange(-radius, radius + 1)
    width = parts.extent[:, None] * size
    rows, columns = (
        np.floor(centre * size).astype(int)[:, None] + reach for centre in (parts.y, parts.x)
    )
    dv, du = (
        ((pixels + 0.5 - centre[:, None] * size) / width).astype(np.float32)
        for pixels, centre in ((rows, parts.y), (columns, parts.x))
    )
    cos, sin = (f(parts.angle).astype(np.float32)[:, None, None] for f in (np.cos, np.sin))
    u = du[:, None, :] * cos + dv[:, :, None] * sin
    v = dv[:, :, None] * cos - du[:, None, :] * sin
    look = parts.look.astype(np.float32)
    distance = np.empty(u.shape, np.float32)
    for kind in np.unique(parts.kind):
        of = parts.kind == kind
        distance[of] = _OUTLINES[kind](u[of], v[of], look[of].T[:, :, None, None])
    soft = np.where(parts.kind == BLOTCH, 1 + size / 16 * parts.look[:, 5] ** 2, 1.0)
    slope = (width[:, 0] / soft).astype(np.float32)[:, None, None]
    cover = np.clip(np.float32(0.5) - distance * slope, 0, 1)
    inside = [(at >= 0) & (at < size) for at in (rows, columns)]
    cover *= inside[0][:, :, None] & inside[1][:, None, :]

    part, row, column = np.nonzero(cover)
    u, v, look = u[part, row, column], v[part, row, column], look[part].T
    light = np.float32(0.7) * look[0] * ((2 * look[1] - 1) * du[part, column] - dv[part, row])
    phase = (2 + 3 * look[3]) * (u * look[4] + v * (1 - look[4]))
    stripes = np.abs(phase - np.rint(phase)) - np.float32(0.25)  # a wave from -1/4 to 1/4
    return Pixels(
        part,
        (parts.scene[part] * size + rows[part, row]) * size + columns[part, column],
        cover[part, row, column],
        1 + light + np.float32(0.8) * np.maximum(look[2] - np.float32(0.4), 0) * stripes,
        np.flatnonzero(np.diff(parts.layer[part], prepend=-1)),
    )


def paint(image: Floats, parts: Parts, pixels: Pixels) -> None:
    """Lay the parts over the pictures, (chunk, size, size, 3)."""
    canvas = image.reshape(-1, 3)
    paint = parts.colour.astype(np.float32)[pixels.part] * pixels.shade[:, None]
    np.clip(paint, 0, 1, out=paint)
    for layer in pixels.layers():  # within one, no two parts share a scene
        place = pixels.place[layer]
        under = canvas[place]
        canvas[place] = under + pixels.cover[layer, None] * (paint[layer] - under)


def visible(
    parts: Parts, pixels: Pixels, shape: tuple[int, int, int]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which objects show, and which of them each pixel shows (-1 for the background).

    An object of which less than a tenth shows counts as hidden.

    Args:
        parts: the objects.
        pixels: their pixels.
        shape: scenes, height and width.
    """
    solid = pixels.cover > 0.5
    area = np.bincount(pixels.part[solid], minlength=len(parts.scene))
    shows = np.ones(len(area), bool)
    while True:
        owner = np.full(shape, -1)
        for layer in pixels.layers():
            on_top = solid[layer] & shows[pixels.part[layer]]
            owner.reshape(-1)[pixels.place[layer][on_top]] = pixels.part[layer][on_top]
        lost = shows & (np.bincount(owner[owner >= 0], minlength=len(area)) < 0.1 * area)
        if not lost.any():
            return shows, owner
        shows &= ~lost


def seen(image: Floats, domain: str, strength: Floats) -> Floats:
    """Return the scenes as they look in that domain, (chunk, size, size, 3)."""
    if domain == "night":
        cold = np.array([0.75, 0.85, 1.2], np.float32)
        return image * (np.float32(0.2) + (np.float32(0.3) + strength / 4) * image) * cold
    if domain == "fog":
        far = np.linspace(1, 0.6, image.shape[1], dtype=np.float32)[None, :, None, None]
        fog = far * (np.float32(0.6) + strength / 4)
        return image + fog * (np.float32(0.8) - image)
    if domain == "sketch":
        grey = image.mean(3, keepdims=True)
        right = np.diff(grey, axis=2, append=grey[:, :, -1:])
        down = np.diff(grey, axis=1, append=grey[:, -1:])
        edge = np.sqrt(right * right + down * down) - np.float32(0.07)
        ink = (np.float32(2.5) + strength) * np.maximum(edge, 0)
        return np.repeat(np.clip(np.float32(0.95) - ink, 0, 1), 3, 3)
    return image
