"""The demo "explore latent space": codes, directions and paths as stated, pictures as PyTorch's."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from demo_page import LATER, TOLERANCE, DemoPage, _about, on_page, opened
from playwright.sync_api import Browser

CHAPTER, NAME = "generative/dcgan", "explore-latent-space"
LATENT, STRIP = 32, 9
FIRST = 12  # the number, and the seed, of the code at opening


@pytest.fixture
def demo(chromium: Browser, address: str):
    with opened(chromium, address, CHAPTER, NAME) as page:
        yield page


def gaussians(seed: int, count: int) -> np.ndarray:
    """The page's random numbers, written once more: xorshift and Box-Muller."""
    state, uniform = (seed * 0x9E3779B1) & 0xFFFFFFFF or 1, []
    for _ in range(8 + count + 1):
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        uniform.append((state + 0.5) / 2**32)
    first, second = np.array(uniform[8 : 8 + count]).reshape(-1, 2).T
    radius, angle = np.sqrt(-2 * np.log(first)), 2 * math.pi * second
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).flatten()


def act(demo: DemoPage, name: str) -> None:
    demo.place.get_by_role("button", name=name).click()
    demo.settle()


def last(demo: DemoPage, size: int, title: str = "generator") -> dict:
    """The model's last answer to a batch of this size."""
    return [a for a in demo.answers(title) if len(a["inputs"][0]) == size][-1]


def code(demo: DemoPage) -> np.ndarray:
    return last(demo, 1)["inputs"][0][0]


def slide(demo: DemoPage, label: str, value: float) -> None:
    """Move a slider as a finger would: to a value, with the event that follows."""
    demo.place.get_by_label(label, exact=False).evaluate(
        "(e, value) => { e.value = value; e.dispatchEvent(new Event('input', { bubbles: true })) }",
        value,
    )
    demo.settle()


def walk(demo: DemoPage) -> tuple[np.ndarray, np.ndarray]:
    """The codes and the pictures of the strip."""
    answer = last(demo, STRIP)
    return answer["inputs"][0], answer["outputs"][0][:, 0]


def grey(demo: DemoPage, canvas: int) -> np.ndarray:
    """What a canvas shows, one number of 0 to 255 a pixel."""
    pixels = (
        demo.place.locator("canvas")
        .nth(canvas)
        .evaluate(
            "c => [c.width, ...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
        )
    )
    colours = np.array(pixels[1:]).reshape(-1, pixels[0], 4)
    assert (colours[..., 3] == 255).all()
    assert (colours[..., 0] == colours[..., 1]).all()
    assert (colours[..., 0] == colours[..., 2]).all()
    return colours[..., 0]


def shade(image: np.ndarray) -> np.ndarray:
    return 127.5 * (image + 1)


def words(demo: DemoPage, part: int) -> str:
    demo.page.wait_for_timeout(600)  # the line speaks at most twice a second
    return demo.place.locator(".demo-status").nth(part).inner_text()


def test_pictures_are_pytorchs_and_are_what_is_shown(demo: DemoPage) -> None:
    act(demo, "New code")
    slide(demo, "Direction 1", 2)
    for title in ("generator", "judge"):
        assert demo.difference(title) < TOLERANCE
    image = last(demo, 1)["outputs"][0][0, 0]
    assert image.max() - image.min() > 1  # a picture, not an empty square
    assert np.abs(grey(demo, 0) - shade(image)).max() <= 0.51
    for index, picture in enumerate(walk(demo)[1]):
        assert np.abs(grey(demo, 2 + index) - shade(picture)).max() <= 0.51
    # The judge answers about these very pictures.
    assert (last(demo, 1, "judge")["inputs"][0] == last(demo, 1)["outputs"][0]).all()
    assert (last(demo, STRIP, "judge")["inputs"][0] == last(demo, STRIP)["outputs"][0]).all()


def test_what_the_judge_sees_is_said_in_words(demo: DemoPage) -> None:
    act(demo, "New code")
    scores = last(demo, 1, "judge")["outputs"][0][0]
    chances = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    numbers = demo.place.locator(".demo-bar-number").all_inner_texts()
    assert [float(number) for number in numbers] == pytest.approx(chances, abs=0.006)
    said = re.search(r"Code 13: the judge sees an? (\d) \((.+?)\)\. Length (.+)\.$", words(demo, 0))
    assert int(said[1]) == chances.argmax()
    assert float(said[2]) == pytest.approx(chances.max(), abs=0.006)
    assert float(said[3]) == pytest.approx(np.linalg.norm(code(demo)), abs=0.051)
    # And under each picture of the strip.
    scores = last(demo, STRIP, "judge")["outputs"][0]
    lengths = np.linalg.norm(walk(demo)[0], axis=1)
    for index, cell in enumerate(demo.place.locator("ol li").all()):
        digit, sure, length = cell.inner_text().split()
        label = cell.locator("canvas").get_attribute("aria-label")
        assert int(digit) == scores[index].argmax()
        assert float(sure) == pytest.approx(
            1 / np.exp(scores[index] - scores[index].max()).sum(), abs=0.006
        )
        assert float(length) == pytest.approx(lengths[index], abs=0.051)
        assert label.endswith(f" {digit} ({sure})")


def test_sliders_move_the_code_along_their_directions_and_only_there(demo: DemoPage) -> None:
    directions = np.array(_about(CHAPTER, NAME)["data"]["directions"])
    assert directions.shape == (6, LATENT)
    assert directions @ directions.T == pytest.approx(np.eye(6), abs=1e-5)
    act(demo, "New code")  # puts the sliders on the new code's coordinates, and the code stays
    before = code(demo)
    assert before == pytest.approx(gaussians(FIRST + 1, LATENT), abs=1e-6)
    for index, value in ((0, 2.5), (5, -3), (3, 0.4)):
        shown = demo.place.get_by_label(f"Direction {index + 1}").input_value()
        assert float(shown) == pytest.approx(directions[index] @ before, abs=0.051)
        slide(demo, f"Direction {index + 1}", value)
        after = code(demo)
        step = value - directions[index] @ before
        assert after - before == pytest.approx(step * directions[index], abs=1e-5)
        before = after
    assert words(demo, 0).startswith("Code 13, moved:")


def test_the_strip_goes_from_a_to_b_on_the_chosen_path(demo: DemoPage) -> None:
    a, b = gaussians(FIRST, LATENT), gaussians(FIRST + 1, LATENT)
    ends = sorted(map(np.linalg.norm, (a, b)))
    share = np.linspace(0, 1, STRIP)[:, None]

    codes, pictures = walk(demo)
    assert codes == pytest.approx((1 - share) * a + share * b, abs=1e-5)
    assert np.linalg.norm(codes, axis=1).min() < ends[0] - 0.5  # the middle is shorter than both
    expected = demo.pytorch("generator", [np.stack([a, b])])[0][:, 0]
    assert np.abs(pictures[[0, -1]] - expected).max() < TOLERANCE

    demo.place.get_by_label("Path").select_option("sphere")
    demo.settle()
    codes, pictures = walk(demo)
    lengths = np.linalg.norm(codes, axis=1)
    assert lengths[0] != lengths[-1]
    assert lengths == pytest.approx(np.linspace(lengths[0], lengths[-1], STRIP), abs=1e-5)
    units = codes / lengths[:, None]
    turns = np.arccos((units[1:] * units[:-1]).sum(axis=1))
    assert turns == pytest.approx(np.full(STRIP - 1, turns.mean()), abs=1e-4)
    assert np.abs(pictures[[0, -1]] - expected).max() < TOLERANCE
    # In between there is nothing but A and B.
    plane = np.linalg.svd(np.stack([a, b]), full_matrices=False)[2]
    assert codes @ plane.T @ plane == pytest.approx(codes, abs=1e-5)

    slide(demo, "t, from A to B", 0.25)
    assert code(demo) == pytest.approx(codes[2], abs=1e-5)
    assert np.abs(grey(demo, 1) - shade(pictures[2])).max() <= 0.51
    said = words(demo, 1)
    for text, length in (("A", lengths[0]), ("here", lengths[2]), ("B", lengths[-1])):
        assert float(re.search(rf"{text} (\d+\.\d)", said)[1]) == pytest.approx(length, abs=0.051)
    assert "A is code 12; B is code 13. At t = 0.25" in said


def test_a_code_can_be_an_end_even_the_same_for_both(demo: DemoPage) -> None:
    act(demo, "New code")
    act(demo, "New code")
    slide(demo, "Direction 2", -1.5)
    kept = code(demo)
    act(demo, "as A")
    assert walk(demo)[0][0] == pytest.approx(kept, abs=1e-6)
    assert walk(demo)[0][-1] == pytest.approx(gaussians(FIRST + 1, LATENT), abs=1e-6)
    demo.place.get_by_label("Path").select_option("sphere")
    act(demo, "as B")  # no angle between A and B
    assert walk(demo)[0] == pytest.approx(np.tile(kept, (STRIP, 1)), abs=1e-6)
    assert "A is code 14, moved; B is code 14, moved." in words(demo, 1)


def test_a_seed_gives_the_same_pictures(demo: DemoPage, chromium: Browser, address: str) -> None:
    def first_three(page: DemoPage) -> list[np.ndarray]:
        found = [page.answers("generator")[0]]  # opening or Reset asks for the first code first
        for _ in range(2):
            act(page, "New code")
            found.append(last(page, 1))
        return [np.append(a["inputs"][0].ravel(), a["outputs"][0].ravel()) for a in found]

    before = first_three(demo)
    for seed, found in enumerate(before, start=FIRST):
        assert found[:LATENT] == pytest.approx(gaussians(seed, LATENT), abs=1e-6)
    slide(demo, "Direction 4", 3)
    slide(demo, "t, from A to B", 1)
    act(demo, "as B")
    demo.page.evaluate("answers.length = 0")
    act(demo, "Reset")
    assert walk(demo)[0][-1] == pytest.approx(gaussians(FIRST + 1, LATENT), abs=1e-6)
    assert code(demo) == pytest.approx(
        (gaussians(FIRST, LATENT) + gaussians(FIRST + 1, LATENT)) / 2, abs=1e-6
    )
    for one, other in zip(before, first_three(demo), strict=True):
        assert (one == other).all()
    with on_page(chromium, address, CHAPTER, NAME) as again:
        again.open()
        again.settle()
        for one, other in zip(before, first_three(again), strict=True):
            assert (one == other).all()


def test_the_codes_are_gaussian(demo: DemoPage) -> None:
    drawn = demo.page.evaluate(
        "async (name) => { const { gaussians } = await import(`/_static/demos/${name}.js`);"
        "return Array.from({ length: 2000 }, (_, seed) => gaussians(seed, 32)) }",
        NAME,
    )
    drawn = np.array(drawn)
    assert drawn[7] == pytest.approx(gaussians(7, LATENT), abs=1e-12)
    assert abs(drawn.mean()) < 0.02
    assert abs(drawn.std() - 1) < 0.02
    assert abs((drawn**4).mean() - 3) < 0.2
    # Codes of neighbouring seeds have nothing in common, nor have neighbours in a code.
    assert abs((drawn[1:] * drawn[:-1]).mean()) < 0.02
    assert abs((drawn[:, 1:] * drawn[:, :-1]).mean()) < 0.02
    assert abs(drawn.mean(axis=0)).max() < 0.1


def test_by_keyboard_alone(demo: DemoPage) -> None:
    # Opening leaves the focus on the first button.
    press = demo.page.keyboard.press
    press("Enter")
    demo.settle()
    before = code(demo)
    assert before == pytest.approx(gaussians(FIRST + 1, LATENT), abs=1e-6)
    press("Tab")  # Reset
    press("Tab")  # Direction 1
    for _ in range(5):
        press("ArrowRight")
    demo.settle()
    direction = np.array(_about(CHAPTER, NAME)["data"]["directions"])[0]
    assert (code(demo) - before) @ direction == pytest.approx(0.5, abs=0.051)
    kept = code(demo)
    for _ in range(7):  # five directions, "as A", "as B"
        press("Tab")
    press("Space")
    demo.settle()
    assert walk(demo)[0][-1] == pytest.approx(kept, abs=1e-6)
    press("Tab")
    press("ArrowDown")  # Path: along the sphere
    press("Tab")
    press("Home")  # t
    demo.settle()
    lengths = np.linalg.norm(walk(demo)[0], axis=1)
    assert lengths == pytest.approx(np.linspace(lengths[0], lengths[-1], STRIP), abs=1e-5)
    assert code(demo) == pytest.approx(gaussians(FIRST, LATENT), abs=1e-6)


def test_later_answers_come_at_once(demo: DemoPage) -> None:
    press = "n => [...document.querySelectorAll('.demo button')][n].click()"
    for button in (0, 2):  # a new code; a new strip
        taken = []
        for _ in range(5):
            before = demo.count()
            started = demo.page.evaluate("() => performance.now()")
            demo.milliseconds(press, button)
            # The judge's words belong to the answer.
            demo.wait(before + 2)
            taken.append(demo.page.evaluate("n => answers[n].time", before + 1) - started)
            demo.settle(100)
        assert sorted(taken)[2] < LATER
