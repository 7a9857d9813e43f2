"""Generated scenes: what `load_scenes` returns, promises and refuses; COCO's format."""

from __future__ import annotations

import hashlib
import json
import re
import socket
from dataclasses import fields

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from d2lcourse.data import card, load, load_scenes, names, shapes
from d2lcourse.data.scene_cards import SCENE_CARDS
from d2lcourse.data.shapes import BACKGROUNDS, CLASSES, COLOURS


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No test here may open a connection."""

    def refuse(*args):
        raise AssertionError("a generated set touched the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.delenv("D2LCOURSE_SCALE", raising=False)


def same(a, b):
    return (
        torch.equal(a.images, b.images)
        and torch.equal(a.semantic, b.semantic)
        and all(map(torch.equal, a.boxes, b.boxes))
        and all(map(torch.equal, a.labels, b.labels))
        and all(map(torch.equal, a.instances, b.instances))
        and a.captions == b.captions
    )


@pytest.mark.parametrize(("split", "n"), [("train", 1200), ("test", 300)])
def test_scenes_keep_the_cards_promises(split, n):
    scenes = load_scenes(split=split)
    assert scenes.card is card("shapes")
    assert len(scenes) == n == scenes.card.sizes["small"][split]
    assert scenes.images.shape == (n, 3, 64, 64)
    assert scenes.images.dtype == torch.float32
    assert scenes.images.is_contiguous()
    assert scenes.images.min() >= 0
    assert scenes.images.max() <= 1
    assert scenes.semantic.shape == (n, 64, 64)
    assert scenes.semantic.dtype == torch.int64
    assert scenes.classes == CLASSES
    lists = (scenes.boxes, scenes.labels, scenes.instances, scenes.captions)
    assert {len(one) for one in lists} == {n}
    for i in range(n):
        boxes, labels, masks = scenes.boxes[i], scenes.labels[i], scenes.instances[i]
        assert boxes.dtype == torch.float32
        assert labels.dtype == torch.int64
        assert masks.dtype == torch.bool
        k = len(labels)
        assert 1 <= k <= 4
        assert boxes.shape == (k, 4)
        assert masks.shape == (k, 64, 64)
        semantic = torch.zeros(64, 64, dtype=torch.int64)
        for box, label, mask in zip(boxes, labels, masks, strict=True):
            ys, xs = torch.nonzero(mask, as_tuple=True)
            assert box.tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            assert not semantic[mask].any(), "a pixel shows one object only"
            semantic[mask] = label + 1
        assert torch.equal(scenes.semantic[i], semantic)
    counts = torch.cat(scenes.labels).bincount(minlength=6)
    assert counts.min() > 0.7 * counts.max()


def digest(scenes):
    """SHA-256 of the pixels as bytes, of labels, boxes and masks, and of the captions."""
    pixels = np.rint(scenes.images.numpy() * 255).astype(np.uint8).tobytes()
    drawn = [torch.cat(scenes.labels).numpy().astype("<i8"), torch.cat(scenes.boxes).numpy()]
    drawn += [np.packbits(torch.cat(scenes.instances).numpy())]
    everything = [
        pixels,
        *(array.tobytes() for array in drawn),
        "\n".join(scenes.captions).encode(),
    ]
    return hashlib.sha256(b"".join(everything)).hexdigest()


HASHES = {
    "train": "7668b376f78400476cefa9614b28d9c79ea4e83dc4d551e8746bb69d25191ad1",
    "test": "cebc100cf9e98289cf16bdf71ef23a7ddda9c1bbca5ffd1a8ed31d898a53c9aa",
}


@pytest.mark.parametrize("split", HASHES)
def test_scenes_are_the_same_everywhere(split):
    assert digest(load_scenes(split=split, n=200)) == HASHES[split]


def test_seed_split_and_first_n():
    scenes = load_scenes(n=130)
    assert same(scenes, load_scenes(n=130))
    whole = load_scenes(n=250)
    assert torch.equal(whole.images[:130], scenes.images), "the first of a larger set"
    assert whole.captions[:130] == scenes.captions
    others = [load_scenes(n=130, seed=1), load_scenes(split="test", n=130)]
    everything = torch.cat([s.images for s in (scenes, *others)]).flatten(1)
    assert len(everything.unique(dim=0)) == 390, "no scene twice over seeds and splits"


def test_splits_show_different_halves_of_the_photographs():
    from d2lcourse.data.shapes import _photographs

    for train, test in zip(_photographs("train", 64), _photographs("test", 64), strict=True):
        for a, b in zip(train, test, strict=True):
            assert min(a.shape[:2]) >= 64
            assert abs(a.shape[0] / a.shape[1] - b.shape[0] / b.shape[1]) < 0.02
            h, w = min(a.shape[0], b.shape[0]), min(a.shape[1], b.shape[1])
            assert np.abs(a[:h, :w] - b[:h, :w]).mean() > 0.05


@pytest.mark.parametrize("size", [48, 128])
def test_the_same_scenes_at_every_size(size):
    small, other = load_scenes(n=100), load_scenes(n=100, size=size)
    assert other.images.shape == (100, 3, size, size)
    assert all(map(torch.equal, small.labels, other.labels))
    assert small.captions == other.captions
    apart = torch.cat(small.boxes) / 64 - torch.cat(other.boxes) / size
    assert apart.abs().max() < 2 / min(size, 64)


@pytest.mark.parametrize("domain", ["night", "fog", "sketch"])
def test_the_same_scenes_in_every_domain(domain):
    day, other = load_scenes(n=100), load_scenes(n=100, domain=domain)
    assert all(map(torch.equal, day.instances, other.instances))
    assert day.captions == other.captions
    brighter = other.images.mean() - day.images.mean()
    assert brighter < -0.15 if domain == "night" else brighter > 0.1
    colour = [s.images.amax(1).sub(s.images.amin(1)).mean() for s in (day, other)]
    if domain == "sketch":
        assert colour[1] < 0.5 * colour[0]


def objects_of(scenes):
    return zip(scenes.instances, scenes.boxes, scenes.labels, strict=True)


def test_knobs():
    crowded = load_scenes(n=100, objects=(5, 7), sizes=(0.15, 0.25))
    counts = {len(labels) for labels in crowded.labels}
    assert counts == {5, 6, 7}
    wide = torch.cat(crowded.boxes)
    sides = (wide[:, 2:] - wide[:, :2]).amax(1)
    assert sides.max() <= 0.25 * 64 * 1.24 + 1
    single = load_scenes(n=100, objects=(1, 1), sizes=(0.5, 0.5), tilt=0)
    assert {len(labels) for labels in single.labels} == {1}
    box = torch.cat(single.boxes)
    assert (box[:, 2:] - box[:, :2]).min() > 0.85 * 32
    turned = load_scenes(n=100, objects=(1, 1), sizes=(0.5, 0.5), tilt=180)
    filled = [  # of a square's box: all of it, or half if it stands on a corner
        np.mean([m.sum() / (b[0, 2:] - b[0, :2]).prod() for m, b, c in every if c == 1])
        for every in map(objects_of, (single, turned))
    ]
    assert filled[0] > 0.99
    assert filled[1] < 0.8
    empty = load_scenes(n=100, objects=(0, 1))
    assert {len(labels) for labels in empty.labels} == {0, 1}
    assert {b.shape[1:] for b in empty.boxes} == {(4,)}
    none = [c for c, labels in zip(empty.captions, empty.labels, strict=True) if not len(labels)]
    assert all(caption.startswith("nothing on ") for caption in none)


def test_overlap():
    def touching(scenes):
        """The share of scenes with two objects less than three pixels apart."""
        pool = torch.nn.MaxPool2d(3, 1, 1)
        grown = [pool(masks.float()).bool() for masks in scenes.instances]
        return np.mean([(g.sum(0) > 1).any().item() for g in grown])

    apart, close = (load_scenes(n=200, objects=(4, 4), overlap=o) for o in (0.0, 0.6))
    assert touching(apart) < 0.2
    assert touching(close) > 0.6
    stacked = load_scenes(n=100, objects=(5, 5), overlap=0.9, sizes=(0.3, 0.44))
    for masks in stacked.instances:
        assert masks.sum((1, 2)).min() > 0, "what is hidden is no object"
    assert min(map(len, stacked.labels)) < 5


def test_what_is_hidden_is_not_painted(monkeypatch):
    painted = []

    def watch(image, parts, pixels):
        painted.append(len(np.unique(pixels.part[pixels.cover > 0])))

    monkeypatch.setattr(shapes, "paint", watch)
    scenes = load_scenes(n=100, objects=(5, 5), overlap=0.9, sizes=(0.3, 0.44))
    assert painted[1] == sum(map(len, scenes.labels)) < 500  # first the marks, then the objects


def test_clutter_adds_marks_and_moves_no_object():
    clear, full = load_scenes(n=100, clutter=0), load_scenes(n=100, clutter=1)
    assert all(map(torch.equal, clear.instances, full.instances))
    background = clear.semantic == 0
    changed = (clear.images - full.images).abs().amax(1) > 0.1
    assert changed[background].float().mean() > 0.2
    from scipy.ndimage import binary_erosion

    for masks, here in zip(clear.instances, changed.numpy(), strict=True):
        for mask in masks.numpy():
            assert not here[binary_erosion(mask, np.ones((3, 3)))].any(), (
                "marks lie under the objects"
            )


def test_no_colour_or_size_tells_the_class():
    scenes = load_scenes()
    seen = {name: set() for name in CLASSES}
    for caption in scenes.captions:
        for colour, shape in re.findall(rf"({'|'.join(COLOURS)}) ({'|'.join(CLASSES)})", caption):
            seen[shape].add(colour)
    assert all(found == set(COLOURS) for found in seen.values())


def test_captions_say_what_is_there():
    scenes = load_scenes(n=300)
    noun = rf"an? (?:small |large )?(?:{'|'.join(COLOURS)}) ({'|'.join(CLASSES)})"
    relations = {"left of": (0, -1), "right of": (0, 1), "above": (1, -1), "below": (1, 1)}
    for caption, labels, boxes in zip(scenes.captions, scenes.labels, scenes.boxes, strict=True):
        said = re.findall(noun, caption)
        assert sorted(said) == sorted(CLASSES[label] for label in labels)
        assert caption.rpartition(" on ")[2] in BACKGROUNDS
        related = re.match(rf"{noun} ({'|'.join(relations)}) {noun}", caption)
        assert bool(related) == (len(labels) > 1)
        names_here = [CLASSES[label] for label in labels]
        if related and all(names_here.count(related[i]) == 1 for i in (1, 3)):
            first, second = (boxes[names_here.index(related[i])] for i in (1, 3))
            axis, sign = relations[related[2]]
            apart = (first[:2] + first[2:] - second[:2] - second[2:]) / 2
            assert apart[axis] * sign > -3, "visible boxes: an object may be partly hidden"
    assert "an orange" in " ".join(scenes.captions)
    assert "a orange" not in " ".join(scenes.captions)


def test_coco_format():
    scenes = load_scenes(split="test", n=40, overlap=0.5)
    coco = COCO()
    coco.dataset = json.loads(json.dumps(scenes.coco()))
    coco.createIndex()
    assert coco.getImgIds() == list(range(1, 41))
    assert [c["name"] for c in coco.loadCats(coco.getCatIds())] == list(CLASSES)
    for i in range(40):
        found = coco.loadAnns(coco.getAnnIds(imgIds=[i + 1]))
        assert [one["category_id"] - 1 for one in found] == scenes.labels[i].tolist()
        for one, box, mask in zip(found, scenes.boxes[i], scenes.instances[i], strict=True):
            assert np.array_equal(coco.annToMask(one).astype(bool), mask.numpy())
            assert one["area"] == mask.sum()
            x, y, w, h = one["bbox"]
            assert [x, y, x + w, y + h] == box.tolist()


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_cocoeval_gives_the_truth_full_marks(kind):
    scenes = load_scenes(n=20)
    truth = COCO()
    truth.dataset = scenes.coco()
    truth.createIndex()
    keys = ("image_id", "category_id", "bbox" if kind == "bbox" else "segmentation")
    found = [{key: a[key] for key in keys} | {"score": 0.9} for a in truth.dataset["annotations"]]
    if kind == "segm":
        for one in found:  # results want the compressed form
            one["segmentation"] = truth.annToRLE(one | {"image_id": one["image_id"]})
    score = COCOeval(truth, truth.loadRes(found), kind)
    score.evaluate()
    score.accumulate()
    score.summarize()
    assert score.stats[0] == pytest.approx(1)


def test_scenes_move_and_describe_themselves():
    scenes = load_scenes(n=3)
    moved = scenes.to("meta")
    tensors = [moved.images, moved.semantic, *moved.boxes, *moved.labels, *moved.instances]
    assert {t.device.type for t in tensors} == {"meta"}
    assert moved.captions == scenes.captions
    k = sum(map(len, scenes.labels))
    line = f"shapes/train (small): images (3, 3, 64, 64) float32, {k} objects, 6 classes"
    assert repr(scenes) == line


def test_full_scale_is_larger_and_needs_no_network(monkeypatch):
    monkeypatch.setenv("D2LCOURSE_SCALE", "full")
    scenes = load_scenes(n=3)
    assert scenes.scale == "full"
    assert scenes.images.shape == (3, 3, 128, 128)


@pytest.mark.parametrize("name", SCENE_CARDS)
def test_cards(name):
    about = card(name)
    empty = {field.name for field in fields(about) if not getattr(about, field.name)}
    assert empty == {"features"}
    assert about.name == name
    assert about.description.endswith(".")
    assert name not in names()
    with pytest.raises(ValueError, match=f"{name}.*load_scenes"):
        load(name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "shape"}, "unknown set of scenes 'shape'.*Did you mean 'shapes'"),
        ({"split": "val"}, "unknown split 'val'"),
        ({"scale": "ful"}, "unknown scale 'ful'.*Did you mean 'full'"),
        ({"n": 0}, "n=0 is not"),
        ({"n": True}, "n=True is not"),
        ({"seed": -1}, "seed=-1 is not"),
        ({"size": 8}, "size=8 is not"),
        ({"size": 64.0}, "size=64.0 is not"),
        ({"objects": 3}, "objects=3 is not"),
        ({"objects": (3, 2)}, r"objects=\(3, 2\) is not"),
        ({"objects": (0, 0)}, r"objects=\(0, 0\) is not"),
        ({"objects": (30, 30), "n": 1}, r"objects=\(30, 30\) found no room in .*%"),
        ({"overlap": 0.95}, "overlap=0.95 is not"),
        ({"clutter": -0.1}, "clutter=-0.1 is not"),
        ({"clutter": float("nan")}, "clutter=nan is not"),
        ({"domain": "nigth"}, "unknown domain 'nigth'.*Did you mean 'night'"),
        ({"sizes": (0.4, 0.2)}, r"sizes=\(0.4, 0.2\) is not"),
        ({"sizes": (0.05, 0.2)}, r"sizes=\(0.05, 0.2\) at size=64 gives objects of 3.2 pixels"),
        ({"tilt": 270}, "tilt=270 is not"),
        ({"name": "coco"}, "'coco' is real data and has no small scale"),
        ({"name": "penn_fudan", "scale": "full", "clutter": 0.3}, "clutter: a knob of generated"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        load_scenes(**arguments)
