// Mini-Breakout: the rules of MiniBreakout in d2lcourse/envs.py, step for step.
import { uniform } from "./numbers.js";

export const SIDE = 10; // cells; the screen is square
export const MOVES = [0, -1, 1]; // what the actions stay, left and right add to the paddle's column
export const [BRICK, PADDLE, BALL] = [32, 128, 255]; // brightness
const [FIRST, LAST] = [1, 3]; // rows of bricks
const WIDTH = 2; // of the paddle

const wall = () => {
  return Array.from({ length: SIDE * SIDE }, (_, cell) => {
    return cell >= FIRST * SIDE && cell < (LAST + 1) * SIDE;
  });
};

// The serve of this seed: where the ball starts, to which side it heads, where the paddle stands.
export function serve(seed) {
  const random = uniform(seed);
  const below = (number) => Math.floor(random() * number);
  return { x: 1 + below(SIDE - 2), dx: below(2) ? 1 : -1, paddle: 3 + below(3) };
}

export class Game {
  // A serve, or any state of a game: the fields left out are those at a serve.
  constructor(state, maxSteps = 500) {
    Object.assign(this, { y: LAST + 1, dy: 1, steps: 0, bricks: wall(), maxSteps }, state);
    // The ball rolled in from the side: two frames show where it is heading from the start.
    this.frames = state.frames ?? [this.screen(this.x - this.dx), this.screen(this.x)];
  }

  // Play one step: { reward, lost, late }. The game is over when it is lost or late.
  step(action) {
    this.steps += 1;
    this.paddle = Math.min(Math.max(this.paddle + MOVES[action], 0), SIDE - WIDTH);

    // Walls turn the ball.
    if (this.x + this.dx < 0 || this.x + this.dx >= SIDE) this.dx = -this.dx;
    if (this.y + this.dy < 0) this.dy = -this.dy;
    const [x, y] = [this.x + this.dx, this.y + this.dy];

    // A brick breaks, and the ball stays where it was for one step and turns up or down.
    const hit = this.bricks[y * SIDE + x];
    if (hit) {
      this.bricks[y * SIDE + x] = false;
      this.dy = -this.dy;
    } else [this.x, this.y] = [x, y];

    // The paddle's left cell sends the ball up and left, its right cell up and right.
    const [low, cell] = [this.y === SIDE - 1, this.x - this.paddle];
    const caught = low && cell >= 0 && cell < WIDTH;
    if (caught) {
      this.dx = cell === 0 ? -1 : 1;
      this.dy = -1;
      this.y = SIDE - 2;
      if (!this.bricks.includes(true)) this.bricks = wall();
    }
    const lost = low && !caught;
    if (lost) this.dy = 0;
    this.frames = [this.frames[1], this.screen(this.x)];
    return { reward: hit ? 1 : 0, lost, late: !lost && this.steps >= this.maxSteps };
  }

  screen(ball) {
    const pixels = Uint8Array.from(this.bricks, (there) => (there ? BRICK : 0));
    pixels.fill(PADDLE, (SIDE - 1) * SIDE + this.paddle, (SIDE - 1) * SIDE + this.paddle + WIDTH);
    pixels[this.y * SIDE + ball] = BALL;
    return pixels;
  }
}
