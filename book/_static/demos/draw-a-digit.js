// Draw a digit: every network of the chapter answers, and shows which pixels its answer rests on.
import { softmax } from "./numbers.js";
import { bars, button, colours, element, latest, onTheme, status, surface } from "./widgets.js";

const SIDE = 28; // pixels of the image that the networks see
const PAPER = 280; // of the canvas that is drawn on
const PEN = 22;
const BOX = 21; // a digit's longer side in the image, as in the training set
const FAINT = 64; // of 255: fainter ink is dust, and does not count for the size
const PATCH = 4; // side of the squares that are blanked to see what an answer rests on

// Makes of the paper an image like those of the training set: light ink on black, the digit's longer
// side BOX pixels, its centre of mass in the middle, as in MNIST (Y. LeCun et al., 1998).
export function normalised(paper) {
  const { data } = paper.getContext("2d").getImageData(0, 0, PAPER, PAPER);
  let [left, top, right, bottom] = [PAPER, PAPER, -1, -1];
  let [mass, sumX, sumY] = [0, 0, 0];
  for (let y = 0; y < PAPER; y += 1) {
    for (let x = 0; x < PAPER; x += 1) {
      const ink = data[4 * (y * PAPER + x) + 3];
      if (ink < FAINT) continue;
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
      mass += ink;
      sumX += ink * x;
      sumY += ink * y;
    }
  }
  const image = new Float32Array(SIDE * SIDE);
  if (!mass) return image;
  const scale = BOX / Math.max(right - left + 1, bottom - top + 1);
  const small = element("canvas", { width: SIDE, height: SIDE }).getContext("2d");
  small.imageSmoothingQuality = "high";
  small.translate(SIDE / 2, SIDE / 2);
  small.scale(scale, scale);
  small.drawImage(paper, -sumX / mass, -sumY / mass);
  const pixels = small.getImageData(0, 0, SIDE, SIDE).data;
  return image.map((_, index) => pixels[4 * index + 3] / 255);
}

// How much of the winner's log-probability each square of the image carries: the image is answered
// again with one square blanked at a time.
async function importance(run, title, image, answer) {
  const across = SIDE / PATCH;
  const batch = new Float32Array(across * across * SIDE * SIDE);
  for (let patch = 0; patch < across * across; patch += 1) {
    const [row, column] = [Math.floor(patch / across) * PATCH, (patch % across) * PATCH];
    batch.set(image, patch * SIDE * SIDE);
    for (let y = row; y < row + PATCH; y += 1) {
      const start = patch * SIDE * SIDE + y * SIDE + column;
      batch.fill(0, start, start + PATCH);
    }
  }
  const [scores] = await run(title, { data: batch, dims: [across * across, 1, SIDE, SIDE] });
  const winner = answer.indexOf(Math.max(...answer));
  return Array.from({ length: across * across }, (_, patch) => {
    const blanked = softmax(scores.data.subarray(10 * patch, 10 * patch + 10));
    return Math.log(answer[winner] + 1e-9) - Math.log(blanked[winner] + 1e-9);
  });
}

// The image, and over it the squares that spoke for the answer (blue) and against it (orange).
function paint(context, image, weights) {
  const { background, text, series } = colours();
  context.fillStyle = background;
  context.fillRect(0, 0, SIDE, SIDE);
  const largest = Math.max(0.1, ...weights.map(Math.abs));
  weights.forEach((weight, patch) => {
    const across = SIDE / PATCH;
    context.globalAlpha = (0.75 * Math.abs(weight)) / largest;
    context.fillStyle = series[weight > 0 ? 0 : 1];
    context.fillRect((patch % across) * PATCH, Math.floor(patch / across) * PATCH, PATCH, PATCH);
  });
  context.fillStyle = text;
  image.forEach((ink, index) => {
    context.globalAlpha = 0.8 * ink;
    context.fillRect(index % SIDE, Math.floor(index / SIDE), 1, 1);
  });
  context.globalAlpha = 1;
}

// data: { models: the titles in the order to show, examples: one 28 x 28 image a digit, flat }
export async function start({ root, data, run }) {
  const line = status();
  const penLine = status(); // beside the paper: a mark on it would be ink
  const panels = data.models.map((title) => {
    const chart = bars({ title, labels: [..."0123456789"] });
    const view = surface({ label: "", width: SIDE, height: SIDE, shown: 112 });
    return { title, chart, view, weights: [] };
  });
  let image = new Float32Array(SIDE * SIDE);
  const repaint = () => {
    panels.forEach(({ view, weights }) => paint(view.context, image, weights));
    paper.node.style.background = colours().background;
    drawing.strokeStyle = colours().text;
  };

  const answer = latest(async () => {
    const answers = [];
    for (const panel of panels) {
      const [scores] = await run(panel.title, { data: image, dims: [1, 1, SIDE, SIDE] });
      panel.answer = softmax(scores.data);
      panel.chart.update(panel.answer);
      panel.weights = [];
      answers.push(`${panel.title}: ${panel.answer.indexOf(Math.max(...panel.answer))}`);
    }
    line.say(`${answers.join(", ")}.`);
    repaint();
    explain();
  });
  // The pixels that mattered: fifty times the work, so only when the pen rests.
  let rest;
  const explain = () => {
    clearTimeout(rest);
    rest = setTimeout(async () => {
      if (!image.some(Boolean)) return;
      const asked = image;
      for (const panel of panels) {
        const weights = await importance(run, panel.title, asked, panel.answer);
        if (asked !== image) return;
        panel.weights = weights;
        const digit = panel.answer.indexOf(Math.max(...panel.answer));
        const label = `The image as the network ${panel.title} sees it; blue squares speak for ${digit}`;
        panel.view.node.setAttribute("aria-label", label);
      }
      repaint();
    }, 250);
  };

  // Pointer and keyboard move one pen.
  const pen = { x: PAPER / 2, y: PAPER / 4, held: false };
  const stroke = (x, y) => {
    drawing.beginPath();
    drawing.moveTo(pen.x, pen.y);
    drawing.lineTo(x, y);
    drawing.stroke();
    Object.assign(pen, { x, y });
    image = normalised(paper.node);
    answer();
  };
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const paper = surface({
    label: "Paper. Arrow keys move the pen, Space puts it down or lifts it, Delete clears.",
    width: PAPER,
    height: PAPER,
    shown: PAPER,
    down({ x, y }) {
      Object.assign(pen, { x, y });
      stroke(x, y);
    },
    move: ({ x, y }) => stroke(x, y),
    key(event) {
      if (event.key === " ") {
        pen.held = !pen.held;
        if (pen.held) stroke(pen.x, pen.y);
        mark();
      } else if (event.key in STEPS) {
        const [dx, dy] = STEPS[event.key];
        const x = Math.min(PAPER, Math.max(0, pen.x + 14 * dx));
        const y = Math.min(PAPER, Math.max(0, pen.y + 14 * dy));
        if (pen.held) stroke(x, y);
        else Object.assign(pen, { x, y });
        mark();
      } else if (event.key === "Delete") clear();
      else return false;
      return true;
    },
  });
  const drawing = paper.context;
  Object.assign(drawing, { lineWidth: PEN, lineCap: "round", lineJoin: "round" });
  const mark = () => {
    const percent = (value) => Math.round((100 * value) / PAPER);
    penLine.say(`Pen ${pen.held ? "down" : "up"} at ${percent(pen.x)} %, ${percent(pen.y)} %.`);
  };

  const clear = () => {
    drawing.clearRect(0, 0, PAPER, PAPER);
    image = normalised(paper.node);
    answer();
  };
  let shown = 0;
  const example = () => {
    drawing.clearRect(0, 0, PAPER, PAPER);
    drawing.fillStyle = colours().text;
    data.examples[shown].forEach((ink, index) => {
      drawing.globalAlpha = ink;
      drawing.fillRect((index % SIDE) * 10, Math.floor(index / SIDE) * 10, 10, 10);
    });
    drawing.globalAlpha = 1;
    image = Float32Array.from(data.examples[shown]);
    shown = (shown + 1) % data.examples.length;
    answer();
  };

  root.append(
    element(
      "div",
      {},
      paper.node,
      element("div", { class: "demo-row" }, button("Clear", clear), button("An example", example)),
      element("p", { class: "demo-help" }, "Draw with mouse, finger or arrow keys and Space."),
      penLine.node,
    ),
    element(
      "div",
      { class: "demo-columns" },
      ...panels.map(({ chart, view }) => element("div", {}, chart.node, view.node)),
    ),
    line.node,
  );
  onTheme(repaint);
  repaint();
  example();
}
