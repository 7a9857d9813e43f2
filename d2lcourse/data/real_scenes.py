"""Real pictures with masks: Penn-Fudan's pedestrians, fetched, and MS-COCO, put there by hand.

Every picture keeps its proportions: it is resized to fit into a square, lies in the upper left
corner, and the rest is grey (letterbox). Masks follow; an object whose mask loses its last pixel on
the way is left out.
"""

from __future__ import annotations

import json
import shutil
import urllib.request
import zipfile
import zlib
from collections import defaultdict
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..session import data_dir
from .base import held_out, shuffled, stream
from .downloads import STALLED, failure, one_at_a_time
from .shapes import SceneArrays

PENN_FUDAN = "https://www.cis.upenn.edu/~jshi/ped_html/PennFudanPed.zip"
_PICTURES = 170  # in the archive
_GREY = 128
COCO_PICTURES = 20_000  # held in memory at most, if no other number is asked for
# The names in the order of COCO's category numbers, which have gaps.
_NAMES = (
    "person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire "
    "hydrant, stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, "
    "zebra, giraffe, backpack, umbrella, handbag, tie, suitcase, frisbee, skis, snowboard, sports "
    "ball, kite, baseball bat, baseball glove, skateboard, surfboard, tennis racket, bottle, wine "
    "glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot, hot "
    "dog, pizza, donut, cake, chair, couch, potted plant, bed, dining table, toilet, tv, laptop, "
    "mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink, refrigerator, book, "
    "clock, vase, scissors, teddy bear, hair drier, toothbrush"
)
COCO_CLASSES = tuple(_NAMES.split(", "))


def penn_fudan(split: str, n: int | None, size: int) -> SceneArrays:
    """Return Penn-Fudan's pedestrians, downloaded on first use; four fifths are for training.

    Args:
        split: ``"train"`` or ``"test"``.
        n: how many pictures; all of the split if None.
        size: height and width, in pixels.

    Raises:
        ValueError: the split has fewer than n pictures.
        ConnectionError: the archive could not be fetched.
        OSError: it arrived damaged, or there is no room for it.
    """
    from PIL import Image

    made = _Scenes(size)
    with zipfile.ZipFile(_penn_fudan_archive()) as archive:
        pictures = _pictures(archive)
        rows = held_out(np.zeros(len(pictures)), split, 0)
        for row in rows[: _count(n, len(rows), "penn_fudan", split)]:
            with archive.open(pictures[row]) as file:
                made.picture(file, "")
            with archive.open(_mask_of(pictures[row])) as file, Image.open(file) as opened:
                numbers = np.asarray(opened)  # 0, and 1 to k for the pedestrians
            for number in np.unique(numbers[numbers > 0]):
                made.object(0, made.fit(numbers == number))
    return made.arrays()


def coco(split: str, n: int | None, size: int) -> SceneArrays:
    """Return pictures of MS-COCO 2017 from the folder ``coco`` of the data folder.

    A crowd (``iscrowd``) is no object, but counts as its class in ``semantic``.

    Args:
        split: ``"train"`` (train2017) or ``"test"`` (val2017, which has public annotations).
        n: how many pictures; all of the split, but no more than `COCO_PICTURES`, if None.
        size: height and width, in pixels.

    Raises:
        FileNotFoundError: a file is not there; the message says which, and where to get it.
        ValueError: the split has fewer than n pictures, or the annotations are not COCO's.
    """
    root, part = data_dir() / "coco", "train2017" if split == "train" else "val2017"
    wanted = [root / "annotations" / f"{kind}_{part}.json" for kind in ("instances", "captions")]
    missing = [path for path in (*wanted, root / part) if not path.exists()]
    if missing:
        raise _coco_missing(missing, root, part)
    instances, captions = (json.loads(path.read_text(encoding="utf-8")) for path in wanted)
    classes = {}
    for category in instances["categories"]:
        if category["name"] not in COCO_CLASSES:
            raise ValueError(f"{wanted[0]}: {category['name']!r} is not one of COCO's 80 classes")
        classes[category["id"]] = COCO_CLASSES.index(category["name"])
    objects, sentences = defaultdict(list), defaultdict(list)
    for annotation in instances["annotations"]:
        objects[annotation["image_id"]].append(annotation)
    for annotation in sorted(captions["annotations"], key=lambda one: one["id"]):
        sentences[annotation["image_id"]].append(annotation["caption"])
    images = sorted(instances["images"], key=lambda one: one["id"])
    order = shuffled(stream("coco", split, 0), len(images))

    made = _Scenes(size)
    for row in order[: _count(n, len(images), "coco", split)]:
        image = images[row]
        path = root / part / image["file_name"]
        if not path.is_file():
            raise _coco_missing([path], root, part)
        with path.open("rb") as file:
            made.picture(file, sentences[image["id"]][0].strip() if sentences[image["id"]] else "")
        # Large ones first: where two masks overlap, `semantic` shows the smaller.
        for one in sorted(objects[image["id"]], key=lambda one: -one["area"]):
            mask = made.segmentation(one["segmentation"], image["height"], image["width"])
            made.object(classes[one["category_id"]], mask, crowd=bool(one.get("iscrowd", 0)))
    return made.arrays()


class _Scenes:
    """Scenes under way: for each its picture, then its objects; at last, the arrays."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.images: list[NDArray[np.uint8]] = []
        self.counts: list[int] = []
        self.labels: list[int] = []
        self.masks: list[NDArray[np.bool_]] = []
        self.semantic: list[NDArray[np.int64]] = []
        self.captions: list[str] = []

    def picture(self, file: IO[bytes], caption: str) -> None:
        """Start a scene with this image file."""
        from PIL import Image

        with Image.open(file) as opened:
            shrink = self.size / max(opened.size)
            self.width, self.height = (max(1, round(shrink * side)) for side in opened.size)
            opened.draft("RGB", (self.width, self.height))  # lets a JPEG be decoded smaller
            picture = opened.convert("RGB").resize((self.width, self.height))
        square = np.full((3, self.size, self.size), _GREY, np.uint8)
        square[:, : self.height, : self.width] = np.asarray(picture).transpose(2, 0, 1)
        self.images.append(square)
        self.semantic.append(np.zeros((self.size, self.size), np.int64))
        self.captions.append(caption)
        self.counts.append(0)

    def fit(self, mask: NDArray) -> NDArray[np.bool_]:
        """Return a mask of the file's size as one of the square."""
        from PIL import Image

        small = Image.fromarray(mask.astype(np.uint8)).resize(
            (self.width, self.height), Image.Resampling.NEAREST
        )
        square = np.zeros((self.size, self.size), bool)
        square[: self.height, : self.width] = np.asarray(small)
        return square

    def segmentation(self, coded: Any, height: int, width: int) -> NDArray[np.bool_]:
        """Return the mask that COCO's polygons or run lengths describe in the file's size."""
        from pycocotools import mask as codec  # type: ignore[import-untyped]

        if isinstance(coded, list):  # polygons are scaled before they are drawn
            scale = np.array([self.width / width, self.height / height])
            polygons = [(np.reshape(p, (-1, 2)) * scale).ravel().tolist() for p in coded]
            runs = codec.merge(codec.frPyObjects(polygons, self.size, self.size))
            return codec.decode(runs).astype(bool)
        if isinstance(coded["counts"], list):
            coded = codec.frPyObjects(coded, height, width)
        return self.fit(codec.decode(coded))

    def object(self, label: int, mask: NDArray[np.bool_], crowd: bool = False) -> None:
        """Add an object to the scene, or what a crowd covers."""
        if not mask.any():
            return
        self.semantic[-1][mask] = label + 1
        if not crowd:
            self.counts[-1] += 1
            self.labels.append(label)
            self.masks.append(mask)

    def arrays(self) -> SceneArrays:
        return SceneArrays(
            np.stack(self.images),
            np.array(self.counts, np.int64),
            np.array(self.labels, np.int64),
            np.array(self.masks, bool).reshape(-1, self.size, self.size),
            np.stack(self.semantic),
            self.captions,
        )


def _count(n: int | None, there: int, name: str, split: str) -> int:
    if n is not None and n > there:
        raise ValueError(f"n={n} pictures of {name!r}, but its {split} split has {there}")
    return min(there, COCO_PICTURES) if n is None else n


def _pictures(archive: zipfile.ZipFile) -> list[str]:
    """Return the names of the archive's photographs, sorted."""
    names = archive.namelist()
    return sorted(name for name in names if "/PNGImages/" in name and name.endswith(".png"))


def _mask_of(picture: str) -> str:
    return picture.replace("/PNGImages/", "/PedMasks/").replace(".png", "_mask.png")


def _penn_fudan_archive() -> Path:
    """Return the path of Penn-Fudan's archive, fetched if it is absent or damaged."""
    root = data_dir()
    path = root / PENN_FUDAN.rpartition("/")[2]
    unfinished = path.with_suffix(".part")
    remedy = (
        f"Fetch {PENN_FUDAN} by other means and put it into {root}; or load_scenes('shapes') gives "
        "scenes without a download."
    )
    with one_at_a_time(root, "penn_fudan"):
        if path.is_file() and not _damage(path):
            return path
        problem = ""
        try:
            with (
                urllib.request.urlopen(PENN_FUDAN, timeout=STALLED) as reply,
                unfinished.open("wb") as file,
            ):
                shutil.copyfileobj(reply, file)
            problem = _damage(unfinished)
            if problem:
                raise OSError(problem)
            unfinished.replace(path)
        except (OSError, HTTPException) as error:
            damaged = [f"{path.name}: {problem}"] if problem else []
            raise failure("Penn-Fudan", root, error, damaged, remedy) from error
        finally:
            unfinished.unlink(missing_ok=True)
    return path


def _damage(path: Path) -> str:
    """Say what is wrong with Penn-Fudan's archive; empty if nothing is.

    No hash of it is published, so this asks for what can be known: that the archive's own checksums
    hold and that it has all photographs, each with its mask.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if bad := archive.testzip():
                return f"{bad} has a wrong checksum"
            names, pictures = set(archive.namelist()), _pictures(archive)
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        return str(error)
    if len(pictures) != _PICTURES or not names.issuperset(map(_mask_of, pictures)):
        return f"{len(pictures)} photographs instead of {_PICTURES}, or a mask is missing"
    return ""


def _coco_missing(missing: list[Path], root: Path, part: str) -> FileNotFoundError:
    return FileNotFoundError(
        f"MS-COCO is too large to be fetched by itself. From https://cocodataset.org/#download get "
        f"http://images.cocodataset.org/zips/{part}.zip and "
        "http://images.cocodataset.org/annotations/annotations_trainval2017.zip, and unpack both "
        f"into {root}, so that there are {part}/*.jpg and annotations/*.json. Missing: "
        f"{', '.join(map(str, missing))}"
    )
