// How a scene is painted and how its classes are shown: for paint-a-scene.js.

const [SIN, COS] = [Math.sin(Math.PI / 5), Math.cos(Math.PI / 5)];

// The shapes of d2lcourse/data/shape_painting.py: signed distances to the outline, negative inside,
// in units of the shape's size.
export const SHAPES = {
  circle: (u, v) => Math.hypot(u, v) - 0.5,
  square: (u, v) => Math.max(Math.abs(u), Math.abs(v)) - 0.438,
  triangle: (u, v) => Math.max(v, Math.abs(u) * Math.sqrt(0.75) - v / 2) - 0.31,
  star(across, down) {
    // Mirrors at 36 and 0 degrees fold the plane onto one half of one tip, the upper one.
    let [u, v] = [-down, across];
    for (let mirror = 0; mirror < 2; mirror += 1) {
      v = Math.abs(v);
      const beyond = Math.max(v * COS - u * SIN, 0);
      [u, v] = [u + 2 * SIN * beyond, v - 2 * COS * beyond];
    }
    const [edgeU, edgeV] = [0.3 * SIN, 0.6 - 0.3 * COS];
    return ((u - 0.6) * edgeU + Math.abs(v) * edgeV) / Math.hypot(edgeU, edgeV);
  },
  cross(u, v) {
    const [a, b] = [Math.abs(u), Math.abs(v)];
    return Math.max(Math.max(a, b) - 0.54, Math.min(a, b) - 0.2);
  },
  ring: (u, v) => Math.abs(Math.hypot(u, v) - 0.35) - 0.15,
};

// A factor for the colour: light from one side, and stripes that turn with the shape. In the data
// they differ from shape to shape; here they are always the same.
function shade([across, down, u, v]) {
  const phase = 3.5 * (0.4 * u + 0.6 * v);
  const stripes = Math.abs(phase - Math.round(phase)) - 0.25;
  return 1 + 0.42 * (0.4 * across - down) + 0.4 * stripes;
}

function distanceToSegment(x, y, from, to) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const along = ((x - from.x) * dx + (y - from.y) * dy) / (dx * dx + dy * dy || 1);
  const part = Math.min(1, Math.max(0, along));
  return Math.hypot(x - from.x - part * dx, y - from.y - part * dy);
}

// A painting of side x side pixels and the one tool over it; images are bytes, (3, side, side).
export function painting(side) {
  const area = side * side;
  const covered = new Float32Array(area); // how much of each pixel the held tool has covered
  let before; // the image without what the held tool has painted

  // Where a pixel lies in the units of what is painted: upright, and turned with it.
  const within = (x, y) => {
    const brush = self.shape === "brush";
    const [size, left, top] = brush ? [side, side / 2, side / 2] : [self.size, self.x, self.y];
    const [across, down] = [(x - left) / size, (y - top) / size];
    const angle = brush ? 0 : (self.turn * Math.PI) / 180;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    return [across, down, across * cos + down * sin, down * cos - across * sin];
  };
  const lay = (from) => {
    for (let at = 0; at < area; at += 1) {
      const [x, y] = [(at % side) + 0.5, Math.floor(at / side) + 0.5];
      const share = Math.min(1, Math.max(0, 0.5 - self.distance(x, y, from)));
      if (!share) continue;
      covered[at] = Math.max(covered[at], share);
      const factor = self.textured ? shade(within(x, y)) : 1;
      for (let place = at, c = 0; c < 3; place += area, c += 1) {
        const paint = Math.min(1, Math.max(0, self.colour?.[c] * factor)) * 255;
        const over = self.colour ? paint : self.ground[place];
        self.image[place] = before[place] + covered[at] * (over - before[place]);
      }
    }
  };

  const self = {
    shape: "brush", // or a key of SHAPES
    size: 1,
    turn: 0, // degrees
    colour: null, // red, green and blue from 0 to 1; null brings back the ground
    textured: true,
    x: side / 2,
    y: side / 2,
    held: false,
    image: null,
    ground: null,
    // The distance in pixels from the outline of what the tool paints, coming from another place.
    distance(x, y, from = self) {
      if (self.shape === "brush") return distanceToSegment(x, y, from, self) - self.size / 2;
      const [, , u, v] = within(x, y);
      return self.size * SHAPES[self.shape](u, v);
    },
    // A held brush leaves a stroke, a held shape goes along.
    move(x, y) {
      const from = { x: self.x, y: self.y };
      Object.assign(self, { x, y });
      if (!self.held) return;
      if (self.shape !== "brush") {
        self.image.set(before);
        covered.fill(0);
      }
      lay(from);
    },
    press(x, y) {
      before = self.image.slice();
      covered.fill(0);
      Object.assign(self, { x, y, held: true });
      self.move(x, y);
    },
  };
  return self;
}

// A class has a colour (after M. Okabe and K. Ito) and a pattern of dark lines; the first one,
// background, is dark and plain.
const INKS = ["#20242a", "#56b4e9", "#e69f00", "#cc79a7", "#f0e442", "#009e73", "#d55e00"].map(
  (ink) => [1, 3, 5].map((start) => parseInt(ink.slice(start, start + 2), 16)),
);
const LINES = [
  () => false,
  (x, y) => x % 8 < 3 && y % 8 < 3,
  (x, y) => x % 16 < 2 || y % 16 < 2,
  (x, y) => (x + y) % 16 < 3,
  (x) => x % 16 < 3,
  (x, y) => y % 16 < 3,
  (x, y) => (x - y + 1600) % 16 < 3,
];

// Fills width x height canvas pixels: what is below, covered by the colours of the classes.
export function cover(context, width, height, opacity, classOf, below = () => 0) {
  const picture = context.createImageData(width, height);
  const { data } = picture;
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 4) {
      const kind = classOf(x, y);
      const dark = LINES[kind](x, y) ? 0.4 : 1;
      for (let c = 0; c < 3; c += 1) {
        const under = below(x, y, c);
        data[at + c] = under + opacity * (dark * INKS[kind][c] - under);
      }
      data[at + 3] = 255;
    }
  }
  context.putImageData(picture, 0, 0);
}
