"""The games keep their rules, and gymnasium's."""

import subprocess
import sys
import types
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from d2lcourse import envs

STAY, LEFT, RIGHT = 0, 1, 2


def breakout(**options):
    return gymnasium.make("d2lcourse/MiniBreakout-v0", **options).unwrapped


def place(env, x, y, dx, dy, paddle, bricks=()):
    """Put the ball, the paddle and the bricks (row, column) of a game where a test wants them."""
    env.reset(seed=0)
    games = env.games
    for name, value in {"x": x, "y": y, "dx": dx, "dy": dy, "paddle": paddle}.items():
        getattr(games, name)[:] = value
    games.bricks[:] = False
    for row, column in bricks:
        games.bricks[0, row, column] = True


def ball(frames):
    """Return the ball's (row, column) in the newest frame."""
    (cell,) = np.argwhere(frames[1] == envs.BALL)
    return tuple(cell.tolist())


def follow(frames):
    """The hand-written player: stand under the cell the ball enters next; (N, 2, 10, 10) → (N,)."""
    before, now = ((frames[:, i] == envs.BALL).any(axis=1).argmax(axis=1) for i in (0, 1))
    aim = 2 * now - before
    aim = np.where(aim < 0, 1, np.where(aim > 9, 8, aim))
    left = (frames[:, 1, 9] == envs.PADDLE).argmax(axis=1)
    return np.where(aim < left, LEFT, np.where(aim > left + 1, RIGHT, STAY))


def bricks_an_episode(policy, num_envs=100):
    games = gymnasium.make_vec("d2lcourse/MiniBreakout-v0", num_envs=num_envs)
    frames, _ = games.reset(seed=1)
    bricks, playing = np.zeros(num_envs), np.ones(num_envs, bool)
    while playing.any():
        frames, reward, terminated, truncated, _ = games.step(policy(frames))
        bricks += reward * playing
        playing &= ~(terminated | truncated)
    return bricks.mean()


def test_passes_gymnasiums_checker_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(breakout(render_mode="rgb_array"))
        gymnasium.make_vec("d2lcourse/MiniBreakout-v0", num_envs=2)


def test_the_seed_alone_decides_the_serve():
    first, again, other = (breakout().reset(seed=seed)[0] for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    serves = gymnasium.make_vec("d2lcourse/MiniBreakout-v0", num_envs=500).reset(seed=0)[0]
    assert len(np.unique(serves, axis=0)) == 48, "8 columns, 2 directions, 3 paddles"


def test_a_new_game_shows_a_whole_wall_and_a_moving_ball():
    frames, _ = breakout().reset(seed=0)
    assert frames.dtype == np.uint8
    assert (frames[1] == envs.BRICK).sum() == 30
    assert (frames[1, 9] == envs.PADDLE).sum() == 2
    (row, now), (row_before, before) = ball(frames), ball(frames[::-1])
    assert row == row_before == envs.SERVE_ROW
    assert abs(now - before) == 1


def test_walls_turn_the_ball():
    env = breakout()
    place(env, x=9, y=5, dx=1, dy=1, paddle=0)
    assert ball(env.step(STAY)[0]) == (6, 8)
    place(env, x=0, y=0, dx=-1, dy=-1, paddle=0)
    assert ball(env.step(STAY)[0]) == (1, 1)


def test_a_brick_breaks_pays_one_and_sends_the_ball_back():
    env = breakout()
    place(env, x=4, y=4, dx=1, dy=-1, paddle=0, bricks=[(3, 5), (3, 4), (2, 5)])
    frames, reward, terminated, truncated, _ = env.step(STAY)
    assert (reward, terminated, truncated) == (1.0, False, False)
    assert ball(frames) == (4, 4), "the touch takes a step"
    assert (frames == envs.BRICK).sum(axis=(1, 2)).tolist() == [30, 2]
    assert frames[1, 3, 5] == 0
    assert ball(env.step(STAY)[0]) == (5, 5)


@pytest.mark.parametrize(
    ("paddle", "landing"), [(5, (8, 5)), (4, (8, 5)), (6, (9, 5)), (3, (9, 5))]
)
def test_the_paddle_catches_with_its_two_cells(paddle, landing):
    env = breakout()
    place(env, x=4, y=8, dx=1, dy=1, paddle=paddle, bricks=[(1, 0)])
    frames, _, terminated, _, _ = env.step(STAY)
    assert ball(frames) == landing
    assert terminated == (landing[0] == 9)
    if not terminated:
        side = -1 if paddle == 5 else 1
        assert ball(env.step(STAY)[0]) == (7, 5 + side), "the cell that caught decides the side"


def test_the_paddle_moves_one_cell_and_stays_on_the_screen():
    env = breakout()
    place(env, x=4, y=1, dx=1, dy=1, paddle=1)
    columns = [
        np.flatnonzero(env.step(action)[0][1, 9] == envs.PADDLE)[0]
        for action in (STAY, LEFT, LEFT, RIGHT)
    ]
    assert columns == [1, 0, 0, 1]


def test_the_wall_comes_back_at_the_next_touch_of_the_paddle():
    env = breakout()
    place(env, x=4, y=8, dx=1, dy=1, paddle=5)
    assert (env.step(STAY)[0][1] == envs.BRICK).sum() == 30


def test_the_step_limit_truncates_and_does_not_terminate():
    env = breakout(max_steps=3)
    env.reset(seed=0)
    ends = [env.step(STAY)[2:4] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]


def test_many_games_are_single_games_side_by_side():
    games = gymnasium.make_vec("d2lcourse/MiniBreakout-v0", num_envs=8, max_steps=40)
    frames, _ = games.reset(seed=0)
    single = [breakout(max_steps=40) for _ in range(8)]
    chance = np.random.default_rng(0)
    ended, resets = np.ones(8, bool), 0
    for _ in range(200):
        for i in np.flatnonzero(ended):  # give the single game the serve that the vector drew
            single[i].reset(seed=0)
            for name in ("x", "y", "dx", "dy", "paddle", "steps", "bricks", "frames"):
                getattr(single[i].games, name)[0] = getattr(games.games, name)[i]
        # Half the time play well, so that bricks fall and episodes reach their limit.
        actions = np.where(chance.random(8) < 0.5, chance.integers(0, 3, 8), follow(frames))
        resetting = games.ended.copy()
        frames, *outcome = games.step(actions)
        for i in range(8):
            if resetting[i]:
                assert [column[i] for column in outcome[:3]] == [0, False, False]
                assert (frames[i, 1] == envs.BRICK).sum() == 30
                continue
            one, *expected = single[i].step(actions[i])
            assert np.array_equal(one, frames[i])
            assert expected[:3] == [column[i] for column in outcome[:3]]
        ended, resets = resetting, resets + resetting.sum()
    assert resets > 10


def test_chance_scores_little_and_a_simple_plan_clears_the_wall():
    chance = np.random.default_rng(0)
    random = bricks_an_episode(lambda frames: chance.integers(0, 3, len(frames)))
    planned = bricks_an_episode(follow)
    assert 0.1 < random < 0.6
    assert planned >= 28


def test_pictures_show_what_the_frames_hold():
    env = breakout(render_mode="rgb_array")
    frames, _ = env.reset(seed=0)
    image = env.render()
    assert image.shape == (160, 160, 3)
    assert image.dtype == np.uint8
    row, column = ball(frames)
    assert image[16 * row + 8, 16 * column + 8].tolist() == [255, 255, 255]
    assert len({tuple(image[16 * row + 8, 8]) for row in (0, 1, 2, 3)}) == 4, "a colour a row"
    assert breakout().render() is None
    pair = gymnasium.make_vec("d2lcourse/MiniBreakout-v0", num_envs=2, render_mode="rgb_array")
    pair.reset(seed=0)
    assert [shot.shape for shot in pair.render()] == [(160, 160, 3)] * 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: envs.MiniBreakout(render_mode="human"), "render_mode 'human'"),
        (lambda: envs.MiniBreakout(max_steps=0), "max_steps=0"),
        (lambda: envs.MiniBreakoutVector(num_envs=0), "num_envs=0"),
        (lambda: envs.MiniBreakout().step(3), "action 3"),
        (lambda: envs.MiniBreakoutVector(2).step(np.array([0, 3])), "actions must be 2"),
        (lambda: envs.hide_velocities(envs.MiniBreakout()), "cart-pole's four numbers"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_hidden_velocities_leave_where_and_how_tilted():
    full, masked = gymnasium.make("CartPole-v1"), gymnasium.make("CartPole-v1")
    masked = envs.hide_velocities(masked)
    assert masked.reset(seed=1)[0].tolist() == full.reset(seed=1)[0][::2].tolist()
    seen, *_ = masked.step(1)
    assert seen.tolist() == full.step(1)[0][[0, 2]].tolist()
    assert masked.observation_space.contains(seen)

    many = envs.hide_velocities(gymnasium.make_vec("CartPole-v1", num_envs=3))
    seen, _ = many.reset(seed=0)
    everything, _ = gymnasium.make_vec("CartPole-v1", num_envs=3).reset(seed=0)
    assert seen.tolist() == everything[:, [0, 2]].tolist()
    assert many.observation_space.contains(seen)
    assert many.single_observation_space.shape == (2,)


class StubAtari(gymnasium.Env):
    """An Atari game's interface without the emulator: its screen counts the frames it played."""

    observation_space = gymnasium.spaces.Box(0, 255, (210, 160, 3), np.uint8)
    action_space = gymnasium.spaces.Discrete(4)

    def __init__(self, frameskip=4, lost_after=50):
        self._frameskip, self.lost_after, self.ale, self.played = frameskip, lost_after, self, 0

    def get_action_meanings(self):
        return ["NOOP", "FIRE", "RIGHT", "LEFT"]

    def lives(self):
        return 5

    def screen(self):
        return np.full((210, 160, 3), self.played, np.uint8)

    def getScreenGrayscale(self, buffer):
        buffer[:] = self.played

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.played = 0
        return self.screen(), {}

    def step(self, action):
        self.played += 1
        return self.screen(), 1.0, self.played >= self.lost_after, False, {}


@pytest.fixture
def opencv(monkeypatch):
    """OpenCV, or where it is missing one function of it: the mean over the area of each pixel."""
    try:
        import cv2  # noqa: F401
    except ImportError:
        import torch

        def resize(image, size, interpolation):
            batch = torch.from_numpy(image).float()[None, None]
            return torch.nn.functional.adaptive_avg_pool2d(batch, size[::-1])[0, 0].numpy()

        monkeypatch.setitem(sys.modules, "cv2", types.SimpleNamespace(resize=resize, INTER_AREA=3))


def test_atari_games_become_four_small_grey_frames(opencv):
    gymnasium.register("stub/Breakout-v5", entry_point=StubAtari)
    env = envs.atari("stub/Breakout-v5")
    frames, _ = env.reset(seed=0)
    assert env.observation_space.shape == frames.shape == (4, 84, 84)
    assert frames.dtype == np.uint8
    start = int(frames[-1, 0, 0])
    assert start <= 30, "up to 30 frames of waiting"
    frames, reward, *_ = env.step(1)
    assert reward == 4.0, "an action is held for four frames of the game"
    for _ in range(2):
        frames, *_ = env.step(1)
    assert frames[:, 40, 40].tolist() == [start, start + 4, start + 8, start + 12]


def test_missing_atari_names_the_remedy(monkeypatch, opencv):
    monkeypatch.setitem(sys.modules, "ale_py", None)
    with pytest.raises(ImportError, match="pip install ale-py opencv-python-headless"):
        envs.atari()
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match=r"cv2 is not installed.*pip install"):
        envs.atari("stub/other")


def test_gymnasium_is_needed_here_and_nowhere_else():
    code = (
        "import sys; sys.modules['gymnasium'] = None\n"
        "import d2lcourse\n"
        "try: import d2lcourse.envs\n"
        "except ImportError as error: print(error)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'd2lcourse[chapters]'" in answer.stdout, answer.stderr
