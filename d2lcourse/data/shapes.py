"""`shapes`: scenes of geometric shapes over photographed textures, with boxes and masks.

Scenes are drawn in chunks, from random numbers that depend on neither the pictures' size nor the
domain: the same scene exists at every size, by day and by night, and the first scenes of a larger
set are those of a smaller one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .photos import installed
from .shape_painting import (
    BLOTCH,
    CLASSES,
    LINE,
    REACH,
    Floats,
    Parts,
    paint,
    pixels_of,
    seen,
    visible,
)

COLOURS = {
    "red": (0.83, 0.13, 0.12),
    "orange": (0.95, 0.52, 0.08),
    "yellow": (0.95, 0.87, 0.20),
    "green": (0.16, 0.60, 0.22),
    "blue": (0.15, 0.32, 0.83),
    "purple": (0.50, 0.18, 0.66),
    "pink": (0.96, 0.56, 0.74),
    "white": (0.95, 0.95, 0.93),
}
BACKGROUNDS = {
    "brick": "skimage/data/brick.png",
    "grass": "skimage/data/grass.png",
    "gravel": "skimage/data/gravel.png",
    "a coffee cup": "skimage/data/coffee.png",
    "a cat": "skimage/data/chelsea.png",
}
_CHUNK = 100  # scenes drawn together
_TRIES = 40  # places tried for an object
_SHRUNK = (0, 0.4, 0.7, 1)  # how far towards the smallest size, where objects find no room
_MARKS = 12  # distracting marks of a scene at clutter 1
_ZOOMS = (1.25, 1.7, 2.4)  # the photographs' shorter side, in picture sides


@dataclass(frozen=True)
class Knobs:
    """What `load_scenes` was asked for; there each is explained."""

    size: int
    objects: tuple[int, int]
    overlap: float
    clutter: float
    domain: str
    sizes: tuple[float, float]
    tilt: float


@dataclass(frozen=True)
class SceneArrays:
    """N scenes as arrays; the objects stand scene by scene, the lowest of a scene first.

    Attributes:
        images: (N, 3, size, size) uint8.
        counts: objects of each scene, (N,).
        labels: class numbers, (objects,).
        masks: what is visible of each object, (objects, size, size) bool.
        semantic: 0 or class number + 1 of each pixel, (N, size, size) int64.
        captions: one sentence a scene.
    """

    images: NDArray[np.uint8]
    counts: NDArray[np.int64]
    labels: NDArray[np.int64]
    masks: NDArray[np.bool_]
    semantic: NDArray[np.int64]
    captions: list[str]


def draw(rng: np.random.Generator, n: int, split: str, knobs: Knobs) -> SceneArrays:
    """Draw n scenes; `load_scenes` has checked the knobs."""
    chunks = [_chunk(rng, split, knobs) for _ in range(-(-n // _CHUNK))]
    counts = np.concatenate([chunk.counts for chunk in chunks])[:n]
    objects = int(counts.sum())
    return SceneArrays(
        np.concatenate([chunk.images for chunk in chunks])[:n],
        counts,
        np.concatenate([chunk.labels for chunk in chunks])[:objects],
        np.concatenate([chunk.masks for chunk in chunks])[:objects],
        np.concatenate([chunk.semantic for chunk in chunks])[:n],
        [caption for chunk in chunks for caption in chunk.captions][:n],
    )


def _chunk(rng: np.random.Generator, split: str, knobs: Knobs) -> SceneArrays:
    size = knobs.size
    # The grain takes more numbers the larger the picture is, so it has a stream of its own.
    grain = np.random.Generator(np.random.PCG64(int(rng.integers(2**63))))
    place, image, ground = _backgrounds(rng, split, size)
    marks = _marks(rng, knobs.clutter, ground)
    objects = _objects(rng, knobs, ground)
    paint(image, marks, pixels_of(marks, size))
    pixels = pixels_of(objects, size)
    shows, owner = visible(objects, pixels, (_CHUNK, size, size))
    pixels.cover *= shows[pixels.part]
    paint(image, objects, pixels)
    # For painting the objects were sorted by layer; from here on they are sorted by scene.
    order = np.flatnonzero(shows)[np.argsort(objects.scene[shows], kind="stable")]
    semantic = np.append(objects.kind + 1, 0)[owner]  # the owner of the background is -1
    objects = objects.only(order)
    image = seen(image, knobs.domain, rng.random((_CHUNK, 1, 1, 1), np.float32))
    strength = np.float32(0.012) + np.float32(0.02) * rng.random((_CHUNK, 1, 1, 1), np.float32)
    image = image + strength * grain.standard_normal(image.shape, np.float32)
    levels = np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)
    return SceneArrays(
        np.ascontiguousarray(levels.transpose(0, 3, 1, 2)),
        np.bincount(objects.scene, minlength=_CHUNK),
        objects.kind,
        owner[objects.scene] == order[:, None, None],
        semantic,
        _captions(objects, place),
    )


# Backgrounds


@lru_cache(maxsize=8)
def _photographs(split: str, size: int) -> list[list[Floats]]:
    """Return the pictures at each zoom, (h, w, 3): left halves to train, right to test."""
    from PIL import Image

    pictures = []
    for file in BACKGROUNDS.values():
        with Image.open(installed(file)) as opened:
            picture = opened.convert("RGB")
        middle = picture.width // 2
        left, right = (0, middle) if split == "train" else (middle, picture.width)
        picture = picture.crop((left, 0, right, picture.height))
        shorter = min(picture.size)
        zooms = []
        for zoom in _ZOOMS:
            width, height = (round(side * zoom * size / shorter) for side in picture.size)
            resized = picture.resize((width, height), Image.Resampling.LANCZOS)
            zooms.append(np.asarray(resized, np.float32) / 255)
        pictures.append(zooms)
    return pictures


def _backgrounds(
    rng: np.random.Generator, split: str, size: int
) -> tuple[NDArray[np.int64], Floats, NDArray]:
    """Return each scene's place in `BACKGROUNDS`, its picture in some light, and its mean colour.

    The shapes are (chunk,), (chunk, size, size, 3) and (chunk, 3).
    """
    photographs = _photographs(split, size)
    place = rng.integers(len(photographs), size=_CHUNK)
    zoom = rng.integers(len(_ZOOMS), size=_CHUNK)
    corner, flip = rng.random((_CHUNK, 2)), rng.random(_CHUNK) < 0.5
    tint = 1 + 0.55 * (rng.random((_CHUNK, 3)) - 0.5) * rng.random((_CHUNK, 1))
    light = tint * (0.65 + 0.6 * rng.random((_CHUNK, 1)))
    crops = np.empty((_CHUNK, size, size, 3), np.float32)
    for i in range(_CHUNK):
        picture = photographs[place[i]][zoom[i]]
        top, left = (corner[i] * (np.array(picture.shape[:2]) - size)).astype(int)
        crop = picture[top : top + size, left : left + size]
        crops[i] = crop[:, ::-1] if flip[i] else crop
    # Of the whole photograph at one size, so that no colour depends on `size`.
    mean = np.array([zooms[0].mean((0, 1)) for zooms in _photographs(split, 64)])[place] * light
    return place, np.clip(crops * light.astype(np.float32)[:, None, None], 0, 1), mean


# What is in a scene


def _colours(rng: np.random.Generator, ground: NDArray) -> tuple[NDArray[np.int64], NDArray]:
    """Return a colour for each part, the one of two that stands out more from its ground (m, 3)."""
    palette = np.array(list(COLOURS.values()))
    two = rng.integers(len(palette), size=(len(ground), 2))
    apart = ((palette[two] - ground[:, None]) ** 2).sum(2)
    name = np.where(apart[:, 0] >= apart[:, 1], two[:, 0], two[:, 1])
    return name, np.clip(palette[name] + rng.uniform(-0.08, 0.08, (len(ground), 3)), 0, 1)


def _marks(rng: np.random.Generator, clutter: float, ground: NDArray) -> Parts:
    """Return lines and blotches, in the objects' colours, that belong to no object."""
    m = _MARKS * _CHUNK
    present = rng.random(m) < clutter
    scene = np.tile(np.arange(_CHUNK), _MARKS)
    name, colour = _colours(rng, ground[scene])
    return Parts(
        scene=scene,
        layer=np.repeat(np.arange(_MARKS), _CHUNK),
        kind=np.where(rng.random(m) < 0.5, LINE, BLOTCH),
        x=rng.random(m),
        y=rng.random(m),
        extent=rng.uniform(0.15, 0.5, m),
        angle=rng.uniform(0, 2 * np.pi, m),
        colour=colour,
        name=name,
        look=rng.random((m, 6)),
    ).only(present)


def _objects(rng: np.random.Generator, knobs: Knobs, ground: NDArray) -> Parts:
    """Return the objects; where they find no room, smaller ones are tried."""
    least, most = knobs.objects
    wanted = rng.integers(least, most + 1, _CHUNK)
    kind = rng.integers(len(CLASSES), size=(_CHUNK, most))
    angle = np.deg2rad(knobs.tilt) * rng.uniform(-1, 1, (_CHUNK, most))
    drawn = rng.uniform(*knobs.sizes, (_CHUNK, most))
    there = np.zeros((_CHUNK, most), bool)
    x, y, extent = np.zeros((3, _CHUNK, most))
    for shrunk in _SHRUNK:
        tried = drawn * (1 - shrunk) + knobs.sizes[0] * shrunk
        placed, *centre = _place(rng, wanted, tried * REACH[kind], knobs.overlap)
        better = (placed.sum(1) > there.sum(1))[:, None]
        there, extent = np.where(better, placed, there), np.where(better, tried, extent)
        x, y = np.where(better, centre, (x, y))
    short = there.sum(1) < least
    if short.any():
        raise ValueError(
            f"objects={knobs.objects} found no room in {short.mean():.0%} of the scenes: ask for "
            f"fewer, for smaller ones than sizes={knobs.sizes}, or for more than "
            f"overlap={knobs.overlap}"
        )
    scene = np.tile(np.arange(_CHUNK), most)
    name, colour = _colours(rng, ground[scene])
    return Parts(
        scene=scene,
        layer=np.repeat(np.arange(most), _CHUNK),
        kind=kind.T.ravel(),
        x=x.T.ravel(),
        y=y.T.ravel(),
        extent=extent.T.ravel(),
        angle=angle.T.ravel(),
        colour=colour,
        name=name,
        look=rng.random((len(scene), 6)),
    ).only(there.T.ravel())


def _place(
    rng: np.random.Generator, wanted: NDArray, half: NDArray, overlap: float
) -> tuple[NDArray[np.bool_], NDArray, NDArray]:
    """Place objects one after the other, each where those before it leave room.

    Args:
        rng: the chunk's randomness.
        wanted: how many objects each scene is to have, (chunk,).
        half: half the side of the square around each object, (chunk, most).
        overlap: as in `load_scenes`.

    Returns:
        Which objects found room, and the centres x and y, all (chunk, most).
    """
    chunk, most = half.shape
    spots = rng.random((most, 2, chunk, _TRIES))
    x, y, hidden = np.zeros((3, chunk, most))
    there = np.zeros((chunk, most), bool)
    everyone = np.arange(chunk)
    for k in range(most):
        own = half[:, k, None]
        px, py = own + spots[k] * (1 - 2 * own)
        fits = np.ones((chunk, _TRIES), bool)
        share = np.zeros((chunk, _TRIES, k))  # how much of each earlier square this one would hide
        for j in range(k):
            other = half[:, j, None]
            smaller = 2 * np.minimum(own, other)
            across, down = (
                np.clip(own + other - np.abs(p - q[:, j, None]), 0, smaller)
                for p, q in ((px, x), (py, y))
            )
            common = across * down * there[:, j, None]
            share[:, :, j] = common / (2 * other) ** 2
            fits &= common <= overlap * smaller**2 + 1e-12
            fits &= hidden[:, j, None] + share[:, :, j] <= overlap + 1e-12
        chosen = fits.argmax(1)
        there[:, k] = (k < wanted) & fits.any(1)
        x[:, k], y[:, k] = px[everyone, chosen], py[everyone, chosen]
        hidden[:, :k] += share[everyone, chosen] * there[:, k, None]
    return there, x, y


# Captions


def _captions(parts: Parts, place: NDArray[np.int64]) -> list[str]:
    """Say what is in each scene: the two largest objects and how they lie, the rest, the ground."""
    grounds, colours = list(BACKGROUNDS), list(COLOURS)
    captions = []
    for scene in range(_CHUNK):
        here = np.flatnonzero(parts.scene == scene)
        here = here[np.argsort(-parts.extent[here], kind="stable")]
        nouns = []
        for i in here:
            extent = parts.extent[i]
            size = "small " if extent < 0.25 else "large " if extent > 0.35 else ""
            noun = f"{size}{colours[parts.name[i]]} {CLASSES[parts.kind[i]]}"
            nouns.append(f"an {noun}" if noun.startswith("orange") else f"a {noun}")
        said = "nothing"
        if len(here) == 1:
            said = nouns[0]
        elif len(here) > 1:
            across, down = (axis[here[0]] - axis[here[1]] for axis in (parts.x, parts.y))
            if abs(across) > abs(down):
                relation = "left of" if across < 0 else "right of"
            else:
                relation = "above" if down < 0 else "below"
            said = f"{nouns[0]} {relation} {nouns[1]}"
            if len(here) > 2:
                said += f", with {' and '.join(nouns[2:])},"
        captions.append(f"{said} on {grounds[place[scene]]}")
    return captions
