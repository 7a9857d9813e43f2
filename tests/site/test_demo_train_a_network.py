"""The demo "train a network": its gradients are PyTorch's, and it trains, fails and stops."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from demo_page import LATER, DemoPage, on_page
from playwright.sync_api import Browser, expect
from torch import nn

import d2lcourse as d2l

ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid, "linear": nn.Identity}
LAYERS = {"Depth": "Hidden layers", "Width": "Width", "Rate": "Learning rate"}

# In the page: a network of mlp.js, the losses of some steps, and the first step's gradients.
TRAIN = """async ({ sizes, activation, parameters, X, y, rate, steps }) => {
  const { MLP, score } = await import(new URL("../../_static/demos/mlp.js", document.baseURI));
  const network = new MLP(sizes, activation, 1);
  if (parameters) network.parameters = parameters;
  const start = Array.from(network.parameters);
  let gradients = null;
  const losses = [];
  for (let step = 0; step < steps; step += 1) {
    const cache = network.forward(X, y.length);
    losses.push(score(cache.at(-1), y).loss);
    network.backward(X, y, cache);
    gradients ??= network.layers.flatMap(({ dW, db }) => [...dW, ...db]);
    network.step(rate);
  }
  return { start, gradients, losses };
}"""


def sizes(depth: int, width: int) -> list[int]:
    return [2, *[width] * depth, 1]


def network(widths: list[int], activation: str, parameters: Any) -> nn.Sequential:
    """PyTorch's network with the page's parameters: W (inputs, outputs) and b, layer by layer."""
    pairs = list(itertools.pairwise(widths))
    hidden = [f for pair in pairs[:-1] for f in (nn.Linear(*pair), ACTIVATIONS[activation]())]
    model = nn.Sequential(*hidden, nn.Linear(*pairs[-1]), nn.Flatten(0)).double()
    left = torch.as_tensor(parameters, dtype=torch.float64)
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.Linear):
                weight, bias = layer.weight, layer.bias
                weight.copy_(left[: weight.numel()].reshape(weight.T.shape).T)
                bias.copy_(left[weight.numel() :][: bias.numel()])
                left = left[weight.numel() + bias.numel() :]
    assert not len(left)
    return model


def gradients(model: nn.Sequential) -> np.ndarray:
    linear = [layer for layer in model if isinstance(layer, nn.Linear)]
    parts = [part for f in linear for part in (f.weight.grad.T.ravel(), f.bias.grad)]
    return torch.cat(parts).numpy()


@pytest.fixture(scope="module")
def closed(chromium: Browser, address: str):
    with on_page(chromium, address, "foundations/backpropagation", "train-a-network") as page:
        yield page


@pytest.fixture
def demo(chromium: Browser, address: str):
    with on_page(chromium, address, "foundations/backpropagation", "train-a-network") as page:
        page.open()
        yield page


def flower() -> tuple[torch.Tensor, torch.Tensor]:
    """The points as the page has them: three decimals."""
    X, y = d2l.data.load("toys2d/flower", "train").tensors
    return X.double().mul(1000).round().div(1000), y.double()


def press(demo: DemoPage, name: str) -> None:
    demo.place.get_by_role("button", name=name, exact=True).click()


def choose(demo: DemoPage, **settings: Any) -> None:
    """Set the controls: Data, Activation, Depth, Width, Rate."""
    for name, value in settings.items():
        if name in LAYERS:
            place = {5: 11, 2: 10, 0.5: 8, 0.001: 0}[value] if name == "Rate" else value
            demo.place.get_by_role("slider", name=LAYERS[name]).fill(str(place))
        else:
            demo.place.get_by_role("combobox", name=name).select_option(value)


def train(demo: DemoPage, steps: int) -> tuple[int, float, float]:
    """Press Train, wait for this many steps or its end, and press Pause.

    Returns:
        The step, loss and accuracy then.
    """
    press(demo, "Train")
    demo.page.wait_for_function(
        "n => answers.at(-1).outputs[0].data[0] >= n"
        " || document.querySelector('.demo button').textContent === 'Train'",
        arg=steps,
    )
    if demo.place.get_by_role("button", name="Pause").count():
        press(demo, "Pause")
    return tuple(last(demo)["outputs"][0].tolist())


def last(demo: DemoPage) -> dict[str, Any]:
    answer = demo.page.evaluate("answers.at(-1)")
    for side in ("inputs", "outputs"):
        answer[side] = [np.array(t["data"]).reshape(t["dims"]) for t in answer[side]]
    return answer


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_are_those_of_autograd(closed: DemoPage, activation: str) -> None:
    generator = torch.Generator().manual_seed(3)
    X = 2 * torch.randn(50, 2, dtype=torch.float64, generator=generator)
    y = (torch.rand(50, generator=generator) < 0.5).double()
    for depth in range(5):
        widths = sizes(depth, 5)
        count = sum((a + 1) * b for a, b in itertools.pairwise(widths))
        parameters = torch.randn(count, dtype=torch.float64, generator=generator)
        given = {"X": X.ravel().tolist(), "y": y.tolist(), "rate": 0.5, "steps": 1}
        given |= {"sizes": widths, "activation": activation, "parameters": parameters.tolist()}
        ours = closed.page.evaluate(TRAIN, given)
        assert ours["start"] == parameters.tolist()
        model = network(widths, activation, parameters)
        loss = F.binary_cross_entropy_with_logits(model(X), y)
        loss.backward()
        assert ours["losses"] == pytest.approx([loss.item()], rel=1e-12)
        theirs = gradients(model)
        assert np.abs(theirs).max() > 1e-4
        np.testing.assert_allclose(ours["gradients"], theirs, rtol=1e-6, atol=1e-15)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_fifty_steps_lose_what_they_lose_in_pytorch(closed: DemoPage, activation: str) -> None:
    X, y = flower()
    given = {"X": X.ravel().tolist(), "y": y.tolist(), "sizes": sizes(2, 6)}
    given |= {"activation": activation, "rate": 0.2, "steps": 50, "parameters": None}
    ours = closed.page.evaluate(TRAIN, given)
    model = network(sizes(2, 6), activation, ours["start"])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    losses = []
    for _ in range(50):
        loss = F.binary_cross_entropy_with_logits(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert ours["losses"] == pytest.approx(losses, rel=1e-6)
    assert losses[-1] < losses[0]
    # A seed gives the same start every time; its numbers are as large as they should be.
    assert closed.page.evaluate(TRAIN, given)["start"] == ours["start"]


def test_random_numbers_are_normal_and_differ_by_seed(closed: DemoPage) -> None:
    draw = """async (seed) => {
      const { normals } = await import(new URL("../../_static/demos/mlp.js", document.baseURI));
      const normal = normals(seed);
      return Array.from({ length: 20000 }, normal);
    }"""
    one, two = (np.array(closed.page.evaluate(draw, seed)) for seed in (1, 2))
    for values in (one, two):
        assert abs(values.mean()) < 0.03
        assert abs(values.std() - 1) < 0.03
        assert np.abs(np.quantile(values, [0.159, 0.5, 0.841]) - [-1, 0, 1]).max() < 0.05
        assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.03
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.03


def test_what_is_shown_is_what_pytorch_says_of_these_weights(demo: DemoPage) -> None:
    for steps in (0, 100):
        step, loss, accuracy = train(demo, steps) if steps else last(demo)["outputs"][0]
        X, y = flower()
        model = network(sizes(1, 8), "tanh", last(demo)["inputs"][0])
        with torch.no_grad():
            logits = model(X)
        assert F.binary_cross_entropy_with_logits(logits, y).item() == pytest.approx(loss, rel=1e-9)
        assert ((logits > 0) == y.bool()).double().mean().item() == pytest.approx(accuracy)
        text = f"Step {step:.0f}, loss {loss:.3f}, accuracy {accuracy:.3f}"
        expect(demo.place.get_by_text(text, exact=True)).to_be_visible()
        said = f"loss {loss:.3f}, {round(400 * accuracy)} of 400 points right."
        expect(demo.place.locator(".demo-status")).to_contain_text(said)
        assert said in demo.place.locator("canvas").first.get_attribute("aria-label")
    # The gradients in words are those of the step before; one more step makes them comparable.
    before = last(demo)["inputs"][0]
    model = network(sizes(1, 8), "tanh", before)
    F.binary_cross_entropy_with_logits(model(X), y).backward()
    press(demo, "Step")
    found = [layer.weight.grad.square().mean().sqrt().item() for layer in (model[0], model[2])]
    words = demo.place.get_by_text("Gradient, first to last").inner_text().split(": ")[1]
    assert [float(word) for word in words.split(", ")] == [float(f"{x:.0e}") for x in found]
    assert last(demo)["inputs"][0] == pytest.approx(before - 0.5 * gradients(model), abs=1e-9)


def test_the_plane_is_coloured_as_the_network_answers(demo: DemoPage) -> None:
    train(demo, 600)
    X, _ = flower()
    pixels = demo.place.locator("canvas").first.evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"
    )
    image = np.array(pixels).reshape(480, 480, 4).astype(float)
    low, high = X.min(0).values, X.max(0).values
    side = 1.1 * float((high - low).max())
    left, top = (float(v) for v in ((low + high)[0] / 2 - side / 2, (low + high)[1] / 2 + side / 2))
    rows, columns = np.mgrid[8:480:13, 8:480:13]
    places = np.stack([left + side * (columns + 0.5) / 480, top - side * (rows + 0.5) / 480], -1)
    places = torch.tensor(places.reshape(-1, 2))
    with torch.no_grad():
        p = network(sizes(1, 8), "tanh", last(demo)["inputs"][0])(places).sigmoid().numpy()
    far = torch.cdist(places, X).min(dim=1).values.numpy() > 0.25  # beside the points
    sure = np.abs(p - 0.5) > 0.3
    warm = (image[..., 0] - image[..., 2])[rows, columns].ravel()  # red less blue
    assert (far & sure).sum() > 300
    assert ((warm > 0) == (p > 0.5))[far & sure].mean() > 0.99
    # Blue circles and orange squares: at the points themselves the colour is the class's.
    _, y = flower()
    at = ((X[:, 0] - left) / side * 480).long(), ((top - X[:, 1]) / side * 480).long()
    colour = (image[..., 0] - image[..., 2])[at[1], at[0]] > 0
    assert (colour == y.bool().numpy()).mean() > 0.95


def test_nothing_moves_until_train_and_pause_stops_it(demo: DemoPage) -> None:
    demo.page.wait_for_timeout(700)
    assert demo.count() == 1
    step, *_ = train(demo, 50)
    count = demo.count()
    assert step >= 50
    demo.page.wait_for_timeout(700)
    assert demo.count() == count
    press(demo, "Step")
    assert last(demo)["outputs"][0][0] == step + 1
    # Reset is the same start again, other weights are others, and neither runs.
    first = demo.answers()[0]["inputs"][0]
    press(demo, "Reset")
    assert last(demo)["inputs"][0].tolist() == first.tolist()
    press(demo, "New weights")
    assert last(demo)["inputs"][0].tolist() != first.tolist()
    demo.page.wait_for_timeout(700)
    assert last(demo)["outputs"][0][0] == 0


def test_the_flower_by_keyboard_and_what_cannot_learn_it(demo: DemoPage) -> None:
    keyboard = demo.page.keyboard
    demo.place.get_by_role("button", name="Train").focus()
    keyboard.press("Enter")
    demo.page.wait_for_function("answers.at(-1).outputs[0].data[0] >= 600")
    keyboard.press("Space")
    accuracy = last(demo)["outputs"][0][2]
    assert accuracy >= 0.98
    expect(demo.place.get_by_role("button", name="Train")).to_be_focused()
    # Down to no hidden layer, by arrow key: one line, and width and activation mean nothing.
    demo.place.get_by_role("slider", name="Hidden layers").focus()
    keyboard.press("ArrowLeft")
    assert last(demo)["inputs"][0].shape == (3,)
    assert demo.place.get_by_role("slider", name="Width").is_disabled()
    assert train(demo, 400)[2] <= 0.75
    # Nor can three linear layers, nor two units.
    choose(demo, Depth=3, Activation="linear")
    assert demo.place.get_by_text("Network 2 → 8 → 8 → 8 → 1, 177 parameters").is_visible()
    assert train(demo, 400)[2] <= 0.75
    choose(demo, Depth=1, Width=2, Activation="tanh")
    assert train(demo, 1000)[2] <= 0.75


def test_four_sigmoid_layers_hardly_start(demo: DemoPage) -> None:
    choose(demo, Depth=4, Activation="sigmoid")
    press(demo, "Step")
    words = demo.place.get_by_text("Gradient, first to last").inner_text().split(": ")[1]
    first, *_, final = (float(word) for word in words.split(", "))
    assert first < final / 100
    _, loss, _ = train(demo, 300)
    assert loss > 0.69
    expect(demo.place.locator(".demo-status")).to_contain_text("the same of every point")


def test_too_large_steps_are_told_in_words(demo: DemoPage) -> None:
    choose(demo, Depth=3, Activation="linear", Rate=5)
    step, loss, _ = train(demo, 1000)  # it stops by itself long before
    assert step <= 12
    assert not np.isfinite(loss)
    expect(demo.place.locator(".demo-status")).to_contain_text("no longer a number")
    expect(demo.place.get_by_text("loss not a number, accuracy none")).to_be_visible()
    press(demo, "Train")
    press(demo, "Step")
    demo.page.wait_for_timeout(300)
    assert last(demo)["outputs"][0][0] == step  # no further
    assert demo.seen.errors == []
    # A smaller rate and Reset mend it.
    choose(demo, Rate=0.5)
    press(demo, "Reset")
    assert np.isfinite(train(demo, 100)[1])


def test_the_other_sets_are_the_chapters_points(demo: DemoPage) -> None:
    for name in ("moons", "xor", "spirals"):
        choose(demo, Data=name, Depth=2, Width=8)
        _, loss, accuracy = train(demo, 50)
        X, y = d2l.data.load(f"toys2d/{name}", "train").tensors
        X = X * (flower()[0].std() / X.std())
        model = network(sizes(2, 8), "tanh", last(demo)["inputs"][0])
        with torch.no_grad():
            theirs = F.binary_cross_entropy_with_logits(model(X.double()), y.double()).item()
        assert loss == pytest.approx(theirs, abs=2e-3)  # the page's points have three decimals
        assert accuracy > 0.6


def test_later_answers_come_at_once_and_frames_are_short(demo: DemoPage) -> None:
    step = "() => [...document.querySelectorAll('.demo button')][1].click()"
    assert sorted(demo.milliseconds(step) for _ in range(5))[2] < LATER
    # Where motion is welcome, every frame is shown, with several steps in it.
    demo.page.emulate_media(reduced_motion="no-preference")
    before = demo.count()
    train(demo, 600)
    told = [(a["time"], a["outputs"][0][0]) for a in demo.answers()[before:]]
    gaps = np.diff([time for time, _ in told])
    assert np.median(gaps) < LATER / 2
    assert np.median(np.diff([step for _, step in told])) >= 2
