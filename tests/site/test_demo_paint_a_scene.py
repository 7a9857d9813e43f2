"""The demo "paint a scene": painted with a mouse and by keyboard, answered as PyTorch answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import demo_page
import numpy as np
import pytest
from demo_page import LATER, TOLERANCE, DemoPage
from numpy.typing import NDArray
from playwright.sync_api import Browser

from d2lcourse.data.shape_painting import CLASSES, Parts, paint, pixels_of
from d2lcourse.data.shapes import COLOURS

TITLES = ("with-skips", "without-skips")
NAMES = ("background", *CLASSES)
SIDE, ZOOM, SIZE = 40, 8, 18  # pixels of the image, canvas pixels to one, a stamp's width
FOUND = 0.7  # of intersection over union, between what was painted and what is found
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE] + 0.5


@pytest.fixture(scope="module")
def opened(chromium: Browser, address: str) -> Iterator[DemoPage]:
    with demo_page.opened(chromium, address, "segmentation/unet", "paint-a-scene") as page:
        page.place.locator(".demo-body").scroll_into_view_if_needed()
        yield page


@pytest.fixture
def demo(opened: DemoPage) -> Iterator[DemoPage]:
    """The demo as it is when it is opened; at the end its answers are compared with PyTorch's."""
    press(opened, "Reset")
    opened.page.evaluate("answers.length = 0")
    press(opened, "Reset")
    yield opened
    opened.page.evaluate("answers.splice(0, answers.length - 4)")  # two of each network
    for title in TITLES:
        assert opened.difference(title) < TOLERANCE
    assert opened.seen.errors == []


def press(demo: DemoPage, name: str) -> None:
    demo.place.get_by_role("button", name=re.compile(rf"^(\d )?{name}$")).click()
    demo.settle(150)


def slide(demo: DemoPage, label: str, value: int) -> None:
    demo.place.get_by_role("slider", name=label).fill(str(value))


def use(demo: DemoPage, tool: str, size: int | None = None, colour: str = "red") -> None:
    demo.place.get_by_role("combobox", name="Tool").select_option(tool)
    if size is not None:
        slide(demo, "Size", size)
    press(demo, colour)


def drag(demo: DemoPage, *points: tuple[float, float]) -> None:
    """Press at the first point, in pixels of the image, go through the others, and let go."""
    box = demo.place.locator("canvas").first.bounding_box()
    scale = box["width"] / SIDE
    mouse = demo.page.mouse
    mouse.move(box["x"] + points[0][0] * scale, box["y"] + points[0][1] * scale)
    mouse.down()
    for x, y in points[1:]:
        mouse.move(box["x"] + x * scale, box["y"] + y * scale)
    mouse.up()
    demo.settle(150)


def last(demo: DemoPage, side: str) -> list[NDArray]:
    """The input or the output of both networks' last answers."""
    found = demo.page.evaluate(  # as one text: a long list travels slowly
        "([titles, side]) => JSON.stringify("
        "titles.map(t => answers.findLast(a => a.title === t)[side][0]))",
        [TITLES, side],
    )
    return [np.array(tensor["data"]).reshape(tensor["dims"])[0] for tensor in json.loads(found)]


def image(demo: DemoPage) -> NDArray:
    """What the networks were asked last, (3, side, side) in levels of 0 to 255."""
    one, other = last(demo, "inputs")
    assert (one == other).all()
    assert one.shape == (3, SIDE, SIDE)
    assert np.allclose(255 * one, (255 * one).round(), atol=1e-4)
    return (255 * one).round()


def masks(demo: DemoPage) -> list[NDArray]:
    """The class of each pixel in the last answers."""
    return [scores.argmax(0) for scores in last(demo, "outputs")]


def pixels(demo: DemoPage, canvas: int) -> NDArray:
    node = demo.place.locator("canvas").nth(canvas)
    text = node.evaluate(
        "c => `${c.width} ${c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data.join(' ')}`"
    )
    width, *levels = map(int, text.split())
    return np.array(levels).reshape(-1, width, 4)[..., :3]


def commonest(block: NDArray) -> tuple[int, ...]:
    colours, counts = np.unique(block.reshape(-1, 3), axis=0, return_counts=True)
    return tuple(colours[counts.argmax()].tolist())


def overlap(found: NDArray, true: NDArray) -> float:
    return (found & true).sum() / (found | true).sum()


def stamped(under: NDArray, kind: int, x: float, y: float, colour: str, turn: float = 0):
    """The image as the data set's own painter paints it, and the pixels of the shape."""
    look = np.array([[0.6, 0.7, 0.9, 0.5, 0.4, 0.0]])
    one = {"scene": 0, "layer": 0, "kind": kind, "name": 0, "colour": COLOURS[colour]}
    one |= {"x": x / SIDE, "y": y / SIDE, "extent": SIZE / SIDE, "angle": np.deg2rad(turn)}
    parts = Parts(look=look, **{name: np.array([value]) for name, value in one.items()})
    picture = (under.transpose(1, 2, 0)[None] / 255).astype(np.float32)
    touched = pixels_of(parts, SIDE)
    paint(picture, parts, touched)
    cover = np.zeros(SIDE * SIDE)
    cover[touched.place] = touched.cover
    return 255 * picture[0].transpose(2, 0, 1), cover.reshape(SIDE, SIDE)


def test_it_opens_with_a_test_image_that_has_a_circle(demo: DemoPage) -> None:
    assert [(mask == 1).sum() > 100 for mask in masks(demo)] == [True, True]
    first = image(demo)
    seen = [first]
    for _ in range(5):
        press(demo, "Another image")
        seen.append(image(demo))
    assert len({picture.tobytes() for picture in seen}) == 6
    press(demo, "Another image")
    assert (image(demo) == first).all()


def test_the_masks_are_drawn_pixel_by_pixel(demo: DemoPage) -> None:
    legend = [commonest(pixels(demo, 3 + kind)) for kind in range(len(NAMES))]
    assert len(set(legend)) == len(NAMES)
    patterns = {(pixels(demo, 3 + k) != legend[k]).any(axis=2).tobytes() for k in range(len(NAMES))}
    assert len(patterns) == len(NAMES)
    slide(demo, "Mask over image", 100)
    for _ in range(3):
        for canvas, mask in enumerate(masks(demo), start=1):
            drawn = pixels(demo, canvas).reshape(SIDE, ZOOM, SIDE, ZOOM, 3)
            counts = [(drawn == colour).all(axis=4).sum(axis=(1, 3)) for colour in legend]
            assert (np.argmax(counts, axis=0) == mask).all()
        press(demo, "Another image")
    slide(demo, "Mask over image", 0)
    for canvas in range(3):  # without the masks: the image, and on the paper nothing else
        drawn = pixels(demo, canvas)[ZOOM // 2 :: ZOOM, ZOOM // 2 :: ZOOM]
        assert (drawn.transpose(2, 0, 1) == image(demo)).all()


def test_the_words_and_the_table_tell_the_shares(demo: DemoPage) -> None:
    use(demo, "star", colour="green")
    drag(demo, (28, 27))
    demo.page.wait_for_timeout(600)  # the line is said at most twice a second
    said = demo.place.locator(".demo-status").first.inner_text()
    table = demo.place.locator("table tr").all()[1:]
    for column, (title, mask) in enumerate(zip(TITLES, masks(demo), strict=True)):
        shares = [f"{100 * (mask == kind).mean():.1f} %" for kind in range(len(NAMES))]
        assert [row.locator("td").nth(column).inner_text() for row in table] == shares
        assert [row.locator("th").inner_text().strip() for row in table] == list(NAMES)
        there = [f"{NAMES[kind]} {shares[kind]}" for kind in np.unique(mask)]
        assert f"The network {title.replace('-', ' ')} finds {', '.join(there)}." in said
        label = demo.place.locator("canvas").nth(column + 1).get_attribute("aria-label")
        assert label == f"Mask {title.replace('-', ' ')}: {', '.join(there)}"
    apart = (np.not_equal(*masks(demo))).sum()
    assert f"The masks differ in {apart} of 1600 pixels." in said


def test_a_shape_is_painted_as_in_the_data_and_found_where_it_is(demo: DemoPage) -> None:
    places = [(12, 12), (20, 20), (27, 26), (26, 13), (13, 27), (20, 22)]
    wanted = [*enumerate(places), *((1, place) for place in places[:4])]
    press(demo, "Clear")
    ground = image(demo)
    scores = []
    for kind, (x, y) in wanted:
        press(demo, "Clear")
        use(demo, CLASSES[kind], colour="blue")
        drag(demo, (x, y))
        expected, cover = stamped(ground, kind, x, y, "blue")
        now = image(demo)
        assert (now == ground)[:, cover == 0].all()
        assert (now != ground)[:, cover > 0.5].any(axis=0).all()
        assert np.abs(now - expected).max() < 0.75  # half a level, and the mouse's rounding
        scores.append(overlap(masks(demo)[0] == kind + 1, cover > 0.5))
    assert sum(score > FOUND for score in scores[:6]) >= 5
    assert min(scores[6:]) > FOUND  # squares, at four places


def test_a_held_shape_goes_along_and_turns(demo: DemoPage) -> None:
    press(demo, "Clear")
    ground = image(demo)
    slide(demo, "Turn", 30)
    drag(demo, (8, 8), (15, 20), (24, 22))
    expected, _ = stamped(ground, 1, 24, 22, "red", turn=30)
    assert np.abs(image(demo) - expected).max() < 0.75


def test_the_brush_paints_where_it_goes_and_the_eraser_brings_back(demo: DemoPage) -> None:
    press(demo, "Clear")
    ground = image(demo)
    demo.place.get_by_role("checkbox", name="Light and stripes").uncheck()
    use(demo, "brush", size=6, colour="blue")
    drag(demo, (10, 10), (20, 10), (30, 10))
    away = np.hypot(COLUMNS - COLUMNS.clip(10, 30), ROWS - 10)
    now = image(demo)
    assert (now == ground)[:, away > 3.6].all()
    blue = np.round(255 * np.array(COLOURS["blue"]))[:, None]
    assert np.abs(now[:, away < 2.4] - blue).max() <= 1
    use(demo, "brush", colour="eraser")
    drag(demo, (10, 10), (20, 10), (30, 10))
    assert (image(demo) == ground)[:, away < 2.4].all()


def test_a_square_painted_by_hand_is_found(demo: DemoPage) -> None:
    press(demo, "Clear")
    use(demo, "brush", colour="white")
    rows = range(12, 29, 2)
    drag(demo, *[(x, y) for y in rows for x in ((12, 28) if y % 4 else (28, 12))])
    square = np.maximum(abs(COLUMNS - 20), abs(ROWS - 20)) < 10
    assert overlap(masks(demo)[0] == 2, square) > FOUND


def test_by_keyboard_alone(demo: DemoPage) -> None:
    keys = demo.page.keyboard
    paper = demo.place.locator("canvas").first
    press(demo, "Clear")
    ground = image(demo)
    demo.place.get_by_role("combobox", name="Tool").select_option("cross")
    press(demo, "Another image")
    paper.focus()
    keys.press("Delete")
    demo.settle(150)
    ground = image(demo)
    for key in ("1", "]", "[", *["Shift+ArrowLeft"] * 8, *["ArrowRight"] * 14):
        keys.press(key)
    for key in (*["Shift+ArrowUp"] * 8, *["Shift+ArrowDown"] * 4):
        keys.press(key)
    demo.settle(150)
    assert (image(demo) == ground).all()  # the outline that moves is not in the image
    assert (pixels(demo, 0)[4::8, 4::8].transpose(2, 0, 1) != ground).any()  # but on the paper
    keys.press("Space")
    keys.press("Space")
    keys.press("ArrowDown")
    demo.settle(600)
    expected, cover = stamped(ground, 4, 14.5, 20.5, "blue")
    assert np.abs(image(demo) - expected).max() < 0.75
    assert overlap(masks(demo)[0] == 5, cover > 0.5) > FOUND
    said = demo.place.locator(".demo-status").last.inner_text()
    assert said == "blue cross, 18 px, column 15, row 22, up."
    # A brush that is down paints on its way; 0 takes the eraser.
    demo.place.get_by_role("combobox", name="Tool").select_option("brush")
    paper.focus()
    for key in ("0", "Space", "ArrowUp", "ArrowUp", "Space"):
        keys.press(key)
    demo.settle(150)
    away = np.hypot(COLUMNS - 14.5, ROWS - ROWS.clip(19.5, 21.5))
    assert (image(demo) == ground)[:, away < 1.4].all()
    paper.blur()
    assert (pixels(demo, 0)[4::8, 4::8].transpose(2, 0, 1) == image(demo)).all()


def commonest_class(mask: NDArray) -> str:
    return NAMES[1 + np.bincount(mask.ravel(), minlength=len(NAMES))[1:].argmax()]


def test_a_hole_makes_a_ring_as_the_text_says(demo: DemoPage) -> None:
    circle = masks(demo)[0] == 1
    middle = np.argwhere(circle).mean(axis=0)[::-1] + 0.5
    use(demo, "brush", size=6, colour="eraser")
    drag(demo, tuple(middle))
    rings = [mask == 6 for mask in masks(demo)]
    assert [overlap(ring, circle) > FOUND for ring in rings] == [True, True]
    away = np.hypot(COLUMNS - middle[0], ROWS - middle[1])
    small = [(~ring)[away < 6].sum() for ring in rings]
    use(demo, "brush", size=10, colour="eraser")
    drag(demo, tuple(middle))
    large = [(mask != 6)[away < 6].sum() for mask in masks(demo)]
    with_skips, without = np.array(large) - small
    assert with_skips > 30
    assert without < 15


def test_colour_does_not_matter_but_size_and_angle_do_as_the_text_says(demo: DemoPage) -> None:
    def square(**how) -> list[float]:
        press(demo, "Clear")
        use(demo, "square", **{"size": SIZE, **how})
        drag(demo, (21, 18))
        return [float((mask == 2).mean()) for mask in masks(demo)]

    whole = (0.875 * SIZE / SIDE) ** 2
    for colour in COLOURS:
        assert square(colour=colour)[0] > 0.8 * whole
    demo.place.get_by_role("checkbox", name="Light and stripes").uncheck()
    assert square()[0] > 0.8 * whole
    slide(demo, "Turn", 45)
    assert max(square()) < 0.3 * whole
    slide(demo, "Turn", 0)
    assert max(square(size=9)) < 0.3 * whole / 4
    press(demo, "Clear")
    use(demo, "brush", size=2)
    drag(demo, (8, 20), (32, 24))
    line = abs((image(demo) - np.median(image(demo))).max(axis=0)) > 60
    assert all((mask[line & (abs(ROWS - 22) < 3)] > 0).mean() < 0.3 for mask in masks(demo))


def test_later_answers_come_at_once(demo: DemoPage) -> None:
    taken = []
    for _ in range(5):
        before = demo.count()
        started = demo.page.evaluate(
            "() => { const t = performance.now(); [...document.querySelectorAll('.demo button')]"
            ".find(b => b.textContent === 'Another image').click(); return t }"
        )
        demo.wait(before + 2)  # both networks
        taken.append(demo.page.evaluate("n => answers[n].time", before + 1) - started)
        demo.settle(150)
    assert sorted(taken)[2] < LATER
