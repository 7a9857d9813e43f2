// Train a network: the reader chooses data, layers and learning rate, and gradient descent on all
// points runs in the page, with the gradients of mlp.js.
import { MLP, score } from "./mlp.js";
import { button, choice, colours, element, onTheme, slider, status, surface } from "./widgets.js";

const SIDE = 480; // pixels of the plane
const GRID = 45; // places a side at which the network is asked for the shading
const RATES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
const STEPS = 10; // a frame at most
const BUDGET = 9; // milliseconds a frame for them: the rest of its 16 is for drawing
const PATIENCE = 10_000; // steps after which a training pauses by itself
const KEPT = 600; // points of a curve
const CALM = 500; // milliseconds between pictures where the reader wants less motion
const still = matchMedia("(prefers-reduced-motion: reduce)");

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const many = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
const short = (number) => (number < 1e3 ? number.toFixed(3) : number.toExponential(0));
const inWords = (loss) => (Number.isFinite(loss) ? short(loss) : "not a number");

// A run: a network on one set of points, and its losses so far, thinned out as they get many.
function begin({ X, y }, { depth, width, activation }, seed) {
  const network = new MLP([2, ...Array(depth).fill(width), 1], activation, seed);
  const cache = network.forward(X, y.length);
  return { X, y, network, cache, steps: 0, curve: [], stride: 1, ...score(cache.at(-1), y) };
}

function advance(run, rate) {
  if (run.steps % run.stride === 0) run.curve.push(run.loss);
  if (run.curve.length > KEPT) {
    run.curve = run.curve.filter((_, index) => index % 2 === 0);
    run.stride *= 2;
  }
  run.network.backward(run.X, run.y, run.cache);
  run.network.step(rate);
  run.network.forward(run.X, run.y.length, run.cache);
  Object.assign(run, score(run.cache.at(-1), run.y), { steps: run.steps + 1 });
}

// The square of the plane that holds all points, with a margin: its left and top end, its side.
function view(X) {
  const ends = [0, 1].map((axis) => {
    const values = X.filter((_, index) => index % 2 === axis);
    return [Math.min(...values), Math.max(...values)];
  });
  const side = 1.1 * Math.max(...ends.map(([low, high]) => high - low));
  const [x, y] = ends.map(([low, high]) => (low + high) / 2);
  return { left: x - side / 2, top: y + side / 2, side };
}

function places({ left, top, side }) {
  return Float64Array.from({ length: 2 * GRID * GRID }, (_, index) => {
    const at = index >> 1;
    const middle = (number) => (side * (number + 0.5)) / GRID;
    return index % 2 ? top - middle(Math.floor(at / GRID)) : left + middle(at % GRID);
  });
}

// Circles are class 0, squares class 1, as in the chapter's figures.
function drawPoints(context, { X, y }, { left, top, side }) {
  const { background, series } = colours();
  context.clearRect(0, 0, SIDE, SIDE);
  Object.assign(context, { strokeStyle: background, lineWidth: 1.5 });
  y.forEach((label, i) => {
    const [px, py] = [(X[2 * i] - left) / side, (top - X[2 * i + 1]) / side].map((v) => v * SIDE);
    context.fillStyle = series[label];
    context.beginPath();
    if (label) context.rect(px - 5, py - 5, 10, 10);
    else context.arc(px, py, 5.5, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  });
}

// The shading: the surer, the stronger; class 1 is hatched too.
function drawField(context, logits) {
  const pair = colours().series.slice(0, 2).map(rgb);
  const image = context.createImageData(GRID, GRID);
  logits.forEach((z, at) => {
    if (Number.isNaN(z)) return;
    const hatch = z > 0 && (at % GRID) % 3 === Math.floor(at / GRID) % 3 ? 40 : 0;
    const alpha = 15 + 90 * Math.abs(Math.tanh(z / 2)) + hatch;
    image.data.set([...pair[z > 0 ? 1 : 0], alpha], 4 * at);
  });
  context.putImageData(image, 0, 0);
}

// The border, where the logit is 0: in each cell of the grid a line between the sides it crosses.
function traceBorder(context, logits) {
  const cell = SIDE / GRID;
  context.beginPath();
  for (let row = 0; row < GRID - 1; row += 1) {
    for (let column = 0; column < GRID - 1; column += 1) {
      const corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([dx, dy]) => {
        return [column + dx, row + dy, logits[(row + dy) * GRID + column + dx]];
      });
      let started = false;
      corners.forEach(([x, y, z], k) => {
        const [nextX, nextY, next] = corners[(k + 1) % 4];
        if (z > 0 === next > 0) return;
        const part = z / (z - next);
        const to = [x + part * (nextX - x), y + part * (nextY - y)].map((v) => (v + 0.5) * cell);
        started ? context.lineTo(...to) : context.moveTo(...to);
        started = !started;
      });
    }
  }
  Object.assign(context, { strokeStyle: colours().text, lineWidth: 3 });
  context.stroke();
}

// This run's losses, and dashed those of the run before.
function drawCurves(context, run, before) {
  const { width, height } = context.canvas;
  const { text, muted, border, background, accent } = colours();
  const last = Math.max(run.steps, before?.steps ?? 0, 100);
  const losses = [...run.curve, run.loss, ...(before?.curve ?? [])].filter(Number.isFinite);
  const highest = Math.min(10, Math.max(1, ...losses));
  const x = (step) => 50 + ((width - 70) * step) / last;
  const y = (loss) => height - 40 - ((height - 60) * Math.min(loss, 1.2 * highest)) / highest;
  const line = (ends, strokeStyle, lineWidth, dash) => {
    Object.assign(context, { strokeStyle, lineWidth });
    context.setLineDash(dash);
    context.beginPath();
    for (const [step, loss] of ends) if (!Number.isNaN(loss)) context.lineTo(x(step), y(loss));
    context.stroke();
  };
  const losing = ({ curve, stride, steps, loss }) => {
    return [...curve.map((value, index) => [index * stride, value]), [steps, loss]];
  };
  context.fillStyle = background;
  context.fillRect(0, 0, width, height);
  line([[0, highest], [0, 0], [last, 0]], border, 2, []);
  line([[0, Math.LN2], [last, Math.LN2]], border, 2, [4, 6]);
  if (before) line(losing(before), muted, 3, [10, 8]);
  line(losing(run), accent, 4, []);
  Object.assign(context, { fillStyle: text, font: "20px sans-serif", textAlign: "right" });
  for (const mark of [0, highest]) context.fillText(Number(mark.toPrecision(2)), 42, y(mark) + 7);
  context.fillText(`${last.toLocaleString("en")} steps`, width - 20, height - 12);
  context.fillText("0.69: says one half everywhere", width - 24, y(Math.LN2) - 8);
}

// data: { name: { X: the points, flat, y: their classes 0 and 1 }, ... }
export async function start({ root, data, report }) {
  const sets = {};
  for (const [name, { X, y }] of Object.entries(data)) {
    sets[name] = { X: Float64Array.from(X), y: Float64Array.from(y), window: view(X) };
    sets[name].places = places(sets[name].window);
  }
  const names = Object.keys(sets).map((name) => [name, name]);
  const kinds = [["tanh", "tanh"], ["relu", "ReLU"], ["sigmoid", "sigmoid"], ["linear", "linear"]];
  const line = status();
  const numbers = element("p");
  const shape = element("p", { class: "demo-help" });
  const gradients = element("p", { class: "demo-help" });
  for (const node of [numbers, gradients]) node.style.fontVariantNumeric = "tabular-nums";
  const plane = surface({ label: "", width: SIDE, height: SIDE, shown: 400 });
  const chart = surface({ label: "", width: SIDE, height: 220, shown: 480 });
  for (const { node } of [plane, chart]) node.style.imageRendering = "auto";
  const layer = (side) => element("canvas", { width: side, height: side }).getContext("2d");
  const [field, points] = [layer(GRID), layer(SIDE)];

  let [seed, run, before, field0] = [1, null, null, null];
  let [running, since, drawn] = [false, 0, 0];
  const rate = () => RATES[speed.value];
  const finite = () => Number.isFinite(run.loss);

  const paint = () => {
    const { places: asked } = sets[set.value];
    field0 = run.network.forward(asked, GRID * GRID, field0 ?? undefined);
    drawField(field, field0.at(-1));
    const { context } = plane;
    context.fillStyle = colours().background;
    context.fillRect(0, 0, SIDE, SIDE);
    context.drawImage(field.canvas, 0, 0, SIDE, SIDE);
    traceBorder(context, field0.at(-1));
    context.drawImage(points.canvas, 0, 0);
    drawCurves(chart.context, run, before);
  };
  const show = () => {
    const { steps, loss, accuracy, network } = run;
    drawn = performance.now();
    paint();
    const right = finite() ? accuracy.toFixed(3) : "none";
    numbers.textContent = `Step ${steps}, loss ${inWords(loss)}, accuracy ${right}`;
    const sizes = network.layers.map(({ dW }) => {
      return Math.sqrt(dW.reduce((sum, g) => sum + g * g, 0) / dW.length);
    });
    const list = sizes.map((size) => (Number.isFinite(size) ? size.toExponential(0) : "–"));
    gradients.textContent = steps ? `Gradient, first to last layer: ${list.join(", ")}` : "";
    const told = { data: Float64Array.of(steps, loss, accuracy), dims: [3] };
    report("network", [{ data: network.parameters, dims: [network.size] }], [told]);
  };
  // What the reader is told when a training stands still.
  const verdict = () => {
    const { steps, loss, accuracy, cache, first, y } = run;
    if (!finite()) {
      const told = `After ${many(steps, "step")} the loss is no longer a number`;
      return `${told}: the weights ran away. Choose a smaller learning rate and press Reset.`;
    }
    const right = Math.round(accuracy * y.length);
    const share = `loss ${short(loss)}, ${right} of ${y.length} points right.`;
    if (!steps) return `Not trained yet: ${share}`;
    const logits = cache.at(-1);
    const same = Math.max(...logits) - Math.min(...logits) < 0.1;
    const more = same ? " It says about the same of every point." : "";
    const grown = loss > Math.max(1, 1.5 * first) ? " It has grown: the steps are too large." : "";
    return `After ${many(steps, "step")}: ${share}${more}${grown}`;
  };
  const rest = (extra = "") => {
    running = false;
    train.textContent = "Train";
    show();
    line.say(extra + verdict());
    const seen = "Circles are class 0, squares class 1; shaded is what the network says.";
    plane.node.setAttribute("aria-label", `The plane of ${set.value}. ${seen} ${verdict()}`);
    chart.node.setAttribute("aria-label", `Loss over steps, now ${inWords(run.loss)}`);
  };
  const reset = () => {
    if (run?.steps > 1) before = run;
    const wanted = { depth: depth.value, width: width.value, activation: activation.value };
    run = begin(sets[set.value], wanted, seed);
    run.first = run.loss;
    field0 = null;
    width.node.querySelector("input").disabled = !depth.value;
    activation.node.querySelector("select").disabled = !depth.value;
    const { layers, size } = run.network;
    const flow = [2, ...layers.map(({ outputs }) => outputs)].join(" → ");
    shape.textContent = `Network ${flow}, ${many(size, "parameter")}`;
    rest();
  };
  const frame = () => {
    if (!running) return;
    const started = performance.now();
    const late = () => performance.now() - started > BUDGET;
    for (let step = 0; step < STEPS && finite() && !late(); step += 1) advance(run, rate());
    if (!finite()) return rest();
    if (run.steps - since >= PATIENCE) return rest("This has gone on for long. ");
    if (!still.matches || started - drawn > CALM) show();
    requestAnimationFrame(frame);
  };
  const toggle = () => {
    if (running || !finite()) return rest();
    [running, since] = [true, run.steps];
    train.textContent = "Pause";
    line.say("Training.");
    requestAnimationFrame(frame);
  };
  const once = () => {
    if (finite()) advance(run, rate());
    rest();
  };
  const another = () => {
    seed += 1;
    reset();
  };
  const repaint = () => {
    drawPoints(points, sets[set.value], sets[set.value].window);
    if (run) paint();
  };

  const set = choice({
    label: "Data",
    options: names,
    onchange() {
      before = run = null;
      repaint();
      reset();
    },
  });
  const whole = (label, min, max, value, format) => {
    return slider({ label, min, max, step: 1, value, format, oninput: reset });
  };
  const depth = whole("Hidden layers", 0, 4, 1, String);
  const width = whole("Width", 1, 16, 8, (number) => many(number, "unit"));
  const activation = choice({ label: "Activation", options: kinds, onchange: reset });
  const speed = slider({
    label: "Learning rate",
    ...{ min: 0, max: RATES.length - 1, step: 1, value: RATES.indexOf(0.5) },
    format: (index) => String(RATES[index]),
  });
  const train = button("Train", toggle);
  train.style.minWidth = "4.7em"; // for both of its words
  const controls = [depth, width, speed].map(({ node }) => node);
  for (const node of controls) node.querySelector("input").style.flexBasis = "4rem";
  const row = (...nodes) => element("div", { class: "demo-row" }, ...nodes);
  root.append(
    element(
      "div",
      {},
      row(train, button("Step", once), button("Reset", reset), button("New weights", another)),
      plane.node,
    ),
    element(
      "div",
      {},
      row(set.node, activation.node),
      ...controls,
      shape,
      numbers,
      chart.node,
      gradients,
    ),
    line.node,
  );
  onTheme(repaint);
  repaint();
  reset();
}
