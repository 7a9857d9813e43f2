"""The demo "play the game": Python's rules step for step, PyTorch's values, a reader's hands."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pytest
from demo_page import LATER, TOLERANCE, DemoPage, on_page, opened
from playwright.sync_api import Browser

from d2lcourse import envs

CHAPTER, NAME = "rl/dqn", "play-the-game"
BRICKS = 15  # a game of the agent on average, as the chapter asserts it
ACTIONS = ("stay", "left", "right")

# Plays games by the page's rules; each comes back as [reward, lost, late] and frames, a step each.
REPLAY = """async games => {
  const { Game } = await import("/_static/demos/breakout.js");
  const bytes = (game) => String.fromCharCode(...game.frames[0], ...game.frames[1]);
  return games.map(({ state, actions, limit }) => {
    const game = new Game(state, limit);
    const screens = [bytes(game)];
    const flags = actions.map((action) => {
      const { reward, lost, late } = game.step(action);
      screens.push(bytes(game));
      return [reward, Number(lost), Number(late)];
    });
    return { flags, screens };
  });
}"""
SERVE = "async seed => (await import('/_static/demos/breakout.js')).serve(seed)"
# Presses "Step" until it has been done so often, or both games are over.
STEP = """async ([name, count]) => {
  const buttons = [...document.querySelectorAll(`[data-demo='${name}'] button`)];
  const step = buttons.find((button) => button.textContent === "Step");
  const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));
  for (let number = 0; number < count && !step.disabled; number += 1) {
    const answer = new Promise((resolve) => {
      addEventListener("demo:run", resolve, { once: true });
    });
    step.click();
    await Promise.race([answer, sleep(300)]);
    await sleep(0);
  }
}"""


@pytest.fixture
def demo(chromium: Browser, address: str):
    with opened(chromium, address, CHAPTER, NAME) as page:
        yield page
        assert page.seen.errors == []


def steps(demo: DemoPage, count: int) -> None:
    demo.page.evaluate(STEP, [NAME, count])


def press(demo: DemoPage, name: str) -> None:
    demo.place.get_by_role("button", name=name, exact=True).click()


def at(state: dict[str, Any]) -> envs.MiniBreakout:
    """Python's game at this serve."""
    world = envs.MiniBreakout()
    world.reset(seed=0)
    games = world.games
    games.x[:], games.dx[:], games.paddle[:] = state["x"], state["dx"], state["paddle"]
    games.frames[0] = np.concatenate([games.screens(games.x - games.dx), games.screens(games.x)])
    return world


def state(world: envs.MiniBreakout) -> dict[str, Any]:
    games = world.games
    fields = {name: int(getattr(games, name)[0]) for name in ("x", "y", "dx", "dy", "paddle")}
    frames = games.frames[0].reshape(2, 100).tolist()
    bricks = games.bricks[0].flatten().tolist()
    return fields | {"steps": int(games.steps[0]), "bricks": bricks, "frames": frames}


def follow(world: envs.MiniBreakout, aim: int) -> int:
    """Move towards where the ball comes down, to catch it with the paddle's cell `aim`."""
    games = copy.deepcopy(world.games)
    down = False
    while games.y[0] < 9 and not (down and games.y[0] == 8 and games.dy[0] == -1):
        down = games.dy[0] == 1
        games.move(np.array([0]))
    return (0, 2, 1)[int(np.sign(games.x[0] - aim - world.games.paddle[0]))]


def test_the_rules_are_those_of_the_environment(demo: DemoPage) -> None:
    rng = np.random.default_rng(0)
    games, expected, most = [], [], 0.0
    for number in range(60):
        limit, careless = (900, 0.0) if number % 15 == 0 else (60 + number, 0.05)
        careless = 1.0 if number % 3 == 1 else careless  # a third of the games is played at random
        world = envs.MiniBreakout(max_steps=limit)
        world.reset(seed=number)
        begun = state(world)
        if number % 2:  # a serve alone is enough to begin a game
            begun = {name: begun[name] for name in ("x", "dx", "paddle")}
        actions, flags, screens = [], [], [world.games.frames[0].tobytes()]
        while not flags or not flags[-1][1] + flags[-1][2]:
            aim = int(rng.integers(2))
            chance = rng.random() < careless
            action = int(rng.integers(3)) if chance else follow(world, aim)
            frames, reward, lost, late, _ = world.step(np.int64(action))
            actions.append(action)
            flags.append([int(reward), int(lost), int(late)])
            screens.append(frames.tobytes())
            if number % 5 == 2 and world.games.steps[0] == 12:  # and so is any later state
                begun, actions, flags, screens = state(world), [], [], screens[-1:]
        most = max(most, sum(flag[0] for flag in flags))
        games.append({"state": begun, "actions": actions, "limit": limit})
        expected.append((flags, screens))
    assert most > 30  # a wall was cleared and came back
    assert sum(flags[-1][1] for flags, _ in expected) > 15
    assert sum(flags[-1][2] for flags, _ in expected) > 15
    assert sum(len(flags) for flags, _ in expected) > 3000
    for ours, (flags, screens) in zip(demo.page.evaluate(REPLAY, games), expected, strict=True):
        assert ours["flags"] == flags
        assert [screen.encode("latin-1") for screen in ours["screens"]] == screens


def test_a_seed_gives_one_serve_and_all_serves_come(demo: DemoPage) -> None:
    drawn = [demo.page.evaluate(SERVE, seed) for seed in range(400)]
    assert drawn[:5] == [demo.page.evaluate(SERVE, seed) for seed in range(5)]
    serves = {(one["x"], one["dx"], one["paddle"]) for one in drawn}
    assert serves == {(x, dx, p) for x in range(1, 9) for dx in (-1, 1) for p in (3, 4, 5)}


def test_the_agent_plays_its_best_action_as_well_as_in_the_chapter(demo: DemoPage) -> None:
    scores = []
    for seed in (1, 2):
        before = demo.count() - 1  # the answer at the serve came when the board was set up
        world = at(demo.page.evaluate(SERVE, seed))
        seen, score, over = world.games.frames[0].copy(), 0.0, False
        steps(demo, 600)
        answers = demo.answers("agent")[before:]
        for number, answer in enumerate(answers):
            assert (answer["inputs"][0][-1] == seen).all()
            action = answer["outputs"][0][-1].argmax()
            seen, reward, lost, late, _ = world.step(action)
            score, over = score + reward, lost or late
            assert over == (number == len(answers) - 1)
        frames = np.concatenate([answer["inputs"][0] for answer in answers])
        values = np.concatenate([answer["outputs"][0] for answer in answers])
        assert np.abs(values - demo.pytorch("agent", [frames])[0]).max() < TOLERANCE
        shown = demo.place.get_by_text(re.compile(r"^Agent: ")).inner_text()
        scores.append(score)
        assert shown == f"Agent: {score:.0f} bricks · record {max(scores):.0f}"
        assert f"Agent: {'ball lost' if lost else 'time is up'} at step" in said(demo)
        press(demo, "New game")
        demo.settle()
        assert f"Serve {seed + 1}, step 0." in said(demo)
    assert np.mean(scores) >= BRICKS


def said(demo: DemoPage) -> str:
    demo.page.wait_for_timeout(600)  # the line speaks at most twice a second
    return demo.place.locator(".demo-status").inner_text()


def test_the_numbers_and_the_boards_show_the_answer(demo: DemoPage) -> None:
    steps(demo, 3)
    demo.settle()
    assert demo.difference("agent") < TOLERANCE
    last = demo.answers("agent")[-1]
    for board in (0, 1):
        values = last["outputs"][0][board]
        chart = demo.place.locator(".demo-bars").nth(board)
        numbers = [float(text) for text in chart.locator(".demo-bar-number").all_inner_texts()]
        assert numbers == pytest.approx(values, abs=0.006)
        assert ACTIONS[values.argmax()] in chart.locator(".demo-best").inner_text()
        wide = chart.locator(".demo-bar-fill").evaluate_all("bars => bars.map(b => b.style.width)")
        above = 50 * (values - values.min())
        assert [float(width[:-1]) for width in wide] == pytest.approx(above.clip(max=100), abs=0.01)
        # A cell's middle has the colour of the thing that is there.
        pixels = (
            demo.place.locator("canvas")
            .nth(board)
            .evaluate(
                "c => Array.from({ length: 100 }, (_, i) => [...c.getContext('2d').getImageData("
                "40 * (i % 10) + 18, 40 * Math.floor(i / 10) + 18, 1, 1).data].slice(0, 3))"
            )
        )
        theirs = envs.picture(last["inputs"][0][board, 1].astype(np.uint8))[7::16, 7::16]
        assert np.array_equal(np.array(pixels).reshape(10, 10, 3), theirs)


def paddle(demo: DemoPage) -> int:
    """The column of the paddle on the reader's board."""
    both = [a["inputs"][0] for a in demo.answers("agent") if len(a["inputs"][0]) == 2]
    return int((both[-1][0, 1, 9] == 128).argmax())


def test_a_move_unlike_the_agents_is_named_with_what_it_costs(demo: DemoPage) -> None:
    values = demo.answers("agent")[-1]["outputs"][0][0]
    best, other = int(values.argmax()), int(values.argmin())
    board = demo.place.locator("canvas").first
    keys = ("ArrowDown", "ArrowLeft", "ArrowRight")
    board.press(keys[other])
    marked = demo.place.locator(".demo-bars").first.locator("li", has_text="you")
    assert ACTIONS[other] in marked.inner_text()
    board.press("Enter")
    demo.settle()
    cost = values[best] - values[other]
    words = f"Your last move: {ACTIONS[other]}; the agent would have chosen {ACTIONS[best]}"
    assert f"{words} (yours is worth {cost:.2f} less" in said(demo)
    assert demo.place.get_by_text(f"1 of 1 moves differ, at most by {cost:.2f}.").is_visible()
    board.press(keys[int(demo.answers("agent")[-1]["outputs"][0][0].argmax())])
    board.press("Enter")
    demo.settle()
    assert "so would the agent" in said(demo)
    assert demo.place.get_by_text("1 of 2 moves differ").is_visible()


def test_keys_and_buttons_move_the_paddle(demo: DemoPage) -> None:
    board, place = demo.place.locator("canvas").first, [paddle(demo)]
    for key in ("ArrowLeft", "ArrowRight", "ArrowDown"):
        board.press(key)
        board.press("Enter")
        demo.settle()
        place.append(paddle(demo))
    assert np.diff(place).tolist() == [-1, 1, 0]
    press(demo, "New game")
    demo.settle()
    place = [paddle(demo)]
    for name in ("◀ Left", "Right ▶"):
        press(demo, name)
        assert demo.place.get_by_role("button", name=name).get_attribute("aria-pressed") == "true"
        press(demo, "Step")
        demo.settle()
        place.append(paddle(demo))
    assert np.diff(place).tolist() == [-1, 1]
    # From another control too, and by Enter on a button; the page does not scroll.
    top = demo.page.evaluate("scrollY")
    demo.place.get_by_role("button", name="Step").focus()
    demo.page.keyboard.press("ArrowRight")
    assert demo.place.get_by_role("button", name="Right ▶").get_attribute("aria-pressed") == "true"
    demo.place.get_by_role("button", name="◀ Left").press("Enter")
    assert demo.place.get_by_role("button", name="◀ Left").get_attribute("aria-pressed") == "true"
    assert demo.page.evaluate("scrollY") == top


def test_nothing_moves_before_start_and_pause_stops(demo: DemoPage) -> None:
    demo.page.wait_for_timeout(1200)
    assert demo.count() == 1
    board = demo.place.locator("canvas").first
    board.press("Space")
    demo.wait(3)
    board.press("Space")
    demo.page.wait_for_timeout(100)
    count, picture = demo.count(), board.evaluate("c => c.toDataURL()")
    demo.page.wait_for_timeout(1200)
    assert demo.count() == count
    assert board.evaluate("c => c.toDataURL()") == picture
    press(demo, "New game")
    demo.wait(count + 1)
    before = paddle(demo)
    demo.place.get_by_role("slider").fill("12")
    press(demo, "Start")
    demo.place.get_by_role("button", name="◀ Left").hover()
    demo.page.mouse.down()  # held, it moves on
    demo.wait(count + 4)
    demo.page.mouse.up()
    press(demo, "Pause")
    demo.settle()
    assert before - paddle(demo) >= 2
    assert demo.difference("agent") < TOLERANCE


def test_the_agent_can_hold_the_readers_paddle(demo: DemoPage) -> None:
    demo.place.get_by_label("The agent holds my paddle").check()
    steps(demo, 60)
    for answer in demo.answers("agent"):
        assert (answer["inputs"][0][0] == answer["inputs"][0][1]).all()
    broken = re.search(r"Agent: (\d+)", demo.place.inner_text())
    assert broken
    assert int(broken[1]) > 0
    # It is not the reader's record.
    assert demo.place.get_by_text(f"You: {broken[1]} bricks · record 0").is_visible()


def test_later_answers_come_at_once(demo: DemoPage) -> None:
    act = (
        "() => [...document.querySelectorAll(\"[data-demo='play-the-game'] button\")]"
        ".find((button) => button.textContent === 'Step').click()"
    )
    assert demo.median_milliseconds(act) < LATER


@pytest.mark.parametrize(("motion", "rate"), [("reduce", "2"), ("no-preference", "4")])
def test_it_runs_slower_where_motion_is_reduced(chromium, address, motion, rate) -> None:
    with on_page(chromium, address, CHAPTER, NAME) as demo:
        demo.page.emulate_media(reduced_motion=motion)
        demo.open()
        assert demo.place.get_by_role("slider").input_value() == rate
