"""The demo "drag shapes": boxes follow what is dragged, and are those of the chapter's code."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import HTML
from demo_page import LATER, TOLERANCE, DemoPage, on_page, opened
from PIL import Image
from playwright.sync_api import Browser, Page
from torchvision.ops import batched_nms, box_iou, nms

from d2lcourse.data.shape_painting import Parts, paint, pixels_of, visible
from tools.notebooks import code, read

CHAPTER, NAME = "detection/anchor-free", "drag-shapes"
SIDE, PAPER, KINDS = 64, 768, 6
LIME = (0, 255, 0)


@pytest.fixture
def demo(chromium: Browser, address: str):
    with opened(chromium, address, CHAPTER, NAME) as page:
        yield page


@pytest.fixture(scope="module")
def closed(chromium: Browser, address: str):
    """The chapter's page with the demo closed: for its modules alone."""
    with on_page(chromium, address, CHAPTER, NAME) as demo:
        yield demo.page


@pytest.fixture(scope="module")
def cells() -> dict[str, Any]:
    """What the chapter's cells define: LEVELS, decode and judge."""
    names: dict[str, Any] = {"torch": torch, "F": F, "batched_nms": batched_nms, "box_iou": box_iou}
    names |= {"sizes": {"side": SIDE}, "LEVELS": ((4, 0, 0), (8, 0, 0)), "plt": None}
    for cell in code(read(HTML.parent / "executed" / f"{CHAPTER}.ipynb")):
        if cell.source.startswith(("def decode(", "def judge(")):
            exec(cell.source, names)
    return names


def module(page: Page, file: str, call: str, argument: Any) -> Any:
    """Run `call`, an expression of the module m and the argument a, in the page."""
    act = f"async a => {{ const m = await import('/_static/demos/{file}.js'); return {call} }}"
    return page.evaluate(act, argument)


def random_boxes(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Boxes of which many overlap, scores of which some are equal, and labels."""
    rng = torch.Generator().manual_seed(seed)
    corner = torch.rand(n, 2, generator=rng) * 40
    boxes = torch.cat([corner, corner + 2 + torch.rand(n, 2, generator=rng) * 24], dim=1)
    boxes[n // 2 :] = boxes[n // 2 :].round()  # overlaps of exactly a half occur among these
    scores = (torch.rand(n, generator=rng) * 50).round() / 50
    return boxes, scores, torch.randint(KINDS, (n,), generator=rng)


# The modules, against torchvision, the chapter and the data set


@pytest.mark.parametrize("seed", range(3))
def test_overlap_and_suppression_equal_torchvisions(closed: Page, seed: int) -> None:
    boxes, scores, labels = random_boxes(120, seed)
    a = {"boxes": boxes.tolist(), "scores": scores.tolist(), "labels": labels.tolist()}
    file = "boxes"
    ours = module(closed, file, "a.boxes.map(b => a.boxes.map(c => m.iou(b, c)))", a)
    assert torch.equal(torch.tensor(ours, dtype=torch.float32), box_iou(boxes, boxes))
    for threshold in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0):
        a["t"] = threshold
        kept = module(closed, file, "m.nms(a.boxes, a.scores, a.t)", a)
        assert kept == nms(boxes, scores, threshold).tolist()
        kept = module(closed, file, "m.batchedNms(a.boxes, a.scores, a.labels, a.t)", a)
        assert kept == batched_nms(boxes, scores, labels, threshold).tolist()
        assert threshold < 1 or len(kept) == len(boxes)


def page_decode(page: Page, maps: list[torch.Tensor], threshold: float) -> list[dict[str, Any]]:
    plain = [{"data": item.flatten().tolist(), "dims": list(item.shape)} for item in maps]
    return module(
        page,
        "boxes",
        "m.decode(a.maps.slice(0, 2).map((heat, k) =>"
        " ({ stride: [4, 8][k], heat, distances: a.maps[k + 2] })),"
        f" {{ side: {SIDE}, threshold: a.threshold }})",
        {"maps": plain, "threshold": threshold},
    )


@pytest.mark.parametrize("threshold", [0.3, 0.5, 1.0])
def test_decoding_and_judging_equal_the_chapters(closed: Page, cells, threshold: float) -> None:
    rng = torch.Generator().manual_seed(0)
    for _ in range(3):
        heats = [torch.rand(1, KINDS, g, g, generator=rng) ** 3 for g in (16, 8)]
        distances = [torch.rand(1, 4, g, g, generator=rng) * 4 for g in (16, 8)]
        (found,) = cells["decode"](heats, distances, threshold=threshold)
        ours = page_decode(closed, heats + distances, threshold)
        assert [one["label"] for one in ours] == found[2].tolist()
        np.testing.assert_allclose([one["score"] for one in ours], found[1], atol=1e-6)
        np.testing.assert_allclose([one["box"] for one in ours], found[0], atol=1e-4)
        # The objects: some of the boxes, moved a little, and some of another class.
        true_boxes = found[0][::3] + torch.rand(len(found[0][::3]), 4, generator=rng) * 3
        true_labels = found[2][::3] + (torch.arange(len(true_boxes)) % 4 == 3)
        right, missed = cells["judge"](found, true_boxes, true_labels, least=0.0)
        assert any(right)
        assert missed
        objects = zip(true_boxes.tolist(), true_labels.tolist(), strict=True)
        judged = module(
            closed,
            "boxes",
            "m.judge(a.found, a.objects)",
            {"found": ours, "objects": [{"box": box, "label": label} for box, label in objects]},
        )
        assert [claim >= 0 for claim in judged["claims"]] == right
        assert set(judged["missed"]) == missed


def random_parts(seed: int) -> Parts:
    """Nine overlapping shapes of one scene, of all kinds, some of them over the edge."""
    rng, n = np.random.default_rng(seed), 9
    return Parts(
        scene=np.zeros(n, int),
        layer=np.arange(n),
        kind=np.arange(n) % KINDS,
        x=rng.random(n),
        y=rng.random(n),
        extent=rng.uniform(0.1, 0.5, n),
        angle=rng.uniform(-0.35, 0.35, n),
        colour=rng.random((n, 3)),
        name=np.zeros(n, int),
        look=rng.random((n, 6)),
    )


@pytest.mark.parametrize("seed", range(3))
def test_pictures_and_boxes_are_those_of_the_data_set(closed: Page, seed: int) -> None:
    parts = random_parts(seed)
    ground = np.random.default_rng(seed).integers(0, 256, (3, SIDE, SIDE))
    keys = ("kind", "x", "y", "extent", "angle", "colour", "look")
    columns = [getattr(parts, key).tolist() for key in keys]
    shapes = [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]
    a = {"ground": ground.flatten().tolist(), "shapes": shapes}
    call = f"(p => [Array.from(p.image), p.boxes])(m.paint(a.ground, a.shapes, {SIDE}))"
    image, boxes = module(closed, "shape-scenes", call, a)

    expected = (ground.transpose(1, 2, 0)[None] / 255).astype(np.float32)
    pixels = pixels_of(parts, SIDE)
    paint(expected, parts, pixels)
    difference = np.abs(np.reshape(image, (3, SIDE, SIDE)) - expected[0].transpose(2, 0, 1))
    assert difference.max() < 0.51 / 255  # the page rounds to levels

    shows, owner = visible(parts, pixels, (1, SIDE, SIDE))
    for k, box in enumerate(boxes):
        rows, columns = np.nonzero(owner[0] == k)
        if box is not None and shows.all():
            assert box == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


# The demo, as a reader uses it


def last(demo: DemoPage, title: str) -> dict[str, Any]:
    """The model's latest answer (title "detector") or what came of it (title "boxes")."""
    answer = demo.page.evaluate("title => answers.findLast((a) => a.title === title)", title)
    for side in ("inputs", "outputs"):
        answer[side] = [np.array(t["data"]).reshape(t["dims"]) for t in answer[side]]
    return answer


def slide(demo: DemoPage, label: str, value: float) -> None:
    demo.place.get_by_role("slider", name=label).fill(str(value))


def press(demo: DemoPage, *keys: str) -> None:
    demo.place.locator("canvas").focus()
    for key in keys:
        demo.page.keyboard.press(key)
    demo.settle(100)


def pointer(demo: DemoPage, x: float, y: float) -> tuple[float, float]:
    """Where the picture's pixel (x, y) is in the window."""
    box = demo.place.locator("canvas").bounding_box()
    return box["x"] + x / SIDE * box["width"], box["y"] + y / SIDE * box["height"]


def one_circle(demo: DemoPage) -> tuple[float, float]:
    """Leave one shape, a circle of 26 pixels, and return its centre."""
    while not demo.place.get_by_text("Shape 1 of 1").count():
        press(demo, "Delete")
    demo.place.get_by_label("Kind").select_option("circle")
    slide(demo, "Size", 0.4)
    demo.settle(100)
    box = last(demo, "boxes")["inputs"][1][0]
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def changed(demo: DemoPage, ground: np.ndarray) -> np.ndarray:
    """The box around what the network's picture shows besides the ground."""
    image = last(demo, "detector")["inputs"][0][0]
    rows, columns = np.nonzero(np.abs(image - ground).max(axis=0) > 0.12)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    pair = (torch.tensor(box, dtype=torch.float)[None] for box in (one, other))
    return box_iou(*pair).item()


def test_boxes_follow_a_dragged_shape(demo: DemoPage) -> None:
    x, y = one_circle(demo)
    press(demo, "Delete")
    ground = last(demo, "detector")["inputs"][0][0]
    demo.place.get_by_role("button", name="Reset").click()
    x, y = one_circle(demo)
    follows = []
    for to_x, to_y in [(16, 16), (46, 18), (44, 46), (18, 44), (32, 32)]:
        demo.page.mouse.move(*pointer(demo, x, y))
        demo.page.mouse.down()
        demo.page.mouse.move(*pointer(demo, (x + to_x) / 2, (y + to_y) / 2))
        demo.page.mouse.move(*pointer(demo, to_x, to_y))
        demo.page.mouse.up()
        demo.settle(150)
        x, y = to_x, to_y
        there = changed(demo, ground)
        assert np.abs(there - [x - 13, y - 13, x + 13, y + 13]).max() <= 2, "the picture's shape"
        boxes = last(demo, "boxes")
        assert np.abs(boxes["inputs"][1][0] - there).max() <= 2, "what the demo takes as true"
        shown, _, labels, _ = boxes["outputs"]
        circles = [box for box, label in zip(shown, labels, strict=True) if label == 0]
        follows.append(max((overlap(box, there) for box in circles), default=0.0))
    assert sum(value > 0.5 for value in follows) >= 4, follows
    demo.page.evaluate("answers = answers.slice(-10)")
    assert demo.difference("detector") < TOLERANCE


def test_what_is_shown_is_what_was_answered(demo: DemoPage, cells) -> None:
    for scene in range(3):
        slide(demo, "Score", (0.4, 0.2, 0.05)[scene])
        demo.settle(600)  # the line of words follows after half a second
        (least, threshold), true_boxes, true_labels = last(demo, "boxes")["inputs"]
        boxes, scores, labels, claims = last(demo, "boxes")["outputs"]
        # The chapter's decode of the maps.
        maps = [torch.tensor(item, dtype=torch.float) for item in last(demo, "detector")["outputs"]]
        (found,) = cells["decode"](maps[:2], maps[2:], threshold=float(threshold))
        above = found[1] > float(least)
        np.testing.assert_allclose(boxes, found[0][above], atol=1e-3)
        np.testing.assert_allclose(scores, found[1][above], atol=1e-5)
        assert labels.tolist() == found[2][above].tolist()
        # The chapter's judge of them.
        true = (torch.tensor(true_boxes, dtype=torch.float), torch.tensor(true_labels))
        right, missed = cells["judge"](found, *true, least=float(least))
        assert (claims >= 0).tolist() == right
        # The words.
        names = demo.place.get_by_label("Kind").locator("option").all_inner_texts()
        items = demo.place.get_by_role("listitem").all_inner_texts()
        assert len(items) == len(boxes) + len(missed)
        for k, item in enumerate(items[: len(boxes)]):
            left, top, end, bottom = (int(edge + 0.5) for edge in boxes[k])
            place = f"({left}, {top}) to ({end}, {bottom})"
            assert item.startswith(f"{names[int(labels[k])]} {scores[k]:.2f}: {place}, ")
            assert ("right" in item) == right[k]
            assert ("false alarm" in item) != right[k]
        assert sum("missed" in item for item in items) == len(missed)
        line = demo.place.locator(".demo-status").inner_text()
        count = "1 box" if len(boxes) == 1 else f"{len(boxes)} boxes"
        assert line.startswith(f"{count}. {sum(right)} of {len(true_boxes)} shapes found,")
        # The frames: a box that is right is green, where no other frame or words lie over it.
        if scene == 0:
            pixels = canvas(demo)
            for box in boxes[np.array(right)]:
                assert green_sides(pixels, box) >= 2
        demo.place.get_by_role("button", name="Another scene").click()


def canvas(demo: DemoPage) -> np.ndarray:
    address = demo.place.locator("canvas").evaluate("c => c.toDataURL('image/png')")
    with Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))) as picture:
        return np.asarray(picture.convert("RGB"))


def green_sides(pixels: np.ndarray, box: np.ndarray) -> int:
    """On how many sides of the box at least a third of the line is green."""
    left, top, right, bottom = (np.clip(box * PAPER / SIDE, 1, PAPER - 2)).astype(int)
    lines = [
        pixels[top, left:right],
        pixels[bottom, left:right],
        pixels[top:bottom, left],
        pixels[top:bottom, right],
    ]
    return sum((line == LIME).all(axis=1).mean() > 0.33 for line in lines)


def test_the_sliders_filter_as_they_say(demo: DemoPage) -> None:
    counts = []
    for least in (0.05, 0.2, 0.4, 0.6, 0.8, 0.95):
        slide(demo, "Score", least)
        scores = last(demo, "boxes")["outputs"][1]
        assert (scores > least).all()
        counts.append(len(scores))
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]
    runs = demo.page.evaluate("answers.filter((a) => a.title === 'detector').length")
    # Without suppression no box goes, and where both levels see a shape there are two.
    slide(demo, "Score", 0.2)
    more = 0
    for size in np.arange(0.28, 0.42, 0.02):
        slide(demo, "Size", round(float(size), 2))
        demo.settle(60)
        shown = []
        for threshold in (0.1, 0.5, 1):
            slide(demo, "NMS IoU", threshold)
            shown.append(len(last(demo, "boxes")["outputs"][0]))
        assert shown == sorted(shown)
        more += shown[2] > shown[1]
    assert more
    # Only a changed picture is worth a run of the network.
    assert demo.page.evaluate("answers.filter((a) => a.title === 'detector').length") <= runs + 8


def test_by_keyboard_alone(demo: DemoPage) -> None:
    def true(index: int) -> np.ndarray:
        return last(demo, "boxes")["inputs"][1][index]

    press(demo, "2")
    assert demo.place.get_by_text("Shape 2 of").count() == 1
    size = demo.place.get_by_role("slider", name="Size")
    before = float(size.input_value())
    press(demo, "+", "+")
    assert float(size.input_value()) == pytest.approx(before + 0.04)
    press(demo, "-")
    first, second = true(0), true(1)
    towards = "ArrowLeft" if second[0] > SIDE - second[2] else "ArrowRight"
    press(demo, f"Shift+{towards}", towards)
    moved = 9 if towards == "ArrowRight" else -9
    assert np.abs(true(1) - second - [moved, 0, moved, 0]).max() <= 1
    assert np.abs(true(0) - first).max() <= 1 or overlap(true(1), first) > 0
    count = len(last(demo, "boxes")["inputs"][1])
    press(demo, "Delete")
    assert len(last(demo, "boxes")["inputs"][1]) == count - 1
    demo.place.get_by_role("button", name="Add a shape").focus()
    for _ in range(10):
        demo.page.keyboard.press("Enter")
    demo.settle()
    assert demo.place.get_by_text("Shape 8 of 8").count() == 1
    assert not demo.place.get_by_role("button", name="Add a shape").is_enabled()
    press(demo, *["Delete"] * 8)
    assert demo.place.get_by_text("No shape", exact=True).count() == 1
    demo.page.wait_for_timeout(600)  # the line of words follows after half a second
    assert "of 0 shapes found" in demo.place.locator(".demo-status").inner_text()
    demo.place.get_by_role("button", name="Reset").press("Enter")
    demo.settle()
    assert demo.place.get_by_text("Shape 1 of").count() == 1
    assert demo.difference("detector") < TOLERANCE
    assert demo.seen.errors == []


def test_the_detector_finds_the_pages_shapes_as_it_finds_the_chapters(demo: DemoPage) -> None:
    slide(demo, "Score", 0.5)
    found = objects = 0
    for _ in range(40):
        before = demo.count()
        demo.place.get_by_role("button", name="Another scene").click()
        demo.wait(before + 2)  # the maps, then the boxes
        boxes = last(demo, "boxes")
        found += int((boxes["outputs"][3] >= 0).sum())
        objects += len(boxes["inputs"][1])
    assert objects > 80
    assert found > 0.7 * objects, (found, objects)


def test_later_answers_come_at_once(demo: DemoPage) -> None:
    key = (
        "() => document.querySelector('.demo canvas')"
        ".dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown' }))"
    )
    assert demo.median_milliseconds(key, rest=100) < LATER
