"""Penn-Fudan and MS-COCO: our readers, fed with small files in the real formats."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools import mask as codec
from pycocotools.coco import COCO

from d2lcourse.data import load_scenes, real_scenes

ZIP = "PennFudanPed.zip"


@pytest.fixture(autouse=True)
def data_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("D2LCOURSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("D2LCOURSE_SCALE", raising=False)
    return tmp_path / "data"


# Penn-Fudan


class Shop:
    """A web server that hands out one file, whole or cut off half-way."""

    def __init__(self):
        self.body: bytes | None = None
        self.cut = False
        self.asked = 0
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                shop.asked += 1
                if shop.body is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(shop.body)))
                self.end_headers()
                self.wfile.write(shop.body[: len(shop.body) // 2] if shop.cut else shop.body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/{ZIP}"
        serve = partial(self.server.serve_forever, poll_interval=0.01)
        threading.Thread(target=serve, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "png")
    return file.getvalue()


def pedestrians(pictures=10, masks=True):
    """The archive and what is in it: photographs 80 wide and 60 high, masks numbered from 1."""
    rng = np.random.default_rng(7)
    packed, content = io.BytesIO(), []
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("PennFudanPed/readme.txt", "stub")
        archive.writestr("PennFudanPed/PNGImages/", "")
        for i in range(pictures):
            name = f"FudanPed{i + 1:05}"
            photo = rng.integers(0, 256, (60, 80, 3), np.uint8)
            mask = np.zeros((60, 80), np.uint8)
            for k in range(i % 3 + 1):
                mask[10 + 5 * k : 40 + i, 20 * k + 5 : 20 * k + 15] = k + 1
            archive.writestr(f"PennFudanPed/PNGImages/{name}.png", png(photo))
            archive.writestr(f"PennFudanPed/Annotation/{name}.txt", "# Compatible with PASCAL")
            if masks:
                archive.writestr(f"PennFudanPed/PedMasks/{name}_mask.png", png(mask))
            content.append((photo, mask))
    return packed.getvalue(), content


@pytest.fixture
def shop(monkeypatch):
    shop = Shop()
    shop.body, shop.content = pedestrians()
    monkeypatch.setattr(real_scenes, "PENN_FUDAN", shop.url)
    monkeypatch.setattr(real_scenes, "_PICTURES", 10)
    yield shop
    shop.close()


def test_pedestrians_arrive_as_they_are(shop, data_dir):
    found = {}
    for split, n in (("train", 8), ("test", 2)):
        scenes = load_scenes("penn_fudan", split, scale="full", size=80)
        assert len(scenes) == n
        assert scenes.classes == ("pedestrian",)
        assert scenes.captions == [""] * n
        for i in range(n):
            photo = (scenes.images[i, :, :60] * 255).round().byte().permute(1, 2, 0)
            found[photo.numpy().tobytes()] = scenes, i
            assert (scenes.images[i, :, 60:] * 255).round().unique().tolist() == [128]
    assert shop.asked == 1, "the second load reads the archive that is there"
    assert len(found) == 10
    for photo, mask in shop.content:
        scenes, i = found[photo.tobytes()]
        k = int(mask.max())
        assert scenes.labels[i].tolist() == [0] * k
        for number in range(1, k + 1):
            ours = scenes.instances[i][number - 1].numpy()
            assert np.array_equal(ours[:60], mask == number)
            assert not ours[60:].any()
            ys, xs = np.nonzero(mask == number)
            box = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            assert scenes.boxes[i][number - 1].tolist() == box
        assert np.array_equal(scenes.semantic[i, :60].numpy(), mask > 0)
    assert sorted(path.name for path in data_dir.iterdir()) == [".penn_fudan.lock", ZIP]


def test_pedestrians_keep_their_proportions(shop):
    large, small = (load_scenes("penn_fudan", scale="full", size=s) for s in (80, 40))
    assert small.images.shape == (8, 3, 40, 40)
    assert small.images[:, :, 30:].unique().numel() == 1
    for a, b in zip(large.boxes, small.boxes, strict=True):
        assert (a / 2 - b).abs().max() <= 1
    again = load_scenes("penn_fudan", scale="full", size=80, n=3)
    assert torch.equal(again.images, large.images[:3])
    with pytest.raises(ValueError, match="n=9 pictures of 'penn_fudan', but its train split has 8"):
        load_scenes("penn_fudan", scale="full", n=9)


def test_pedestrians_cut_off_then_mended(shop, data_dir):
    shop.cut = True
    with pytest.raises(OSError, match=f"Penn-Fudan .*{ZIP}|could not fetch Penn-Fudan"):
        load_scenes("penn_fudan", scale="full")
    assert [path.name for path in data_dir.iterdir()] == [".penn_fudan.lock"]
    shop.cut = False
    assert len(load_scenes("penn_fudan", scale="full", size=32)) == 8


def flipped(body):
    """The archive with one bit of a picture's data changed."""
    at = body.index(b"IDAT") + 50
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (flipped(pedestrians()[0]), "FudanPed00001.png has a wrong checksum"),
        (pedestrians(9)[0], "9 photographs instead of 10"),
        (pedestrians(masks=False)[0], "a mask is missing"),
        (b"<html>Moved</html>", "File is not a zip file"),
    ],
)
def test_damaged_pedestrians_are_thrown_away(shop, data_dir, body, why):
    shop.body = body
    with pytest.raises(OSError, match=f"Penn-Fudan arrived damaged .*{why}.*thrown away"):
        load_scenes("penn_fudan", scale="full")
    assert [path.name for path in data_dir.iterdir()] == [".penn_fudan.lock"]


def test_archive_left_damaged_in_the_folder_is_fetched_again(shop, data_dir):
    data_dir.mkdir()
    (data_dir / ZIP).write_bytes(shop.body[:-100])
    assert len(load_scenes("penn_fudan", scale="full", size=32)) == 8
    assert shop.asked == 1


def test_pedestrians_put_there_by_hand(shop, data_dir):
    data_dir.mkdir()
    (data_dir / ZIP).write_bytes(shop.body)
    shop.close()
    assert len(load_scenes("penn_fudan", "test", scale="full", size=32)) == 2


def test_offline_says_what_to_do(shop, data_dir):
    shop.close()
    with pytest.raises(ConnectionError) as caught:
        load_scenes("penn_fudan", scale="full")
    message = str(caught.value)
    assert "could not fetch Penn-Fudan" in message
    assert f"{shop.url} by other means and put it into {data_dir}" in message
    assert "load_scenes('shapes')" in message


# MS-COCO


def runs_of(mask):
    return codec.encode(np.asfortranarray(mask.astype(np.uint8)))


@pytest.fixture
def root(data_dir):
    """Four pictures of val2017 with polygons, run lengths of both kinds, and crowds."""
    root = data_dir / "coco"
    (root / "annotations").mkdir(parents=True)
    (root / "val2017").mkdir()
    rng = np.random.default_rng(8)
    images, annotations, captions = [], [], []
    for i, (width, height) in enumerate([(100, 60), (60, 100), (64, 64), (100, 50)]):
        name = f"{100 + i:012}.jpg"
        colour = rng.integers(60, 200, 3, np.uint8)
        Image.new("RGB", (width, height), tuple(map(int, colour))).save(root / "val2017" / name)
        images.append({"id": 100 + i, "file_name": name, "width": width, "height": height})
        for j in (1, 0):  # five captions in COCO; not always in the order of their numbers
            text = f"Picture {i}, sentence {j}. "
            captions.append({"id": 10 * i + j, "image_id": 100 + i, "caption": text})
    two_parts = [[10, 10, 40, 10, 40, 40, 10, 40], [50.5, 20, 80, 20, 65, 50.5]]
    band = np.zeros((60, 100), bool)
    band[5:55, 85:95] = True
    crowd = np.zeros((100, 60), bool)
    crowd[60:90, 5:55] = True
    speck = [[20.0, 20.0, 20.6, 20.0, 20.6, 20.6, 20.0, 20.6]]
    plain = {"size": [60, 100], "counts": runs_by_hand(band)}
    packed = runs_of(crowd) | {"counts": runs_of(crowd)["counts"].decode()}
    crowded = {"size": [100, 60], "counts": runs_by_hand(crowd)}
    for image, category, coded, area, is_crowd in [
        (100, 18, two_parts, 1350.0, 0),
        (100, 1, plain, 500.0, 0),
        (101, 90, packed, 1500.0, 0),
        (101, 1, [[5, 5, 30, 5, 30, 30, 5, 30]], 625.0, 0),
        (102, 1, speck, 0.36, 0),
    ]:
        annotation = {"image_id": image, "category_id": category, "segmentation": coded}
        box = [0, 0, 1, 1]
        annotations.append(annotation | {"area": area, "iscrowd": is_crowd, "bbox": box})
    annotations.append(
        {
            "image_id": 101,
            "category_id": 18,
            "segmentation": crowded,
            "area": 1600.0,
            "iscrowd": 1,
            "bbox": [5, 60, 50, 30],
        }
    )
    for number, annotation in enumerate(annotations):
        annotation["id"] = 1 + number
    categories = [
        {"id": 90, "name": "toothbrush"},
        {"id": 1, "name": "person"},
        {"id": 18, "name": "dog"},
    ]
    instances = {"images": images, "annotations": annotations, "categories": categories}
    folder = root / "annotations"
    (folder / "instances_val2017.json").write_text(json.dumps(instances))
    written = {"images": images, "annotations": captions}
    (folder / "captions_val2017.json").write_text(json.dumps(written))
    return root


def runs_by_hand(mask):
    flat = mask.ravel(order="F").astype(int)
    edges = np.flatnonzero(np.diff(np.r_[0, flat, 0]))
    return np.diff(np.r_[0, edges, flat.size]).tolist() if flat[-1] == 0 else None


def by_number(scenes):
    """Position of each picture, 0 to 3, from its caption."""
    return {int(text.split()[1].strip(",")): i for i, text in enumerate(scenes.captions)}


def test_coco_is_read_as_pycocotools_reads_it(root):
    scenes = load_scenes("coco", "test", scale="full", size=100)
    assert scenes.images.shape == (4, 3, 100, 100)
    at = by_number(scenes)
    assert scenes.captions[at[2]] == "Picture 2, sentence 0."
    truth = COCO(str(root / "annotations" / "instances_val2017.json"))
    names = ["person", "dog", "toothbrush"]
    for number in (0, 1, 3):  # those that need no enlarging
        i, info = at[number], truth.imgs[100 + number]
        height, width = info["height"], info["width"]
        with Image.open(root / "val2017" / info["file_name"]) as opened:
            theirs = torch.from_numpy(np.array(opened)).permute(2, 0, 1)
        ours = (scenes.images[i] * 255).round().byte()
        assert torch.equal(ours[:, :height, :width], theirs)
        assert (ours[:, height:] == 128).all()
        assert (ours[:, :, width:] == 128).all()
        found = truth.loadAnns(truth.getAnnIds(imgIds=[100 + number], iscrowd=False))
        found.sort(key=lambda one: -one["area"])
        assert len(found) == len(scenes.labels[i])
        for one, label, mask in zip(found, scenes.labels[i], scenes.instances[i], strict=True):
            name = truth.cats[one["category_id"]]["name"]
            assert name in names
            assert scenes.classes[label] == name
            assert np.array_equal(mask[:height, :width].numpy(), truth.annToMask(one).astype(bool))
    assert [len(scenes.labels[at[k]]) for k in range(4)] == [2, 2, 1, 0]


def test_coco_crowd_is_no_object_but_counts_in_the_semantic_mask(root):
    scenes = load_scenes("coco", "test", scale="full", size=100)
    i = by_number(scenes)[1]
    dog, person, brush = (scenes.classes.index(name) for name in ("dog", "person", "toothbrush"))
    assert sorted(scenes.labels[i].tolist()) == sorted([person, brush])
    semantic = scenes.semantic[i]
    # The toothbrush covers what the crowd covers, but is smaller in area: it lies on top.
    assert semantic[70, 30] == brush + 1
    assert dog + 1 not in semantic
    assert semantic[10, 10] == person + 1
    path = root / "annotations" / "instances_val2017.json"
    content = json.loads(path.read_text())
    content["annotations"] = [one for one in content["annotations"] if one["iscrowd"]]
    path.write_text(json.dumps(content))
    scenes = load_scenes("coco", "test", scale="full", size=100)
    i = by_number(scenes)[1]
    assert not any(map(len, scenes.labels))
    assert (scenes.semantic[i] == dog + 1).sum() == 1500


def test_coco_resized(root):
    large, small = (load_scenes("coco", "test", scale="full", size=s) for s in (100, 50))
    for number, i in by_number(large).items():
        if number == 2:  # what is smaller than half a pixel is lost
            assert (len(large.boxes[i]), len(small.boxes[i])) == (1, 0)
        else:
            assert len(large.boxes[i]) == len(small.boxes[i])
            assert ((large.boxes[i] / 2 - small.boxes[i]).abs() <= 1).all()
    assert small.coco()["categories"][17]["name"] == "horse"
    back = COCO()
    back.dataset = small.coco()
    back.createIndex()
    assert len(back.anns) == 4
    one = load_scenes("coco", "test", scale="full", size=50, n=1)
    assert torch.equal(one.images[0], small.images[0])


def test_coco_that_is_not_there_says_where_to_get_it(data_dir, root):
    with pytest.raises(FileNotFoundError) as caught:
        load_scenes("coco", "train", scale="full")
    message = str(caught.value)
    for part in (
        "https://cocodataset.org/#download",
        "zips/train2017.zip",
        "annotations_trainval2017.zip",
        str(data_dir / "coco"),
        "instances_train2017.json",
    ):
        assert part in message
    (root / "val2017" / f"{102:012}.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=f"Missing: .*{102:012}.jpg"):
        load_scenes("coco", "test", scale="full")


def test_coco_with_too_few_pictures_or_foreign_classes(root):
    with pytest.raises(ValueError, match="n=5 pictures of 'coco', but its test split has 4"):
        load_scenes("coco", "test", scale="full", n=5)
    path = root / "annotations" / "instances_val2017.json"
    path.write_text(path.read_text().replace("toothbrush", "unicorn"))
    with pytest.raises(ValueError, match="'unicorn' is not one of COCO's 80 classes"):
        load_scenes("coco", "test", scale="full")
