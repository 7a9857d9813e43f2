// Explore latent space: a code and the picture that the generator makes of it, moved along a few
// directions, and the pictures between two codes. The chapter's judge says in words what they show.
import { softmax } from "./numbers.js";
import { bars, button, choice, element, latest, slider, status, surface } from "./widgets.js";

const STRIP = 9; // pictures from A to B
const MIDDLE = 0.5;
const FIRST = 12; // the code at opening: from here to the next one the walk is a clear one

// Normal numbers from a seed, the same in every browser: xorshift (G. Marsaglia, 2003) gives the
// uniform ones, the Box-Muller transform makes normal ones of them.
export function gaussians(seed, count) {
  let state = Math.imul(seed, 0x9e3779b1) || 1;
  const uniform = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 0.5) / 2 ** 32; // never 0, whose logarithm would be infinite
  };
  for (let skipped = 0; skipped < 8; skipped += 1) uniform(); // a small seed has few bits set
  const numbers = [];
  while (numbers.length < count) {
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    numbers.push(radius * Math.cos(angle), radius * Math.sin(angle));
  }
  return numbers.slice(0, count);
}

const dot = (a, b) => a.reduce((sum, value, index) => sum + value * b[index], 0);
export const length = (a) => Math.sqrt(dot(a, a));
const mix = (a, b, s, t) => a.map((value, index) => s * value + t * b[index]);

export const straight = (a, b, t) => mix(a, b, 1 - t, t);

// The direction turns at an even rate, the length changes evenly: no code on the way is shorter
// than both ends.
export function sphere(a, b, t) {
  const [first, last] = [length(a), length(b)];
  const angle = Math.acos(Math.min(1, Math.max(-1, dot(a, b) / (first * last))));
  if (Math.sin(angle) < 1e-6) return straight(a, b, t); // the same or opposite: no way to turn
  const reach = ((1 - t) * first + t * last) / Math.sin(angle);
  const [s, r] = [Math.sin((1 - t) * angle), Math.sin(t * angle)];
  return mix(a, b, (reach * s) / first, (reach * r) / last);
}

const PATHS = { straight, sphere };

// From -1 to 1 in the generator's output, from black to white on the screen.
export function paint(context, image, side) {
  const pixels = context.createImageData(side, side);
  image.forEach((value, index) => {
    const grey = Math.round(127.5 * (value + 1));
    pixels.data.set([grey, grey, grey, 255], 4 * index);
  });
  context.putImageData(pixels, 0, 0);
}

// data: { side, of the pictures; directions, orthonormal, a few of the code's space }
export async function start({ root, data, run }) {
  const { side, directions } = data;
  const size = directions[0].length;
  const made = (shown) => surface({ label: "", width: side, height: side, shown });

  // The pictures of some codes, and what the judge sees in each.
  async function answer(codes) {
    const flat = Float32Array.from(codes.flat());
    const [images] = await run("generator", { data: flat, dims: [codes.length, size] });
    const [scores] = await run("judge", images);
    return codes.map((code, index) => {
      const chances = softmax(scores.data.subarray(10 * index, 10 * index + 10));
      const sure = Math.max(...chances);
      const image = images.data.subarray(side * side * index, side * side * (index + 1));
      return { code, image, chances, sure, digit: chances.indexOf(sure) };
    });
  }
  const words = ({ digit, sure }) => `${digit === 8 ? "an" : "a"} ${digit} (${sure.toFixed(2)})`;
  const show = (view, found) => {
    paint(view.context, found.image, side);
    view.node.setAttribute("aria-label", `Made picture; the judge sees ${words(found)}`);
  };

  // Part one: one code.
  let here; // { code, name, moved }
  const picture = made(200);
  const chart = bars({ title: "What the judge sees", labels: [..."0123456789"] });
  const line = status();
  const explore = latest(async () => {
    const [found] = await answer([here.code]);
    show(picture, found);
    chart.update(found.chances);
    line.say(`${title(here)}: the judge sees ${words(found)}. Length ${format(found.code)}.`);
  });
  const format = (code) => length(code).toFixed(1);
  const title = ({ name, moved }) => `Code ${name}${moved ? ", moved" : ""}`;

  // A slider shows a coordinate of the code, rounded; the code changes only when it is moved.
  let placing = false;
  const sliders = directions.map((direction, index) => {
    return slider({
      label: `Direction ${index + 1}`,
      min: -4,
      max: 4,
      step: 0.1,
      value: 0,
      format: (value) => value.toFixed(1),
      oninput(value) {
        if (placing) return;
        const code = mix(here.code, direction, 1, value - dot(here.code, direction));
        here = { ...here, code, moved: true };
        explore();
      },
    });
  });
  const drawn = (name) => ({ code: gaussians(name, size), name, moved: false });
  const go = (name) => {
    here = drawn(name);
    placing = true;
    sliders.forEach((one, index) => (one.value = dot(here.code, directions[index])));
    placing = false;
    explore();
  };

  // Part two: from A to B.
  const ends = {};
  const between = made(120);
  const walked = status();
  const at = (t) => PATHS[path.value](ends.A.code, ends.B.code, t);
  const cells = Array.from({ length: STRIP }, () => {
    const view = made(72);
    const [digit, sure, reach] = ["b", "span", "span"].map((tag) => element(tag));
    for (const text of [digit, sure, reach]) text.style.display = "block";
    const node = element("li", {}, view.node, digit, sure, reach);
    node.style.minWidth = "0";
    return { view, node, digit, sure, reach };
  });
  const walk = latest(async () => {
    const found = await answer(cells.map((_, index) => at(index / (STRIP - 1))));
    cells.forEach((cell, index) => {
      show(cell.view, found[index]);
      cell.digit.textContent = found[index].digit;
      cell.sure.textContent = found[index].sure.toFixed(2);
      cell.reach.textContent = format(found[index].code);
    });
  });
  const stop = latest(async () => {
    const t = time.value;
    const [found] = await answer([at(t)]);
    show(between, found);
    const { A, B } = ends;
    walked.say(
      `A is ${title(A).toLowerCase()}; B is ${title(B).toLowerCase()}. ` +
        `At t = ${t.toFixed(2)} the judge sees ${words(found)}. Length of the code: ` +
        `A ${format(A.code)}, here ${format(found.code)}, B ${format(B.code)}.`,
    );
  });
  const rewalk = () => {
    if (placing) return;
    walk();
    stop();
  };
  const path = choice({
    label: "Path",
    options: [
      ["straight", "straight line"],
      ["sphere", "along the sphere"],
    ],
    onchange: rewalk,
  });
  const time = slider({
    label: "t, from A to B",
    min: 0,
    max: 1,
    step: 0.01,
    value: MIDDLE,
    format: (value) => value.toFixed(2),
    oninput: () => placing || stop(),
  });
  const keep = (end) => {
    ends[end] = here;
    rewalk();
  };
  const reset = () => {
    placing = true;
    path.value = "straight";
    time.value = MIDDLE;
    placing = false;
    Object.assign(ends, { A: drawn(FIRST), B: drawn(FIRST + 1) });
    go(FIRST);
    rewalk();
  };

  // Label, slider and number in one line, on a phone too.
  for (const { node } of [...sliders, time]) {
    Object.assign(node.querySelector("input").style, { flex: "1 1 5rem", minWidth: "5rem" });
  }
  const strip = element("ol", { "aria-label": "From A to B" }, ...cells.map(({ node }) => node));
  Object.assign(strip.style, {
    display: "grid",
    gridTemplateColumns: `repeat(${STRIP}, 1fr)`,
    gap: "2px",
    margin: "0.5rem 0",
    padding: "0",
    listStyle: "none",
    fontSize: "clamp(0.7rem, 2.2vw, 0.8rem)",
    textAlign: "center",
  });
  between.node.style.flex = "0 0 120px";
  const row = (...children) => element("div", { class: "demo-row" }, ...children);
  const legend = "Below each: what the judge sees, how sure it is, the length of the code.";
  const next = button("New code", () => go(here.name + 1));
  const column = (flex, ...children) => {
    const node = element("div", {}, ...children);
    node.style.flex = flex;
    return node;
  };
  root.append(
    column("0 1 206px", picture.node, row(next, button("Reset", reset))),
    column("2 1 16rem", ...sliders.map((one) => one.node), line.node),
    column("1 1 10rem", chart.node),
    element(
      "div",
      { class: "demo-wide" },
      element("p", { class: "demo-title" }, "From A to B"),
      row(
        button("Use this code as A", () => keep("A")),
        button("Use this code as B", () => keep("B")),
      ),
      row(between.node, column("1 1 14rem", path.node, time.node, walked.node)),
      strip,
      element("p", { class: "demo-help" }, legend),
    ),
  );
  reset();
}
