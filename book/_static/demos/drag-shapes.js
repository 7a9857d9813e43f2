// Drag shapes: the chapter's detector looks at a picture that the reader arranges.
import { decode, iou, judge } from "./boxes.js";
import { uniform } from "./numbers.js";
import { REACH, another, clip, paint } from "./shape-scenes.js";
import { button, choice, element, latest, slider, status, surface } from "./widgets.js";

const PAPER = 768; // of the canvas, so that words are sharp on a fine screen
const SHOWN = 384;
const MOST = 8; // shapes: one for each number key
const START = { score: 0.4, overlap: 0.5, scene: 8 }; // a calm scene to begin with
const [EXTENT_LEAST, EXTENT_MOST] = [0.1, 0.8];

// data: { side, strides, classes, colours: [[r, g, b]], grounds: [3 x side x side levels] }
export async function start({ root, data, run, report }) {
  const { side, classes } = data;
  const zoom = PAPER / side;
  const line = status();
  const list = element("ul", { "aria-label": "Boxes and missed shapes" });
  const small = element("canvas", { width: side, height: side }).getContext("2d");
  let scene, shapes, chosen, ground, mean, grain, random;
  let seen = { boxes: [] };
  let levels = [];

  const answer = latest(async () => {
    const now = { ...paint(ground, shapes, side, grain), kinds: shapes.map(({ kind }) => kind) };
    const maps = await run("detector", { data: now.image, dims: [1, 3, side, side] });
    seen = now;
    levels = data.strides.map((stride, k) => {
      return { stride, heat: maps[k], distances: maps[data.strides.length + k] };
    });
    show();
  });

  // What of the maps becomes boxes; the sliders need no new run of the network.
  const show = () => {
    if (!levels.length) return;
    const found = decode(levels, { side, threshold: overlap.value });
    const shown = found.filter((one) => one.score > score.value);
    const there = seen.boxes.flatMap((box, shape) => {
      return box ? [{ box, shape, label: seen.kinds[shape] }] : [];
    });
    const { claims, missed } = judge(shown, there);
    const flat = (values, dims) => ({ data: Float32Array.from(values.flat()), dims });
    report(
      "boxes",
      [
        flat([score.value, overlap.value], [2]),
        flat(there.map(({ box }) => box), [there.length, 4]),
        flat(there.map(({ label }) => label), [there.length]),
      ],
      [
        flat(shown.map(({ box }) => box), [shown.length, 4]),
        flat(shown.map((one) => one.score), [shown.length]),
        flat(shown.map(({ label }) => label), [shown.length]),
        flat(claims, [shown.length]),
      ],
    );
    draw(shown, claims, missed.map((k) => there[k].box));
    const round = (box) => box.map(Math.round);
    const items = shown.map(({ box, label, score: value }, k) => {
      const [left, top, right, bottom] = round(box);
      const claim = there[claims[k]];
      const verdict = claim
        ? `right, shape ${claim.shape + 1}, IoU ${iou(box, claim.box).toFixed(2)}`
        : "false alarm";
      const name = `${classes[label]} ${value.toFixed(2)}`;
      return `${name}: (${left}, ${top}) to (${right}, ${bottom}), ${verdict}`;
    });
    for (const { shape, label } of missed.map((k) => there[k])) {
      items.push(`shape ${shape + 1}, ${classes[label]}: missed`);
    }
    list.replaceChildren(...items.map((text) => element("li", {}, text)));
    const right = claims.filter((claim) => claim >= 0).length;
    const alarms = shown.length - right;
    const boxes = shown.length === 1 ? "1 box" : `${shown.length} boxes`;
    line.say(
      `${boxes}. ${right} of ${there.length} shapes found, ${missed.length} missed, ` +
        `${alarms} false alarm${alarms === 1 ? "" : "s"}.`,
    );
  };

  const draw = (shown, claims, missed) => {
    const context = paper.context;
    const pixels = small.createImageData(side, side);
    for (let place = 0; place < side * side; place += 1) {
      for (let c = 0; c < 3; c += 1) {
        pixels.data[4 * place + c] = Math.round(255 * seen.image[c * side * side + place]);
      }
      pixels.data[4 * place + 3] = 255;
    }
    small.putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(small.canvas, 0, 0, PAPER, PAPER);
    context.textBaseline = "middle";
    const plate = (text, x, y, size, fill, ink) => {
      context.font = `${size}px sans-serif`;
      const [wide, high] = [context.measureText(text).width + 12, size + 8];
      const left = Math.min(Math.max(0, x), PAPER - wide);
      const top = Math.min(Math.max(0, y - high / 2), PAPER - high);
      context.fillStyle = fill;
      context.fillRect(left, top, wide, high);
      context.fillStyle = ink;
      context.fillText(text, left + 6, top + high / 2 + 2);
    };
    // A dark line under each bright one: it shows on any background.
    const frame = (box, colour, dashes) => {
      const [x, y, right, bottom] = box.map((edge) => edge * zoom);
      for (const [style, width] of [["black", 10], [colour, 5]]) {
        Object.assign(context, { strokeStyle: style, lineWidth: width });
        context.setLineDash(dashes); // in its gaps another frame at the same place shows
        context.strokeRect(x, y, right - x, bottom - y);
      }
      context.setLineDash([]);
    };
    missed.forEach((box) => frame(box, "yellow", [5, 10]));
    shown.forEach(({ box }, k) => {
      if (claims[k] < 0) frame(box, "#ff5050", [22, 14]);
      else frame(box, "lime", []);
    });
    missed.forEach(([x, , , y]) => plate("missed", x * zoom, y * zoom, 28, "white", "black"));
    shown.forEach(({ box: [x, top, , bottom], label, score: value }, k) => {
      const y = claims[k] < 0 ? bottom : top;
      plate(`${classes[label]} ${value.toFixed(2)}`, x * zoom, y * zoom, 28, "white", "black");
    });
    shapes.forEach(({ x, y }, k) => {
      const here = k === chosen;
      const [fill, ink] = here ? ["black", "white"] : ["#ffffffb0", "black"];
      plate(here ? `▸${k + 1}` : `${k + 1}`, x * PAPER - 14, y * PAPER, 24, fill, ink);
    });
  };

  // The shape that keys, sliders and the choice act on.
  let choosing = false;
  const choose = (index) => {
    chosen = Math.min(index, shapes.length - 1);
    const shape = shapes[chosen];
    title.textContent = shape ? `Shape ${chosen + 1} of ${shapes.length}` : "No shape";
    for (const { node } of [kind, size]) node.querySelector("select, input").disabled = !shape;
    [removing.disabled, adding.disabled] = [!shape, shapes.length >= MOST];
    choosing = true;
    if (shape) [kind.value, size.value] = [String(shape.kind), shape.extent];
    choosing = false;
    answer();
  };
  const change = (values) => {
    if (choosing || !shapes[chosen]) return;
    Object.assign(shapes[chosen], values);
    answer();
  };
  const move = (x, y) => change({ x: clip(x), y: clip(y) });
  const remove = () => {
    shapes.splice(chosen, 1);
    choose(Math.max(0, chosen));
  };
  const add = () => {
    if (shapes.length < MOST) choose(shapes.push(another(shapes, mean, data, random)) - 1);
  };
  const open = (number) => {
    scene = number;
    random = uniform(Math.imul(scene + 1, 0x9e3779b1)); // near seeds, unlike scenes
    ground = data.grounds[scene % data.grounds.length];
    mean = [0, 1, 2].map((c) => {
      const channel = ground.slice(c * side * side, (c + 1) * side * side);
      return channel.reduce((sum, level) => sum + level, 0) / channel.length / 255;
    });
    const strength = 0.012 + 0.02 * random();
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    grain = Float32Array.from(ground, () => strength * normal());
    shapes = [];
    const count = 2 + Math.floor(3 * random());
    while (shapes.length < count) shapes.push(another(shapes, mean, data, random));
    choose(0);
  };

  const held = { x: 0, y: 0, on: false };
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const paper = surface({
    label:
      "Picture. Number keys choose a shape, arrow keys move it, with Shift further, " +
      "plus and minus change its size, Delete removes it.",
    width: PAPER,
    height: PAPER,
    shown: SHOWN,
    down({ x, y }) {
      const [px, py] = [x / PAPER, y / PAPER];
      const near = shapes.findLastIndex(({ kind: k, x: cx, y: cy, extent }) => {
        return Math.hypot(px - cx, py - cy) < Math.max(0.06, REACH[k] * extent);
      });
      held.on = near >= 0;
      if (!held.on) return;
      choose(near);
      Object.assign(held, { x: shapes[near].x - px, y: shapes[near].y - py });
    },
    move({ x, y }) {
      if (held.on) move(x / PAPER + held.x, y / PAPER + held.y);
    },
    up() {
      held.on = false;
    },
    key(event) {
      const shape = shapes[chosen];
      if (event.key in STEPS && shape) {
        const step = (event.shiftKey ? 8 : 1) / side;
        move(shape.x + STEPS[event.key][0] * step, shape.y + STEPS[event.key][1] * step);
      } else if ("+=-".includes(event.key) && shape) {
        size.value += event.key === "-" ? -0.02 : 0.02;
      } else if (event.key === "Delete" && shape) remove();
      else if (shapes[Number(event.key) - 1]) choose(Number(event.key) - 1);
      else return false;
      return true;
    },
  });
  paper.node.style.imageRendering = "auto"; // the words on it are finer than its pixels

  const title = element("p", { class: "demo-title" });
  const kind = choice({
    label: "Kind",
    options: classes.map((name, k) => [String(k), name]),
    onchange: (value) => change({ kind: Number(value) }),
  });
  const size = slider({
    label: "Size",
    min: EXTENT_LEAST,
    max: EXTENT_MOST,
    step: 0.01,
    value: 0.3,
    format: (value) => `${Math.round(value * side)} px`,
    oninput: (value) => change({ extent: value }),
  });
  const share = (value) => value.toFixed(2);
  const score = slider({
    ...{ label: "Score", min: 0.05, max: 0.95, step: 0.05, value: START.score },
    ...{ format: (value) => `over ${share(value)}`, oninput: () => show() },
  });
  const overlap = slider({
    ...{ label: "NMS IoU", min: 0.1, max: 1, step: 0.05, value: START.overlap },
    ...{ format: (value) => (value < 1 ? share(value) : "off"), oninput: () => show() },
  });
  const removing = button("Remove", remove);
  const adding = button("Add a shape", add);
  const reset = () => {
    [score.value, overlap.value] = [START.score, START.overlap];
    open(START.scene);
  };
  root.append(
    element(
      "div",
      {},
      paper.node,
      element("p", { class: "demo-help" }, "Solid: right. Dashed: false alarm. Dotted: missed."),
      element(
        "div",
        { class: "demo-row" },
        button("Another scene", () => open(scene + 1)),
        button("Reset", reset),
      ),
    ),
    element(
      "div",
      {},
      title,
      element("div", { class: "demo-row" }, kind.node, adding, removing),
      size.node,
      element("p", { class: "demo-title", style: "margin-top: 0.8rem" }, "Boxes to show"),
      score.node,
      overlap.node,
      list,
    ),
    line.node,
  );
  open(START.scene);
}
