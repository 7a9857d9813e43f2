"""The demos that were computed beforehand: what they show is what PyTorch computes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from demo_page import LATER, TOLERANCE, DemoPage, on_page
from playwright.sync_api import Browser, Page, expect
from torch import Tensor, nn

from d2lcourse import data
from tools.browser import visit


@pytest.fixture
def rate(chromium: Browser, address: str) -> Iterator[DemoPage]:
    yield from opened(chromium, address, "linear-regression", "choose-a-learning-rate")


@pytest.fixture
def rank(chromium: Browser, address: str) -> Iterator[DemoPage]:
    yield from opened(chromium, address, "math-toolkit", "choose-a-rank")


@pytest.fixture
def temperature(chromium: Browser, address: str) -> Iterator[DemoPage]:
    yield from opened(chromium, address, "softmax-regression", "turn-the-temperature")


def opened(chromium: Browser, address: str, chapter: str, name: str) -> Iterator[DemoPage]:
    with on_page(chromium, address, f"foundations/{chapter}", name) as demo:
        demo.open()
        yield demo
        assert demo.seen.errors == []


def last(demo: DemoPage) -> dict[str, Any]:
    """The last answer alone: all of them are much to carry over."""
    answer = demo.page.evaluate("answers.at(-1)")
    for side in ("inputs", "outputs"):
        answer[side] = [np.array(t["data"]).reshape(t["dims"]) for t in answer[side]]
    return answer


def press(demo: DemoPage, *keys: str) -> dict[str, Any]:
    """Press keys, each of which is answered, and return the last answer."""
    for key in keys:
        before = demo.count()
        demo.page.keyboard.press(key)
        demo.wait(before + 1)
    return last(demo)


def click(demo: DemoPage, name: str) -> dict[str, Any]:
    before = demo.count()
    demo.place.get_by_role("button", name=name).click()
    demo.wait(before + 1)
    return last(demo)


def says(demo: DemoPage, *parts: str) -> None:
    for part in parts:
        expect(demo.place.locator(".demo-status")).to_contain_text(part)


def answers_at_once(demo: DemoPage) -> bool:
    move = "() => { const e = document.querySelector('.demo input'); e.stepUp(); "
    move += "e.dispatchEvent(new Event('input')) }"
    return sorted(demo.milliseconds(move) for _ in range(5))[2] < LATER


# The learning rate


def toy() -> tuple[Tensor, Tensor]:
    """The chapter's stretched features and its targets without the bias."""
    torch.manual_seed(0)
    X = torch.randn(1000, 2)
    y = X @ torch.tensor([2.0, -3.4]) + 4.2 + 0.01 * torch.randn(1000)
    return (X * torch.tensor([4.0, 1.0])).double(), (y - 4.2).double()


def descent(X: Tensor, y: Tensor, lr: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Losses and weights of PyTorch's own gradient descent from zero."""
    model = nn.Linear(2, 1).double()
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses, weights = [], []
    for _ in range(steps + 1):
        loss = nn.functional.mse_loss(model(X)[:, 0], y)
        losses.append(loss.item())
        weights.append(model.weight[0].tolist())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return np.array(losses), np.array(weights)


def stable_limit(X: Tensor, y: Tensor) -> float:
    """2 / the largest eigenvalue of the loss's second derivatives by both weights and the bias."""

    def loss(w: Tensor) -> Tensor:
        return (X @ w[:2] + w[2] - y).pow(2).mean()

    hessian = torch.func.hessian(loss)(torch.zeros(3, dtype=torch.float64))
    return 2 / torch.linalg.eigvalsh(hessian)[-1].item()


def test_every_rate_is_pytorchs_descent(rate: DemoPage) -> None:
    press(rate, "Home", *["ArrowRight"] * 24)
    runs = {answer["inputs"][0].item(): answer["outputs"] for answer in rate.answers()}
    assert len(runs) == 25
    X, y = toy()
    for lr, (losses, weights) in runs.items():
        ours, way = descent(X, y, lr, len(losses) - 1)
        assert np.abs(losses - ours).max() < TOLERANCE * max(1, np.abs(ours).max())
        assert np.abs(weights - way).max() < TOLERANCE * max(1, np.abs(way).max())
        # One rate is far too small, and those past the limit grow.
        assert (losses[-1] > losses[0]) == (lr > stable_limit(X, y))
    assert runs[min(runs)][0][-1] > 0.8 * runs[min(runs)][0][0]
    assert max(losses[-1] for losses, _ in runs.values()) > 1e9


def test_the_words_tell_divergence_zigzag_and_slowness(rate: DemoPage) -> None:
    press(rate, "Home")
    says(rate, "Learning rate 0.0002.", "still on its way")
    losses = press(rate, "End")["outputs"][0]
    power = int(np.floor(np.log10(losses[-1])))
    raised = str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    says(rate, "It diverges", f"10{raised}", "crosses the valley")
    picture = rate.place.locator("svg").first.get_attribute("aria-label")
    assert "diverges" in picture
    assert "inf" not in picture
    assert "NaN" not in picture
    press(rate, *["ArrowLeft"] * 7)  # 0.056, the best
    losses = last(rate)["outputs"][0]
    says(rate, f"needs {(losses < 0.01 * losses[0]).argmax()} steps")


def test_the_marked_limit_lies_between_falling_and_growing_runs(rate: DemoPage) -> None:
    ends = rate.place.locator("svg").nth(2)
    press(rate, "End", *["ArrowLeft"] * 6)
    assert last(rate)["inputs"][0] == 0.06
    assert ends.locator(".chart-line").count() == 0
    assert ends.locator("circle").count() == 2 + 8 + 1  # legend, rates tried, this rate
    mark = rate.place.get_by_role("button", name="Mark the largest")
    assert mark.get_attribute("aria-pressed") == "false"
    click(rate, "Mark the largest")
    assert mark.get_attribute("aria-pressed") == "true"
    limit = stable_limit(*toy())
    assert f"{limit:.4f}" in ends.locator(".chart-name").last.text_content()
    [[start, _]] = points_of(line_of(ends)[0])
    assert start[0] == pytest.approx(place_of(ends, "x", limit), abs=0.1)
    # The last dot is this rate: at its loss on the logarithmic axis.
    dot = ends.locator("circle").last
    loss = last(rate)["outputs"][0][-1]
    assert float(dot.get_attribute("cx")) == pytest.approx(place_of(ends, "x", 0.06), abs=0.1)
    assert float(dot.get_attribute("cy")) == pytest.approx(
        place_of(ends, "y", loss, log=True), abs=0.1
    )
    answer = click(rate, "Reset")
    assert answer["inputs"][0] == 0.02
    assert ends.locator("circle").count() == 2 + 1 + 1
    assert ends.locator(".chart-line").count() == 0


def test_the_steps_cross_the_contours_of_the_true_loss(rate: DemoPage) -> None:
    X, y = toy()
    found = rate.page.evaluate(
        """async () => {
        const { contour } = await import("/_static/demos/choose-a-learning-rate.js");
        const place = document.querySelector(".demo").dataset.files;
        const { data } = await (await fetch(new URL(place + "demo.json", location))).json();
        return [3, 12].map((excess) => ({ excess, ...contour(data.curvature, data.best, excess) }));
        }"""
    )
    bias = torch.linalg.lstsq(torch.cat([X, torch.ones(1000, 1)], 1), y[:, None]).solution[2, 0]
    lowest = None
    for line in found:
        w = torch.tensor([line["x"], line["y"]]).double()
        loss = (X @ w + bias - y[:, None]).pow(2).mean(0)
        assert loss.max() - loss.min() < 0.01
        lowest = loss.mean() - line["excess"] if lowest is None else lowest
        assert loss.mean() - line["excess"] == pytest.approx(lowest.item(), abs=0.01)
    assert answers_at_once(rate)


# The rank


@pytest.fixture(scope="module")
def photo() -> Tensor:
    photos = data.load("photos", scale="full")
    camera = photos.X[photos.y == photos.classes.index("camera")]
    return nn.functional.adaptive_avg_pool2d(camera, 192)[0, 0].double()


def test_the_rebuilt_picture_is_that_of_torchs_svd(rank: DemoPage, photo: Tensor) -> None:
    U, S, V = torch.linalg.svd(photo, full_matrices=False)
    press(rank, "ArrowRight", "PageUp", "End", "ArrowLeft", "Home")
    answers = {int(answer["inputs"][0].item()): answer["outputs"] for answer in rank.answers()}
    assert {1, 20, 21, 191, 192} <= set(answers)
    for k, (picture, numbers) in answers.items():
        expected = U[:, :k] * S[:k] @ V[:k]
        assert np.abs(picture - expected.numpy()).max() < TOLERANCE
        measured, foretold, kept = numbers
        error = (torch.linalg.norm(photo - expected) / torch.linalg.norm(photo)).item()
        assert measured == pytest.approx(error, abs=TOLERANCE)
        assert foretold == pytest.approx((S[k:].norm() / S.norm()).item(), abs=TOLERANCE)
        assert measured == pytest.approx(foretold, abs=TOLERANCE)  # Eckart and Young
        assert kept == k * (192 + 192 + 1)
    assert np.abs(answers[192][0] - photo.numpy()).max() < TOLERANCE


def pixels(demo: DemoPage, number: int) -> np.ndarray:
    """The grey values of a canvas."""
    read = "e => Array.from(e.getContext('2d').getImageData(0, 0, e.width, e.height).data)"
    rgba = np.array(demo.place.locator("canvas").nth(number).evaluate(read)).reshape(192, 192, 4)
    assert (rgba[..., 3] == 255).all()
    assert (rgba[..., 0] == rgba[..., 2]).all()
    return rgba[..., 0]


def test_what_is_shown_is_what_was_answered(rank: DemoPage, photo: Tensor) -> None:
    for key, words in {"Home": "(1 %)", "End": "(201 %, more than the picture itself)"}.items():
        answer = press(rank, key)
        k = int(answer["inputs"][0].item())
        picture, (measured, foretold, kept) = answer["outputs"]
        assert np.abs(pixels(rank, 0) - 255 * picture.clip(0, 1)).max() <= 0.51
        missing = 255 * (0.5 + 3 * (photo.numpy() - picture)).clip(0, 1)
        assert np.abs(pixels(rank, 1) - missing).max() < 1
        says(rank, f"Rank {k}: {kept:,.0f} numbers for 36,864 pixels {words}.")
        says(
            rank, f"Relative error {measured:.4f}; the singular values left out say {foretold:.4f}"
        )
    answer = click(rank, "Reset")
    assert answer["inputs"][0] == 20
    chart = rank.place.locator("svg")
    dot = chart.locator("circle").last
    error = answer["outputs"][1][0]
    assert float(dot.get_attribute("cx")) == pytest.approx(place_of(chart, "x", 20), abs=0.1)
    assert float(dot.get_attribute("cy")) == pytest.approx(
        place_of(chart, "y", error, log=True), abs=0.1
    )
    box = rank.place.locator("input").bounding_box()  # and with the mouse
    rank.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    rank.wait(5)
    assert 90 <= last(rank)["inputs"][0].item() <= 102
    assert answers_at_once(rank)


# The temperature


def mulberry(seed: int, count: int) -> np.ndarray:
    """The generator Mulberry32, in unsigned 32-bit arithmetic."""
    whole, found = 2**32 - 1, []
    for _ in range(count):
        seed = (seed + 0x6D2B79F5) & whole
        mixed = (seed ^ (seed >> 15)) * (seed | 1) & whole
        mixed ^= (mixed + ((mixed ^ (mixed >> 7)) * (mixed | 61))) & whole
        found.append((mixed ^ (mixed >> 14)) / 2**32)
    return np.array(found)


def check_softmax(answer: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Compare one answer with PyTorch; return its probabilities and its counts."""
    scores, T, u = (torch.from_numpy(item) for item in answer["inputs"])
    p, entropy, drawn = (torch.from_numpy(item) for item in answer["outputs"])
    expected = torch.softmax(scores / T, dim=0)
    assert (p - expected).abs().max() < TOLERANCE
    assert entropy.item() == pytest.approx(
        torch.distributions.Categorical(expected).entropy().item(), abs=TOLERANCE
    )
    labels = torch.searchsorted(expected.cumsum(0), u, right=True).clamp(max=9)
    assert torch.equal(torch.bincount(labels, minlength=10).double(), drawn)
    assert drawn.sum() == 100
    return p, drawn


def table(demo: DemoPage) -> np.ndarray:
    rows = demo.place.locator("tbody tr").all()
    return np.array(
        [[float(text) for text in row.locator("td").all_inner_texts()[1:]] for row in rows]
    )


def test_the_softmax_and_the_draws_are_pytorchs(temperature: DemoPage) -> None:
    choice = temperature.place.get_by_role("combobox")
    assert choice.locator("option").count() == 5
    for picture in range(5):
        if picture:
            choice.focus()
            press(temperature, "ArrowDown")
        temperature.place.get_by_role("slider").focus()
        press(temperature, "Home", "ArrowRight", "End")
    answers = temperature.answers()
    winners: dict[tuple[float, ...], set[int]] = {}
    for answer in answers:
        p, _ = check_softmax(answer)
        winners.setdefault(tuple(answer["inputs"][0]), set()).add(int(p.argmax()))
    assert len(winners) == 5
    assert all(len(found) == 1 for found in winners.values())  # T does not move the order
    asked = {round(answer["inputs"][1].item(), 4) for answer in answers}
    assert {0.1, 1.0, 10.0} <= asked
    assert np.allclose(answers[0]["inputs"][2], mulberry(1, 100))


def test_the_table_the_marks_and_the_words_show_the_answer(temperature: DemoPage) -> None:
    temperature.place.get_by_role("slider").focus()
    for key, name in {"Home": "T = 0.10:", "End": "T = 10.0:"}.items():
        answer = press(temperature, key)
        p, drawn = check_softmax(answer)
        shown = table(temperature)
        assert np.abs(shown[:, 0] - p.numpy()).max() < 6e-4
        assert np.array_equal(shown[:, 1], drawn.numpy())
        tracks = temperature.place.locator(".demo-bar-track").all()
        for row, track in enumerate(tracks):
            box = track.bounding_box()
            fill, mark = (track.locator(":scope > span").nth(i).bounding_box() for i in (0, 1))
            assert fill["width"] / box["width"] == pytest.approx(p[row].item(), abs=0.01)
            middle = mark["x"] + mark["width"] / 2 - box["x"]
            assert middle / box["width"] == pytest.approx(drawn[row].item() / 100, abs=0.01)
        different = int((drawn > 0).sum())
        says(temperature, name, f"Entropy {answer['outputs'][1].item():.2f} nats")
        says(temperature, f"{different} different labels" if different > 1 else "one label")
        says(temperature, f"with probability {p.max():.3f}")


def test_drawing_again_and_reset(temperature: DemoPage) -> None:
    first = last(temperature)
    again = click(temperature, "Draw again")
    assert np.allclose(again["inputs"][2], mulberry(2, 100))
    assert not np.array_equal(again["outputs"][2], first["outputs"][2])
    assert np.array_equal(again["outputs"][0], first["outputs"][0])
    temperature.place.get_by_role("slider").focus()
    press(temperature, "End")
    temperature.place.get_by_role("combobox").select_option("3")
    reset = click(temperature, "Reset")
    temperature.settle()
    reset = last(temperature)
    for side in ("inputs", "outputs"):
        for ours, theirs in zip(reset[side], first[side], strict=True):
            assert np.array_equal(ours, theirs)
    assert answers_at_once(temperature)


# The line chart


@pytest.fixture
def chart(chromium: Browser, address: str, pages: list[str]) -> Iterator[Page]:
    with visit(chromium, f"{address}/{pages[0]}.html") as seen:
        yield seen.page
        assert seen.errors == []


DRAW = """async ([axes, content]) => {
  const { lineChart } = await import("/_static/demos/line-chart.js");
  const place = document.createElement("div");
  document.querySelector("main").prepend(place);
  place.id = "chart";
  const number = (list) => list.map((value) => (typeof value === "string" ? Number(value) : value));
  content.series.forEach((one) => Object.assign(one, { x: number(one.x), y: number(one.y) }));
  lineChart(place, axes).draw(content);
}"""


def ticks(svg: Any, axis: str) -> dict[float, float]:
    """The values written at an axis and their places, from the grid line of each."""
    found = {}
    for node in svg.locator(f".chart-tick-{axis}").all():
        text = node.text_content().replace("−", "-")
        small = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
        power = re.fullmatch(r"10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", text)
        value = 10.0 ** int(power[1].translate(small)) if power else float(text)
        at = float(node.get_attribute(axis))
        found[value] = at if axis == "x" else at - 4.5
    return found


def place_of(svg: Any, axis: str, value: float, log: bool = False) -> float:
    """Where a value lies, told by the first and the last tick alone."""
    known = ticks(svg, axis)
    low, high = min(known), max(known)
    scale = np.log if log else float
    share = (scale(value) - scale(low)) / (scale(high) - scale(low))
    return known[low] + share * (known[high] - known[low])


def line_of(svg: Any) -> list[str]:
    return [node.get_attribute("d") for node in svg.locator(".chart-line").all()]


def points_of(d: str) -> list[list[tuple[float, float]]]:
    """The strokes of a path, each a list of points."""
    strokes = [part for part in d.split("M") if part.strip()]
    return [
        [(float(a), float(b)) for a, b in re.findall(r"(-?[\d.]+) (-?[\d.]+)", stroke)]
        for stroke in strokes
    ]


def test_the_ticks_are_round_numbers(chart: Page) -> None:
    found = chart.evaluate(
        """async () => {
        const { ticks, logTicks, label } = await import("/_static/demos/line-chart.js");
        const linear = [[0, 40], [-5.4, 0.6], [0, 0.09], [-1, 1], [3, 1003], [0.1, 0.13]];
        return {
          linear: linear.map(([low, high]) => [low, high, ticks(low, high)]),
          log: [[1e-4, 1e4], [0.1, 10], [1e-9, 1e9]].map(([a, b]) => [a, b, logTicks(a, b)]),
          labels: [0, 0.01, -2.5, 1e-5, 1e4, 1.6e13].map(label),
        };
        }"""
    )
    for low, high, values in found["linear"]:
        assert 3 <= len(values) <= 11
        assert low - 1e-9 <= values[0]
        assert values[-1] <= high + 1e-9
        steps = np.diff(values)
        assert np.allclose(steps, steps[0])
        assert round(steps[0] / 10 ** np.floor(np.log10(steps[0]) + 1e-9), 6) in (1, 2, 5)
        assert np.allclose(np.array(values) / steps[0], np.round(np.array(values) / steps[0]))
    for low, high, values in found["log"]:
        assert 3 <= len(values) <= 7
        assert all(low <= value <= high for value in values)
        assert np.allclose(np.log10(values), np.round(np.log10(values)))
    assert found["labels"] == ["0", "0.01", "−2.5", "10⁻⁵", "10⁴", "1.6 · 10¹³"]


def test_a_point_lies_where_its_value_says(chart: Page) -> None:
    axes = {
        "x": {"label": "x", "min": 0, "max": 10},
        "y": {"label": "y", "min": 0.01, "max": 100, "log": True},
    }
    x, y = [0, 2, 7, 10], [0.01, 3, 0.5, 100]
    lines = [{"x": 4, "name": "here"}]
    series = [{"name": "one", "x": x, "y": y}, {"name": "two", "x": x, "y": y, "points": True}]
    content = {"label": "A chart", "series": series, "lines": lines}
    chart.evaluate(DRAW, [axes, content])
    svg = chart.locator("#chart svg")
    assert svg.get_attribute("role") == "img"
    assert svg.get_attribute("aria-label") == "A chart"
    upright, line = map(points_of, line_of(svg))
    assert {round(at) for at, _ in upright[0]} == {round(place_of(svg, "x", 4))}
    expected = [
        (place_of(svg, "x", a), place_of(svg, "y", b, log=True)) for a, b in zip(x, y, strict=True)
    ]
    assert np.abs(np.array(line) - [expected]).max() < 0.1
    dots = svg.locator("circle").all()[-4:]
    at = [[float(dot.get_attribute(name)) for name in ("cx", "cy")] for dot in dots]
    assert np.abs(np.array(at) - expected).max() < 0.1


def test_nan_and_infinity_leave_a_gap_and_nothing_leaves_the_axes(chart: Page) -> None:
    axes = {"x": {"label": "x", "min": 0, "max": 6}, "y": {"label": "y", "min": 0, "max": 1}}
    gaps = {"x": [0, 1, 2, 3, 4, 5, 6], "y": [0.2, 0.4, "NaN", 0.6, 0.8, "Infinity", 0.5]}
    far = {"x": [0, 3, 6], "y": [0.5, 1e6, 0.5]}
    farther = {"x": [0, 3, 6], "y": [0.5, -1e200, 0.5]}
    chart.evaluate(DRAW, [axes, {"label": "Gaps", "series": [gaps, far, farther]}])
    svg = chart.locator("#chart svg")
    first, second, third = map(points_of, [d or "" for d in line_of(svg)])
    xs = [[round(at) for at, _ in stroke] for stroke in first]
    assert xs == [[round(place_of(svg, "x", v)) for v in pair] for pair in ([0, 1], [3, 4])]
    assert third == []
    top, bottom = place_of(svg, "y", 1), place_of(svg, "y", 0)
    assert len(second) == 2  # it leaves at the top, and comes back
    assert all(top - 0.1 <= up <= bottom + 0.1 for stroke in second for _, up in stroke)
    assert second[0][-1][1] == pytest.approx(top, abs=0.1)


def test_the_legend_tells_lines_apart_by_dashes_and_follows_the_theme(chart: Page) -> None:
    axes = {"x": {"label": "x", "min": 0, "max": 1}, "y": {"label": "y", "min": 0, "max": 1}}
    series = [{"name": f"line {i}", "x": [0, 1], "y": [0, 1]} for i in range(4)]
    chart.evaluate(DRAW, [axes, {"label": "Four", "series": series}])
    svg = chart.locator("#chart svg")
    assert svg.locator(".chart-name").all_text_contents() == [f"line {i}" for i in range(4)]
    style = "e => [e.getAttribute('stroke-dasharray'), e.getAttribute('stroke')]"
    lines = [node.evaluate(style) for node in svg.locator(".chart-line").all()]
    samples = [node.evaluate(style) for node in svg.locator("path[d*=' h ']").all()]
    assert lines == samples
    assert len({dash for dash, _ in lines}) == 4
    chart.evaluate("document.documentElement.dataset.theme = 'dark'")
    chart.wait_for_timeout(100)
    dark = [node.evaluate(style) for node in svg.locator(".chart-line").all()]
    assert [dash for dash, _ in dark] == [dash for dash, _ in lines]
    assert not {colour for _, colour in dark} & {colour for _, colour in lines}
