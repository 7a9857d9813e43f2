// Boxes of a detector: overlap, suppression of duplicates and decoding, as torchvision and the
// chapter compute them. A box is [left, top, right, bottom] in pixels.
const { fround } = Math; // torchvision computes in float32: a tie must fall to the same side here

const area = ([left, top, right, bottom]) => fround(fround(right - left) * fround(bottom - top));

// Intersection over union of two boxes.
export function iou(a, b) {
  const width = Math.max(0, fround(Math.min(a[2], b[2]) - Math.max(a[0], b[0])));
  const height = Math.max(0, fround(Math.min(a[3], b[3]) - Math.max(a[1], b[1])));
  const common = fround(width * height);
  return fround(common / fround(fround(area(a) + area(b)) - common));
}

// Positions of `values` from the highest to the lowest; equal ones keep their order.
function ranked(values) {
  return Array.from(values, (_, index) => index).sort((i, j) => values[j] - values[i]);
}

// The boxes that stay when each, from the highest score down, removes those that overlap it by
// more than `threshold`: their positions, the highest score first.
export function nms(boxes, scores, threshold) {
  const kept = [];
  for (const index of ranked(scores)) {
    if (kept.every((better) => !(iou(boxes[better], boxes[index]) > threshold))) kept.push(index);
  }
  return kept;
}

// The same, where a box removes those of its own class only.
export function batchedNms(boxes, scores, labels, threshold) {
  const kept = [];
  for (const index of ranked(scores)) {
    const removes = (better) =>
      labels[better] === labels[index] && iou(boxes[better], boxes[index]) > threshold;
    if (!kept.some(removes)) kept.push(index);
  }
  return kept;
}

// The `top` highest local maxima of one level. `heat` is { data, dims: [1, classes, g, g] } with
// probabilities, `distances` { data, dims: [1, 4, g, g] } in units of the stride.
export function peaks(heat, distances, stride, top) {
  const [, classes, g] = heat.dims;
  const found = [];
  for (let label = 0; label < classes; label += 1) {
    for (let row = 0; row < g; row += 1) {
      for (let column = 0; column < g; column += 1) {
        const score = heat.data[(label * g + row) * g + column];
        let highest = true;
        for (let y = Math.max(0, row - 1); y <= Math.min(g - 1, row + 1); y += 1) {
          for (let x = Math.max(0, column - 1); x <= Math.min(g - 1, column + 1); x += 1) {
            if (heat.data[(label * g + y) * g + x] > score) highest = false;
          }
        }
        if (!highest) continue;
        const cell = row * g + column;
        const distance = (side) => distances.data[side * g * g + cell] * stride;
        const [x, y] = [(column + 0.5) * stride, (row + 0.5) * stride];
        const box = [x - distance(0), y - distance(1), x + distance(2), y + distance(3)];
        found.push({ box: box.map(fround), score, label });
      }
    }
  }
  return ranked(found.map(({ score }) => score))
    .slice(0, top)
    .map((index) => found[index]);
}

// What the chapter's `decode` returns for one image: [{ box, score, label }], best first.
//   levels     [{ heat, distances, stride }]
//   threshold  overlap above which a duplicate goes; 1 keeps them all
export function decode(levels, { side, threshold = 0.5, top = 20, least = 0.01 }) {
  const found = levels.flatMap((level) => peaks(level.heat, level.distances, level.stride, top));
  const [boxes, scores, labels] = ["box", "score", "label"].map((key) => found.map((f) => f[key]));
  return batchedNms(boxes, scores, labels, threshold)
    .slice(0, top)
    .map((index) => found[index])
    .filter(({ score }) => score > least)
    .map((one) => ({ ...one, box: one.box.map((edge) => Math.min(side, Math.max(0, edge))) }));
}

// The chapter's `judge`: a detection is right if its class is right and it overlaps an object that
// no better one has claimed by at least a half. Both lists hold { box, label }.
//   returns    { claims: the object of each detection or -1, missed: positions of the others }
export function judge(detections, objects) {
  const missed = new Set(objects.keys());
  const claims = detections.map(({ box, label }) => {
    let [best, most] = [-1, 0.5];
    for (const k of missed) {
      const overlap = objects[k].label === label ? iou(box, objects[k].box) : 0;
      if (overlap >= most && !(best >= 0 && overlap === most)) [best, most] = [k, overlap];
    }
    missed.delete(best);
    return best;
  });
  return { claims, missed: [...missed] };
}
