"""The demo "draw a digit": drawn with a mouse and by keyboard, answered as PyTorch answers."""

from __future__ import annotations

import pytest
from demo_page import LATER, TOLERANCE, DemoPage, opened
from playwright.sync_api import Browser

TITLES = {"foundations/deep-networks": ("linear", "MLP"), "cnn/resnet": ("linear", "MLP", "CNN")}


@pytest.fixture(params=TITLES)
def demo(request: pytest.FixtureRequest, chromium: Browser, address: str):
    with opened(chromium, address, request.param, "draw-a-digit") as page:
        yield page


def titles(demo: DemoPage) -> tuple[str, ...]:
    return TITLES[demo.chapter]


def draw_a_one(demo: DemoPage) -> None:
    """A stroke from top to bottom, as a reader would draw it."""
    box = demo.place.locator("canvas").first.bounding_box()
    x, y, size = box["x"] + box["width"] / 2, box["y"], box["height"]
    demo.page.mouse.move(x, y + 0.15 * size)
    demo.page.mouse.down()
    for part in range(20, 86, 5):
        demo.page.mouse.move(x, y + part / 100 * size)
    demo.page.mouse.up()
    demo.settle()


def test_a_drawn_digit_is_answered_as_pytorch_answers(demo: DemoPage) -> None:
    demo.place.get_by_role("button", name="Clear").click()
    draw_a_one(demo)
    for title in titles(demo):
        assert demo.difference(title) < TOLERANCE
        last = [answer for answer in demo.answers(title) if len(answer["inputs"][0]) == 1][-1]
        image = last["inputs"][0][0, 0]
        assert image.shape == (28, 28)
        # In the middle, and 21 pixels high, as the training images are.
        rows = (image > 0.5).any(axis=1).nonzero()[0]
        assert 20 <= rows[-1] - rows[0] + 1 <= 22
        assert abs((image.sum(axis=0) * range(28)).sum() / image.sum() - 13.5) < 0.6
    assert {round(sum(map(float, column)), 1) for column in shown(demo)} == {1.0}


def shown(demo: DemoPage) -> list[list[str]]:
    lists = demo.place.locator(".demo-bars").all()
    return [one.locator(".demo-bar-number").all_inner_texts() for one in lists]


def test_the_bars_show_the_softmax_of_the_answer(demo: DemoPage) -> None:
    import numpy as np

    for title, column in zip(titles(demo), shown(demo), strict=True):
        answer = [a for a in demo.answers(title) if len(a["inputs"][0]) == 1][-1]
        powers = np.exp(answer["outputs"][0][0] - answer["outputs"][0].max())
        assert [float(text) for text in column] == pytest.approx(powers / powers.sum(), abs=0.006)


def test_the_pixels_that_mattered_are_those_whose_blanking_costs_most(demo: DemoPage) -> None:
    for title in titles(demo):
        batch = [a for a in demo.answers(title) if len(a["inputs"][0]) == 49][-1]
        image = [a for a in demo.answers(title) if len(a["inputs"][0]) == 1][-1]["inputs"][0]
        for patch in (0, 24, 48):
            row, column = divmod(patch, 7)
            changed = batch["inputs"][0][patch, 0] != image[0, 0]
            outside = changed.copy()
            outside[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = False
            assert not outside.any()
        assert (batch["inputs"][0] != image).any()


def test_by_keyboard_alone(demo: DemoPage) -> None:
    demo.place.locator("canvas").first.focus()
    demo.page.keyboard.press("Delete")
    demo.page.keyboard.press("Space")
    for _ in range(10):
        demo.page.keyboard.press("ArrowDown")
    demo.page.keyboard.press("Space")
    demo.settle()
    for title in titles(demo):
        last = [a for a in demo.answers(title) if len(a["inputs"][0]) == 1][-1]
        assert last["inputs"][0].sum() > 20  # ink came out of the keyboard's pen
        assert demo.difference(title) < TOLERANCE
    said = demo.place.locator(".demo-status").all_inner_texts()
    assert any("Pen up at 50 %, 75 %" in text for text in said)


def test_later_answers_come_at_once(demo: DemoPage) -> None:
    press = "() => [...document.querySelectorAll('.demo button')][1].click()"
    assert demo.median_milliseconds(press) < LATER
