// Scenes of shapes that look like those of the data set, so that the detector knows them.
import { iou } from "./boxes.js";

export const REACH = [0.5, 0.62, 0.62, 0.6, 0.58, 0.5]; // radius around each kind, in extents

// Outlines as signed distances, negative inside, in units of the extent.
const [COS, SIN] = [Math.cos(Math.PI / 5), Math.sin(Math.PI / 5)];
const OUTLINES = [
  (u, v) => Math.hypot(u, v) - 0.5,
  (u, v) => Math.max(Math.abs(u), Math.abs(v)) - 0.438,
  (u, v) => Math.max(v, Math.abs(u) * Math.sqrt(0.75) - v * 0.5) - 0.31,
  (u, v) => {
    // Two mirrors fold the plane onto one half of one tip, the upper one.
    let [a, b] = [-v, u];
    for (let fold = 0; fold < 2; fold += 1) {
      b = Math.abs(b);
      const beyond = Math.max(b * COS - a * SIN, 0);
      [a, b] = [a + 2 * SIN * beyond, b - 2 * COS * beyond];
    }
    const [edgeA, edgeB] = [0.3 * SIN, 0.6 - 0.3 * COS];
    return ((a - 0.6) * edgeA + Math.abs(b) * edgeB) / Math.hypot(edgeA, edgeB);
  },
  (u, v) => {
    const [long, short] = [Math.max(Math.abs(u), Math.abs(v)), Math.min(Math.abs(u), Math.abs(v))];
    return Math.max(long - 0.54, short - 0.2);
  },
  (u, v) => Math.abs(Math.hypot(u, v) - 0.35) - 0.15,
];
export const clip = (value) => Math.min(1, Math.max(0, value));

// The picture of a background and the shapes on it, the last one on top.
//   ground   3 x side x side levels of 0 to 255
//   shapes   { kind, x, y, extent, angle, colour: [r, g, b], look: six numbers of 0 to 1 }
//   grain    the camera's noise for each value; the background has its own already
//   returns  { image: of 0 to 1, boxes: of what shows of each shape, null if hardly anything does }
export function paint(ground, shapes, side, grain) {
  const [image, size] = [Float32Array.from(ground).map((level) => level / 255), side * side];
  const [owner, fresh] = [new Int8Array(size).fill(-1), new Float32Array(size)];
  const whole = shapes.map(() => 0);
  shapes.forEach(({ kind, x, y, extent, angle, colour, look }, shape) => {
    const [width, cos, sin] = [extent * side, Math.cos(angle), Math.sin(angle)];
    const reach = REACH[kind] + 1.2 / width;
    for (let place = 0; place < size; place += 1) {
      const du = ((place % side) + 0.5 - x * side) / width;
      const dv = (Math.floor(place / side) + 0.5 - y * side) / width;
      // Beyond its tips, softened by a pixel, there is nothing of it.
      if (du * du + dv * dv > reach * reach) continue;
      const [u, v] = [du * cos + dv * sin, dv * cos - du * sin];
      const cover = clip(0.5 - OUTLINES[kind](u, v) * width);
      if (!cover) continue;
      const light = 0.7 * look[0] * ((2 * look[1] - 1) * du - dv);
      const phase = (2 + 3 * look[3]) * (u * look[4] + v * (1 - look[4]));
      const stripes = Math.abs(phase - Math.round(phase)) - 0.25;
      const shade = 1 + light + 0.8 * Math.max(look[2] - 0.4, 0) * stripes;
      colour.forEach((value, channel) => {
        const at = channel * size + place;
        image[at] += cover * (clip(value * shade) - image[at]);
      });
      fresh[place] += cover * (1 - fresh[place]);
      if (cover > 0.5) [owner[place], whole[shape]] = [shape, whole[shape] + 1];
    }
  });
  const shows = shapes.map(() => 0);
  const edges = shapes.map(() => [side, side, 0, 0]);
  owner.forEach((shape, place) => {
    if (shape < 0) return;
    const [box, column, row] = [edges[shape], place % side, Math.floor(place / side)];
    [box[0], box[1]] = [Math.min(box[0], column), Math.min(box[1], row)];
    [box[2], box[3]] = [Math.max(box[2], column + 1), Math.max(box[3], row + 1)];
    shows[shape] += 1;
  });
  const hidden = (shape) => !shows[shape] || shows[shape] < 0.1 * whole[shape];
  const boxes = edges.map((box, shape) => (hidden(shape) ? null : box));
  const noisy = (value, at) => clip(value + fresh[at % size] * (grain?.[at] ?? 0));
  // In 255 levels, as the data set's pictures are.
  return { image: image.map((value, at) => Math.round(255 * noisy(value, at)) / 255), boxes };
}

// A shape as the data set draws them, where it overlaps the others by little.
export function another(shapes, mean, data, random) {
  const among = (values) => values[Math.floor(random() * values.length)];
  const apart = (colour) => colour.reduce((sum, value, c) => sum + (value - mean[c]) ** 2, 0);
  const square = ({ kind, x, y, extent }, r = REACH[kind] * extent) => [x - r, y - r, x + r, y + r];
  const two = [among(data.colours), among(data.colours)];
  const better = two[apart(two[0]) < apart(two[1]) ? 1 : 0]; // stands out more from the ground
  const shape = {
    kind: Math.floor(random() * data.classes.length),
    angle: (Math.PI / 9) * (2 * random() - 1),
    extent: Math.round(100 * (0.2 + 0.26 * random())) / 100,
    colour: better.map((value) => clip(value + 0.16 * (random() - 0.5))),
    look: Array.from({ length: 6 }, random),
  };
  for (let tried = 0; tried < 60; tried += 1) {
    if (tried % 20 === 19) shape.extent = Math.max(0.2, shape.extent - 0.1);
    const half = REACH[shape.kind] * shape.extent;
    const within = () => half + random() * (1 - 2 * half);
    Object.assign(shape, { x: within(), y: within() });
    if (shapes.every((other) => iou(square(other), square(shape)) < 0.07)) break;
  }
  return shape;
}
