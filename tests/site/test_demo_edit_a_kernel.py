"""The demo "edit a kernel": its feature map is PyTorch's, and what it shows is what it computed."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from demo_page import LATER, TOLERANCE, DemoPage, _about, opened
from playwright.sync_api import Browser, Locator

CHAPTER, NAME = "cnn/resnet", "edit-a-kernel"
SIDE = 128
NUMBER = r"−?\d+(?:\.\d+)?"


@pytest.fixture
def demo(chromium: Browser, address: str):
    with opened(chromium, address, CHAPTER, NAME) as page:
        yield page


def last(demo: DemoPage) -> dict[str, Any]:
    """The last answer: photo, kernel, bias, settings and map."""
    answer = demo.page.evaluate("answers.at(-1)")  # one: each answer holds the photo
    names = ("photo", "kernel", "bias", "settings", "map")
    tensors = (*answer["inputs"], *answer["outputs"])
    return {
        name: np.array(tensor["data"]).reshape(tensor["dims"])
        for name, tensor in zip(names, tensors, strict=True)
    }


def pytorch(answer: dict[str, Any]) -> np.ndarray:
    photo, kernel, bias = (
        torch.from_numpy(answer[name].astype("float32")) for name in ("photo", "kernel", "bias")
    )
    stride, padding, relu = (int(value) for value in answer["settings"])
    result = F.conv2d(photo, kernel, bias, stride=stride, padding=padding)
    return (result.relu() if relu else result).numpy()


def number(text: str) -> float:
    return float(text.replace("−", "-").strip("()"))


def weight(demo: DemoPage, row: int, column: int) -> Locator:
    return demo.place.get_by_label(f"Weight in row {row}, column {column}")


def presets(demo: DemoPage) -> Locator:
    return demo.place.locator("select").first


def said(demo: DemoPage) -> str:
    demo.page.wait_for_timeout(600)  # the line waits for half a second between sentences
    return demo.place.locator(".demo-status").inner_text()


def canvas(demo: DemoPage, which: int) -> np.ndarray:
    """The grey levels of the photo's canvas (0) or of the map's (1)."""
    node = demo.place.locator("canvas").nth(which)
    pixels, width = node.evaluate(
        "e => [Array.from(e.getContext('2d').getImageData(0, 0, e.width, e.height).data), e.width]"
    )
    levels = np.array(pixels).reshape(-1, width, 4)
    assert (levels[..., 3] == 255).all()
    assert (levels[..., :3] == levels[..., :1]).all()  # grey
    return levels[..., 0]


def check_the_patch(demo: DemoPage, row: int, column: int) -> None:
    """The table and the sentence tell of this pixel of the map, and they add up."""
    answer = last(demo)
    stride, padding, relu = (int(value) for value in answer["settings"])
    outside = np.full((1, 1, SIDE + 2, SIDE + 2), np.nan)
    outside[..., 1:-1, 1:-1] = answer["photo"]
    top, left = row * stride - padding + 1, column * stride - padding + 1
    patch = outside[0, 0, top : top + 3, left : left + 3].flatten()
    products = []
    for text, pixel, factor in zip(
        demo.place.locator("td").all_inner_texts(), patch, answer["kernel"].flatten(), strict=True
    ):
        match = re.fullmatch(rf"(outside )?({NUMBER}) × \(?({NUMBER})\)?\s*= ({NUMBER})", text)
        assert match, text
        assert bool(match[1]) == np.isnan(pixel)
        assert number(match[2]) == np.nan_to_num(pixel)
        assert number(match[3]) == pytest.approx(factor, abs=6e-4)
        products.append(number(match[4]))
        assert products[-1] == pytest.approx(np.nan_to_num(pixel) * factor, abs=6e-4)
    sentence = said(demo)
    assert sentence.startswith(f"Row {row}, column {column}: ")
    total = re.search(rf"nine products sum to ({NUMBER})", sentence)
    assert total
    assert number(total[1]) == pytest.approx(sum(products), abs=9e-3)
    bias = answer["bias"][0]
    before = number(total[1]) + bias
    if bias:
        match = re.search(rf"with the bias ({NUMBER}) to ({NUMBER})", sentence)
        assert match
        assert number(match[1]) == bias
        assert number(match[2]) == pytest.approx(before, abs=2e-3)
    else:
        assert "bias" not in sentence
    assert ("which ReLU makes 0" in sentence) == bool(relu and before < 0)
    assert ("which ReLU keeps" in sentence) == bool(relu and before >= 0)
    held = re.search(rf"The map holds ({NUMBER})\.$", sentence)
    value = answer["map"][0, 0, row, column]
    assert held
    assert number(held[1]) == pytest.approx(value, abs=1e-3)
    assert value == pytest.approx(max(before, 0) if relu else before, abs=2e-3)


def test_the_feature_map_is_that_of_conv2d(demo: DemoPage) -> None:
    about = _about(CHAPTER, NAME)["data"]
    for name, rows in about["kernels"].items():
        presets(demo).select_option(name)
        answer = last(demo)
        assert answer["photo"].flatten().tolist() == about["photo"]
        assert answer["kernel"][0, 0] == pytest.approx(np.array(rows), abs=1e-7)
        assert np.abs(answer["map"] - pytorch(answer)).max() < TOLERANCE
    demo.place.get_by_label("Bias").fill("-40.5")
    for stride, padding, side in (("1", "0", 126), ("2", "0", 63), ("2", "1", 64), ("1", "1", 128)):
        demo.place.get_by_label("Stride").select_option(stride)
        demo.place.get_by_label("Padding").select_option(padding)
        for _ in range(2):
            demo.place.get_by_label("ReLU").click()
            answer = last(demo)
            relu = demo.place.get_by_label("ReLU").is_checked()
            assert answer["settings"].tolist() == [int(stride), int(padding), relu]
            assert answer["bias"] == [-40.5]
            assert answer["map"].shape == (1, 1, side, side)
            assert np.abs(answer["map"] - pytorch(answer)).max() < TOLERANCE


def test_the_canvases_show_photo_and_map_as_the_text_says(demo: DemoPage) -> None:
    assert (canvas(demo, 0) == last(demo)["photo"][0, 0]).all()
    caption = demo.place.locator(".demo-help").nth(1)

    values = last(demo)["map"][0, 0]
    words = f"128 × 128, from ({NUMBER}) to ({NUMBER}). Black is ({NUMBER}), mid-grey 0, white "
    match = re.match(words + f"({NUMBER})", caption.inner_text())
    assert match
    least, most, black, white = (number(text) for text in match.groups())
    assert (least, most) == (values.min(), values.max())
    assert (black, white) == (-np.abs(values).max(), np.abs(values).max())
    grey = 255 * (values - black) / (white - black)
    assert np.abs(canvas(demo, 1) - grey).max() <= 0.501

    presets(demo).select_option("sharpen")
    assert "Black is 0 or less, white 255 or more." in caption.inner_text()
    values = last(demo)["map"][0, 0]
    assert values.min() < 0
    assert values.max() > 255
    assert np.abs(canvas(demo, 1) - values.clip(0, 255)).max() <= 0.501
    demo.place.get_by_label("Grey levels").select_option("zero")
    largest = np.abs(values).max()
    assert np.abs(canvas(demo, 1) - 255 * (values + largest) / (2 * largest)).max() <= 0.501

    presets(demo).select_option("identity")
    assert (canvas(demo, 1) == canvas(demo, 0)).all()


def test_the_pointer_shows_the_products_behind_a_pixel(demo: DemoPage) -> None:
    demo.place.get_by_label("Bias").fill("7")
    demo.place.get_by_label("Stride").select_option("2")
    view = demo.place.locator("canvas").nth(1)
    for relu in range(2):
        for row, column in ((31, 12), (0, 63), (20, 24), (41, 40)):
            box = view.bounding_box()
            x = box["x"] + (column + 0.5) / 64 * box["width"]
            demo.page.mouse.move(x, box["y"] + (row + 0.5) / 64 * box["height"])
            check_the_patch(demo, row, column)
        if not relu:
            demo.place.get_by_label("ReLU").click()
    # The frames stand over the patch and over the pixel.
    size = 2 * 12.5 / SIDE
    picture, frames = demo.place.locator("canvas"), demo.place.locator("[aria-hidden=true]")
    for which, scale, (row, column, across) in ((0, 1, (81, 79, 3)), (1, 2, (41, 40, 1))):
        whole, frame = picture.nth(which).bounding_box(), frames.nth(which).bounding_box()
        pixel = whole["width"] / SIDE * scale
        assert frame["width"] == pytest.approx(across * pixel, abs=size)
        assert frame["x"] - whole["x"] == pytest.approx(column * pixel, abs=1)
        assert frame["y"] - whole["y"] == pytest.approx(row * pixel, abs=1)


def test_by_keyboard_alone(demo: DemoPage) -> None:
    view = demo.place.locator("canvas").nth(1)
    assert view.evaluate("e => e === document.activeElement")  # where opening leaves the reader
    row, column = map(int, re.match(r"Row (\d+), column (\d+)", said(demo)).groups())
    for key, down, right in (("ArrowDown", 1, 0), ("ArrowRight", 0, 1), ("Shift+ArrowUp", -10, 0)):
        demo.page.keyboard.press(key)
        row, column = row + down, column + right
        check_the_patch(demo, row, column)
    for _ in range(14):
        demo.page.keyboard.press("Shift+ArrowRight")
    check_the_patch(demo, row, SIDE - 1)  # it stops at the edge, where the padding is

    for _ in range(3):  # past the list of kernels and Reset
        demo.page.keyboard.press("Tab")
    demo.page.keyboard.press("ArrowUp")
    assert last(demo)["kernel"][0, 0].tolist() == [[0, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    demo.page.keyboard.press("Tab")
    demo.page.keyboard.type("0.25")
    assert last(demo)["kernel"][0, 0, 0].tolist() == [0, 0.25, 1]
    assert presets(demo).input_value() == "own"
    check_the_patch(demo, row, SIDE - 1)
    demo.place.get_by_role("button", name="Reset").press("Enter")
    assert last(demo)["kernel"][0, 0].tolist() == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    assert presets(demo).input_value() == "vertical edges"


@pytest.mark.parametrize("keys", ["Delete", "e", "1000", "-"])
def test_what_is_no_weight_is_told_and_changes_nothing(demo: DemoPage, keys: str) -> None:
    before = canvas(demo, 1)
    box = weight(demo, 1, 0)
    box.press("Control+a")
    for key in [keys] if keys == "Delete" else keys:
        demo.page.keyboard.press(key)
    refusal = "Weight in row 1, column 0 needs a number from −100 to 100"
    assert said(demo).startswith(refusal)
    assert box.get_attribute("aria-invalid") == "true"
    if keys == "1000":  # 1, 10 and 100 were weights on the way; 1000 left the last one
        assert last(demo)["kernel"][0, 0, 1, 0] == 100
        kept = "100"
    else:
        assert demo.count() == 1
        assert (canvas(demo, 1) == before).all()
        kept = "-2"
    demo.page.keyboard.press("Tab")  # the field shows again what the map was made with
    assert box.input_value() == kept
    assert box.get_attribute("aria-invalid") != "true"


def test_later_answers_come_at_once(demo: DemoPage) -> None:
    change = """value => {
      const field = document.querySelector(".demo-body [aria-label='Weight in row 0, column 0']");
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }"""
    taken = [demo.milliseconds(change, value) for value in (2, 3, 4, 5, 6)]
    assert sorted(taken)[2] < LATER
