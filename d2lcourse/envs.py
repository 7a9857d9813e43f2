"""Games for the chapters on reinforcement learning, behind gymnasium's interface.

Importing this module registers ``d2lcourse/MiniBreakout-v0``. `import d2lcourse` leaves it out.

>>> game = gymnasium.make("d2lcourse/MiniBreakout-v0")
>>> frames, info = game.reset(seed=0)
>>> frames.shape
(2, 10, 10)
>>> games = gymnasium.make_vec("d2lcourse/MiniBreakout-v0", num_envs=32)
>>> games.reset(seed=0)[0].shape
(32, 2, 10, 10)
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

try:
    import gymnasium
except ImportError as error:
    raise ImportError(
        "d2lcourse.envs needs gymnasium, which is not installed: "
        "run `pip install 'd2lcourse[chapters]'`"
    ) from error

from gymnasium import spaces
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from .validation import check_number

__all__ = ["MiniBreakout", "MiniBreakoutVector", "atari", "hide_velocities"]

SIDE = 10  # cells; the screen is square
BRICK_ROWS = range(1, 4)  # row 0 stays free: a ball that breaks through runs along the top
SERVE_ROW = 4
PADDLE_WIDTH = 2
MOVES = np.array([0, -1, 1])  # what the actions stay, left and right add to the paddle's column
BRICK, PADDLE, BALL = 32, 128, 255  # brightness

SCREEN = spaces.Box(0, 255, (2, SIDE, SIDE), np.uint8)
ACTIONS = spaces.Discrete(len(MOVES))


class _Games:
    """The rules of mini-Breakout, for `count` games at once; every field has one entry a game."""

    def __init__(self, count: int, max_steps: int) -> None:
        check_number("max_steps", max_steps)
        self.max_steps = max_steps
        self.each = np.arange(count)
        self.x, self.y, self.dx, self.dy, self.paddle, self.steps = np.zeros((6, count), int)
        self.bricks = np.zeros((count, SIDE, SIDE), bool)
        self.frames = np.zeros((count, *SCREEN.shape), np.uint8)

    def serve(self, which: np.ndarray, random: np.random.Generator) -> None:
        """Start the games `which` (bool, one a game) afresh."""
        n = int(which.sum())
        self.x[which] = random.integers(1, SIDE - 1, n)
        self.dx[which] = random.choice([-1, 1], n)
        self.y[which], self.dy[which], self.steps[which] = SERVE_ROW, 1, 0
        # Near the middle, from where every serve can be caught.
        self.paddle[which] = random.integers(3, 6, n)
        self.bricks[which] = False
        self.bricks[which, BRICK_ROWS.start : BRICK_ROWS.stop] = True
        # The ball rolled in from the side: two frames show where it is heading from the start.
        self.frames[which, 0] = self.screens(np.where(which, self.x - self.dx, self.x))[which]
        self.frames[which, 1] = self.screens(self.x)[which]

    def move(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Play one step of every game; return (reward, lost, out of time), one entry a game."""
        self.steps += 1
        self.paddle = np.clip(self.paddle + MOVES[actions], 0, SIDE - PADDLE_WIDTH)

        # Walls turn the ball.
        at_side = (self.x + self.dx < 0) | (self.x + self.dx >= SIDE)
        self.dx = np.where(at_side, -self.dx, self.dx)
        self.dy = np.where(self.y + self.dy < 0, -self.dy, self.dy)
        x, y = self.x + self.dx, self.y + self.dy

        # A brick breaks, and the ball stays where it was for one step and turns up or down.
        hit = self.bricks[self.each, y, x]
        self.bricks[self.each[hit], y[hit], x[hit]] = False
        self.dy = np.where(hit, -self.dy, self.dy)
        self.x, self.y = np.where(hit, self.x, x), np.where(hit, self.y, y)

        # The paddle's left cell sends the ball up and left, its right cell up and right.
        low, cell = self.y == SIDE - 1, self.x - self.paddle
        caught = low & (cell >= 0) & (cell < PADDLE_WIDTH)
        self.dx = np.where(caught, np.where(cell == 0, -1, 1), self.dx)
        self.dy = np.where(caught, -1, self.dy)
        self.y = np.where(caught, SIDE - 2, self.y)
        cleared = caught & ~self.bricks.any(axis=(1, 2))
        self.bricks[cleared, BRICK_ROWS.start : BRICK_ROWS.stop] = True

        lost = low & ~caught
        self.dy = np.where(lost, 0, self.dy)  # it lies still until the next serve
        self.frames[:, 0] = self.frames[:, 1]
        self.frames[:, 1] = self.screens(self.x)
        return hit.astype(np.float64), lost, ~lost & (self.steps >= self.max_steps)

    def screens(self, ball_x: np.ndarray) -> np.ndarray:
        """Return every game's screen with the ball in column `ball_x`, (games, 10, 10), uint8."""
        pixels = BRICK * self.bricks.astype(np.uint8)
        for cell in range(PADDLE_WIDTH):
            pixels[self.each, SIDE - 1, self.paddle + cell] = PADDLE
        pixels[self.each, self.y, ball_x] = BALL
        return pixels


class MiniBreakout(gymnasium.Env[np.ndarray, np.int64]):
    """A game of Breakout on 10 × 10 pixels.

    A ball moves one cell a step along a diagonal, off the walls, the bricks (3 rows of 10) and a
    paddle of two cells, whose left cell sends it left and whose right cell right. Each brick gives
    reward 1; once all are gone, the next touch of the paddle brings them back. The episode
    terminates when the ball falls past the paddle and is truncated after `max_steps`.

    Observation: the previous and the present screen, uint8 (2, 10, 10): bricks 32, paddle 128,
    ball 255. Actions: 0 stay, 1 left, 2 right. Only the serve is random: where the ball starts,
    to which side it heads, and where near the middle the paddle stands.

    Args:
        render_mode: None, or ``"rgb_array"`` for pictures, uint8 (160, 160, 3).
        max_steps: steps after which an episode is truncated.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 12}  # noqa: RUF012  (gymnasium's)
    observation_space = SCREEN
    action_space = ACTIONS

    def __init__(self, render_mode: str | None = None, max_steps: int = 500) -> None:
        _check_render_mode(render_mode)
        self.render_mode = render_mode
        self.games = _Games(1, max_steps)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Serve a ball; return (frames, {})."""
        super().reset(seed=seed)
        self.games.serve(np.array([True]), self.np_random)
        return self.games.frames[0].copy(), {}

    def step(self, action: np.int64) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Play one step; return (frames, reward, terminated, truncated, {})."""
        if not self.action_space.contains(action):
            raise ValueError(f"action {action!r} is not 0 (stay), 1 (left) or 2 (right)")
        reward, lost, late = self.games.move(np.array([action]))
        return self.games.frames[0].copy(), float(reward[0]), bool(lost[0]), bool(late[0]), {}

    def render(self) -> np.ndarray | None:
        """Return the present screen as a picture, uint8 (160, 160, 3)."""
        return None if self.render_mode is None else picture(self.games.frames[0, 1])


class MiniBreakoutVector(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """Many games of `MiniBreakout` stepped as arrays; what ``gymnasium.make_vec`` returns.

    As gymnasium's default has it, a game that ended takes its next step to reset: that step
    ignores the action and gives reward 0.

    Args:
        num_envs: games.
        render_mode: None, or ``"rgb_array"`` for a tuple of pictures.
        max_steps: steps after which an episode is truncated.
    """

    metadata = {  # noqa: RUF012
        "render_modes": ["rgb_array"],
        "render_fps": 12,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self, num_envs: int = 1, render_mode: str | None = None, max_steps: int = 500
    ) -> None:
        check_number("num_envs", num_envs)
        _check_render_mode(render_mode)
        self.num_envs, self.render_mode = num_envs, render_mode
        self.single_observation_space, self.single_action_space = SCREEN, ACTIONS
        self.observation_space = batch_space(SCREEN, num_envs)
        self.action_space = batch_space(ACTIONS, num_envs)
        self.games = _Games(num_envs, max_steps)
        self.ended = np.zeros(num_envs, bool)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Serve in every game; return (frames (num_envs, 2, 10, 10), {})."""
        if seed is not None or self._np_random is None:
            self._np_random, self._np_random_seed = seeding.np_random(seed)
        self.ended[:] = False
        self.games.serve(~self.ended, self.np_random)
        return self.games.frames.copy(), {}

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Play one step of every game; return (frames, rewards, terminated, truncated, {})."""
        if not self.action_space.contains(actions):
            raise ValueError(f"actions must be {self.num_envs} whole numbers 0, 1 or 2")
        reward, lost, late = self.games.move(actions)
        self.games.serve(self.ended, self.np_random)
        for flags in (reward, lost, late):
            flags[self.ended] = 0
        self.ended = lost | late
        return self.games.frames.copy(), reward, lost, late, {}

    def render(self) -> tuple[np.ndarray, ...] | None:
        """Return every game's present screen as a picture, uint8 (160, 160, 3)."""
        if self.render_mode is None:
            return None
        return tuple(picture(screen) for screen in self.games.frames[:, 1])


def picture(screen: np.ndarray, size: int = 16) -> np.ndarray:
    """Paint a screen of mini-Breakout for people.

    Args:
        screen: (10, 10), one of the two frames of an observation.
        size: pixels a cell.

    Returns:
        uint8 (10 · size, 10 · size, 3).

    >>> picture(np.zeros((10, 10), np.uint8)).shape
    (160, 160, 3)
    """
    night = (18, 22, 33)
    colours = np.full((*screen.shape, 3), night, np.uint8)
    bricks = [(213, 94, 0), (230, 159, 0), (0, 158, 115)]
    for row, colour in zip(BRICK_ROWS, bricks, strict=True):
        colours[row, screen[row] == BRICK] = colour
    colours[screen == PADDLE] = (86, 180, 233)
    image = colours.repeat(size, axis=0).repeat(size, axis=1)
    gap = np.arange(len(image)) % size >= 0.85 * size
    image[gap], image[:, gap] = night, night
    offset = np.arange(size) - (size - 1) / 2
    disc = np.hypot(*np.meshgrid(offset, offset)) <= 0.42 * size
    for row, column in np.argwhere(screen == BALL):
        cell = image[row * size : (row + 1) * size, column * size : (column + 1) * size]
        cell[disc] = 255
    return image


def hide_velocities(env: gymnasium.Env | VectorEnv) -> gymnasium.Env | VectorEnv:
    """Wrap cart-pole, one or a vector, so that it shows positions alone: where, not how fast.

    Args:
        env: an environment that observes (position, velocity, angle, angular velocity).

    Returns:
        The environment with observations (position, angle), float32 (2,) or (num_envs, 2).

    Raises:
        ValueError: the environment observes something else.
    """
    from gymnasium.wrappers import TransformObservation
    from gymnasium.wrappers.vector import TransformObservation as TransformVector

    full = env.single_observation_space if isinstance(env, VectorEnv) else env.observation_space
    if not isinstance(full, spaces.Box) or full.shape != (4,):
        raise ValueError(
            f"hide_velocities wants cart-pole's four numbers, but this environment observes {full}"
        )
    seen = spaces.Box(full.low[::2], full.high[::2], dtype=np.float32)
    if isinstance(env, VectorEnv):
        return TransformVector(env, lambda state: state[:, ::2], single_observation_space=seen)
    return TransformObservation(env, lambda state: state[::2], seen)


def atari(name: str = "ALE/Breakout-v5", *, frames: int = 4, **options: Any) -> gymnasium.Env:
    """Make an Atari game as deep Q-networks see it: four grey frames of 84 × 84.

    Each action is repeated for four frames of the game, of which the last two are merged by their
    maximum (sprites flicker), turned grey and shrunk, by gymnasium's ``AtariPreprocessing``.

    Args:
        name: a registered Atari game; the ROMs come with ``ale-py``.
        frames: how many of the latest frames an observation holds.
        options: passed on to ``gymnasium.make``.

    Returns:
        An environment with observations uint8 (frames, 84, 84).

    Raises:
        ImportError: ``ale-py`` or OpenCV is not installed; the message says what to install.
    """
    from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation

    try:
        import_module("cv2")
        if name.startswith("ALE/"):
            gymnasium.register_envs(import_module("ale_py"))
    except ImportError as error:
        raise ImportError(
            f"{name} needs the Atari emulator and OpenCV, and {error.name} is not installed: "
            "run `pip install ale-py opencv-python-headless`"
        ) from error
    # The wrapper skips frames itself, so the game must not.
    game = AtariPreprocessing(gymnasium.make(name, frameskip=1, **options))
    return FrameStackObservation(game, frames)


def _check_render_mode(mode: str | None) -> None:
    if mode not in (None, "rgb_array"):
        raise ValueError(f"render_mode {mode!r}: mini-Breakout knows only None and 'rgb_array'")


gymnasium.register(
    "d2lcourse/MiniBreakout-v0",
    entry_point="d2lcourse.envs:MiniBreakout",
    vector_entry_point="d2lcourse.envs:MiniBreakoutVector",
)
