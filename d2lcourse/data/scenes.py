"""`Scenes` and `load_scenes`: pictures with boxes, masks and captions, generated or real."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import unknown
from . import real_scenes, shapes
from .base import Card, is_whole, stream, valid_scale
from .scene_cards import SCENE_CARDS
from .shape_painting import DOMAINS

_SIDE = {"small": 64, "full": 128}  # pixels, where no size is asked for
_KNOBS: dict[str, Any] = {
    "objects": (1, 4),
    "overlap": 0.2,
    "clutter": 0.3,
    "domain": "day",
    "sizes": (0.2, 0.46),
    "tilt": 20.0,
}


@dataclass(frozen=True, eq=False, repr=False)
class Scenes:
    """Pictures held in memory with what is in them; N scenes, k objects in one of them.

    Attributes:
        images: (N, 3, size, size) float32, red, green and blue from 0 to 1.
        boxes: for each scene (k, 4) float32: left, top, right, bottom in pixels, tight around the
            object's visible pixels (a single pixel in the corner has the box 0, 0, 1, 1).
        labels: for each scene (k,) int64 class numbers from 0.
        instances: for each scene (k, size, size) bool: the visible pixels of each object.
        semantic: (N, size, size) int64: 0 where there is background, else class number + 1.
        captions: a sentence for each scene; empty where the set has none.
        card: what the data are.
        split: ``"train"`` or ``"test"``.
        scale: ``"small"`` or ``"full"``.
    """

    images: torch.Tensor
    boxes: list[torch.Tensor]
    labels: list[torch.Tensor]
    instances: list[torch.Tensor]
    semantic: torch.Tensor
    captions: list[str]
    card: Card
    split: str
    scale: str

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names in the order of the labels."""
        return self.card.classes

    def to(self, device: torch.device | str) -> Scenes:
        """Return the same scenes with every tensor on `device`."""
        return replace(
            self,
            images=self.images.to(device),
            boxes=[boxes.to(device) for boxes in self.boxes],
            labels=[labels.to(device) for labels in self.labels],
            instances=[masks.to(device) for masks in self.instances],
            semantic=self.semantic.to(device),
        )

    def coco(self) -> dict[str, Any]:
        """Return the annotations in COCO's JSON format, masks as uncompressed run lengths.

        Images and categories are numbered from 1 in the order of the scenes and classes. Give it
        to pycocotools with ``coco = COCO(); coco.dataset = scenes.coco(); coco.createIndex()``, or
        write it with `json.dump`.

        Returns:
            A dictionary with the lists ``images``, ``annotations`` and ``categories``.

        Source:
            https://cocodataset.org/#format-data
        """
        height, width = self.images.shape[2:]
        annotations: list[dict[str, Any]] = []
        for i in range(len(self)):
            masks, boxes = self.instances[i].cpu().numpy(), self.boxes[i].tolist()
            for mask, (left, top, right, bottom), label in zip(
                masks, boxes, self.labels[i].tolist(), strict=True
            ):
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": i + 1,
                        "category_id": label + 1,
                        "bbox": [left, top, right - left, bottom - top],
                        "area": int(mask.sum()),
                        "iscrowd": 0,
                        "segmentation": {"size": [height, width], "counts": _run_lengths(mask)},
                    }
                )
        return {
            "info": {"description": repr(self)},
            "images": [
                {"id": i + 1, "file_name": f"{i:06d}.png", "height": height, "width": width}
                for i in range(len(self))
            ],
            "annotations": annotations,
            "categories": [{"id": i + 1, "name": name} for i, name in enumerate(self.classes)],
        }

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return (
            f"{self.card.name}/{self.split} ({self.scale}): images {tuple(self.images.shape)} "
            f"float32, {sum(map(len, self.labels)):,} objects, {len(self.classes)} classes"
        )


def load_scenes(
    name: str = "shapes",
    split: str = "train",
    *,
    scale: str | None = None,
    n: int | None = None,
    seed: int = 0,
    size: int | None = None,
    objects: tuple[int, int] | None = None,
    overlap: float | None = None,
    clutter: float | None = None,
    domain: str | None = None,
    sizes: tuple[float, float] | None = None,
    tilt: float | None = None,
) -> Scenes:
    """Load pictures with boxes, masks and captions into memory.

    The last six arguments are for generated scenes alone. The same seed gives the same scenes at
    every size and in every domain, and the first ones of a larger set are those of a smaller one.

    Args:
        name: ``"shapes"`` (generated), ``"penn_fudan"`` or ``"coco"`` (real, full scale only).
        split: ``"train"`` or ``"test"``.
        scale: ``"small"`` (offline) or ``"full"``; by default what `setup` chose.
        n: how many scenes. A generated set makes exactly n; a real one gives its first n, in a
            fixed shuffled order.
        seed: which sample of a generated set; the real ones ignore it.
        size: height and width in pixels; by default 64 at small scale and 128 at full scale.
        objects: the least and the most objects in a scene, (1, 4) by default.
        overlap: how much two objects may overlap, 0 to 0.9, by default 0.2: the largest share of
            the smaller one's box that both may have in common, and the largest share of any box
            that the objects painted later may cover together. The boxes are upright squares
            around the whole objects. An object of which less than a tenth shows is left out.
        clutter: how likely each of 12 distracting lines and blotches is, 0 to 1, by default 0.3.
        domain: ``"day"`` (the default), ``"night"``, ``"fog"`` or ``"sketch"``.
        sizes: the least and the largest object, in widths of the picture, (0.2, 0.46) by default.
        tilt: how far an object may be turned, to either side, in degrees, by default 20.

    Returns:
        The `Scenes`.

    Raises:
        ValueError: an argument that does not exist, or a knob that the set does not have.
        FileNotFoundError: COCO's files are not where they are looked for.
        ConnectionError: Penn-Fudan could not be fetched.
        OSError: it arrived damaged or cannot be written.

    >>> load_scenes(n=2)
    shapes/train (small): images (2, 3, 64, 64) float32, 8 objects, 6 classes
    """
    about = SCENE_CARDS.get(name)
    if about is None:
        raise unknown("set of scenes", name, SCENE_CARDS)
    scale = valid_scale(split, scale, n, seed, "scenes")
    size = _SIDE[scale] if size is None else size
    if not is_whole(size) or not 16 <= size <= 1024:
        raise ValueError(f"size={size!r} is not a whole number of pixels from 16 to 1024")
    if scale not in about.sizes:
        raise ValueError(
            f"{name!r} is real data and has no small scale: ask for scale='full', or for "
            "load_scenes('shapes'), which is generated"
        )
    given: dict[str, Any] = {
        "objects": objects,
        "overlap": overlap,
        "clutter": clutter,
        "domain": domain,
        "sizes": sizes,
        "tilt": tilt,
    }
    asked = {knob: value for knob, value in given.items() if value is not None}
    if name == "shapes":
        knobs = _valid_knobs(int(size), **(_KNOBS | asked))
        count = about.sizes[scale][split] if n is None else int(n)
        drawn = shapes.draw(stream("shapes", split, int(seed)), count, split, knobs)
        return _scenes(drawn, about, split, scale)
    if asked:
        raise ValueError(
            f"{', '.join(asked)}: a knob of generated scenes; {name!r} is real, so leave it out, "
            "or load_scenes('shapes')"
        )
    read = real_scenes.penn_fudan if name == "penn_fudan" else real_scenes.coco
    return _scenes(read(split, n, int(size)), about, split, scale)


def _valid_knobs(
    size: int,
    objects: tuple[int, int],
    overlap: float,
    clutter: float,
    domain: str,
    sizes: tuple[float, float],
    tilt: float,
) -> shapes.Knobs:
    """Return the knobs of the generator; say which one is wrong."""
    if not _pair(objects, is_whole) or not 0 <= objects[0] <= objects[1] or objects[1] < 1:
        raise ValueError(
            f"objects={objects!r} is not the least and the most objects of a scene, such as (1, 4)"
        )
    if not _is_real(overlap) or not 0 <= overlap <= 0.9:
        raise ValueError(f"overlap={overlap!r} is not a share from 0 to 0.9")
    if not _is_real(clutter) or not 0 <= clutter <= 1:
        raise ValueError(f"clutter={clutter!r} is not a share from 0 to 1")
    if domain not in DOMAINS:
        raise unknown("domain", domain, DOMAINS)
    if not _pair(sizes, _is_real) or not 0 < sizes[0] <= sizes[1] <= 0.8:
        raise ValueError(
            f"sizes={sizes!r} is not the least and the largest object in widths of the picture, "
            "such as (0.2, 0.46); the largest allowed is 0.8"
        )
    if sizes[0] * size < 6:
        raise ValueError(
            f"sizes={sizes!r} at size={size} gives objects of {sizes[0] * size:.1f} pixels; "
            "the smallest allowed have 6"
        )
    if not _is_real(tilt) or not 0 <= tilt <= 180:
        raise ValueError(f"tilt={tilt!r} is not an angle from 0 to 180 degrees")
    return shapes.Knobs(
        size,
        (int(objects[0]), int(objects[1])),
        float(overlap),
        float(clutter),
        domain,
        (float(sizes[0]), float(sizes[1])),
        float(tilt),
    )


def _pair(value: Any, good: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == 2 and all(map(good, value))


def _is_real(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _scenes(arrays: shapes.SceneArrays, about: Card, split: str, scale: str) -> Scenes:
    """Return arrays as `Scenes`, with boxes around the masks."""
    counts = arrays.counts.tolist()
    return Scenes(
        torch.from_numpy(arrays.images).float().div_(255),
        list(torch.from_numpy(_boxes(arrays.masks)).split(counts)),
        list(torch.from_numpy(arrays.labels).split(counts)),
        list(torch.from_numpy(arrays.masks).split(counts)),
        torch.from_numpy(arrays.semantic),
        arrays.captions,
        about,
        split,
        scale,
    )


def _boxes(masks: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the boxes, (m, 4), tight around masks of shape (m, height, width), none empty."""
    ends = []
    for axis in (1, 2):  # whether a column, then a row, holds a pixel
        line = np.asarray(masks.any(axis))
        first = line.argmax(1)
        last = line.shape[1] - line[:, ::-1].argmax(1)
        ends.append((first, last))
    (left, right), (top, bottom) = ends
    return np.stack([left, top, right, bottom], 1).astype(np.float32)


def _run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Return COCO's run lengths: zeros and ones in turn, zeros first, column by column."""
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(np.diff(flat, prepend=False))
    return np.diff(changes, prepend=0, append=flat.size).tolist()
