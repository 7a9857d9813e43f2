// Edit a kernel: what nine weights make of a photo, and the nine products behind each pixel.
import { button, checkbox, choice, element, status, surface } from "./widgets.js";

const START = "vertical edges";
const LIMIT = 100; // a weight's largest size
const SIDE_BY_SIDE = "display: flex; gap: 1rem";
const GRID = "display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.4rem; max-width: 16rem";
const LOOK = [37, 103]; // where the demo opens: the left side of the tower

// The nine pixels whose upper left one is (top, left); null outside the photo.
function patch(photo, side, top, left) {
  const pixels = new Array(9);
  for (let i = 0; i < 9; i += 1) {
    const [y, x] = [top + Math.floor(i / 3), left + (i % 3)];
    const inside = x >= 0 && y >= 0 && x < side && y < side;
    pixels[i] = inside ? photo[y * side + x] : null;
  }
  return pixels;
}

// The feature map, as torch.nn.functional.conv2d computes it: the kernel is not flipped.
export function convolve(photo, side, kernel, bias, { stride, padding, relu }) {
  const across = Math.floor((side + 2 * padding - 3) / stride) + 1;
  const map = new Float32Array(across * across);
  for (let row = 0; row < across; row += 1) {
    for (let column = 0; column < across; column += 1) {
      const pixels = patch(photo, side, row * stride - padding, column * stride - padding);
      let sum = bias;
      for (let i = 0; i < 9; i += 1) sum += pixels[i] * kernel[i]; // null counts as zero
      map[row * across + column] = relu ? Math.max(0, sum) : sum;
    }
  }
  return { map, across };
}

// The values that are black and white: the photo's own, or as far below zero as above it.
function ends(map, levels) {
  if (levels === "photo") return [0, 255];
  const largest = map.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  return [-largest, largest];
}

function paint(context, values, side, [black, white]) {
  const image = context.createImageData(side, side);
  values.forEach((value, index) => {
    const grey = (255 * (value - black)) / (white - black); // the array rounds and clips
    image.data.set([grey, grey, grey, 255], 4 * index);
  });
  context.putImageData(image, 0, 0);
}

const text = (value) => String(Math.round(1000 * value) / 1000).replace("-", "−");
const bracketed = (value) => (value < 0 ? `(${text(value)})` : text(value));

// A picture, its caption, and a frame that shows a place in it. The frame is no ink on the canvas.
function picture(title, canvas) {
  canvas.style.border = "0";
  const frame = element("div", { "aria-hidden": "true" });
  frame.style.cssText =
    "position: absolute; pointer-events: none; outline: 2px solid #ffffff;" +
    "box-shadow: 0 0 0 4px #005a8f";
  const holder = element("div", { style: "position: relative; margin: 0.4rem 0" }, canvas, frame);
  const caption = element("p", { class: "demo-help" });
  const heading = element("p", { class: "demo-title" }, title);
  const style = "flex: 1 1 0; min-width: 0; max-width: 20rem";
  return { node: element("div", { style }, heading, holder, caption), holder, frame, caption };
}

function place(frame, side, top, left, size) {
  // At the photo's edge a part of the patch lies outside: the frame stays inside.
  const [bottom, right] = [Math.min(side, top + size), Math.min(side, left + size)];
  [top, left] = [Math.max(0, top), Math.max(0, left)];
  const percent = (pixels) => `${(100 * pixels) / side}%`;
  const [width, height] = [percent(right - left), percent(bottom - top)];
  Object.assign(frame.style, { top: percent(top), left: percent(left), width, height });
}

// A field for a number. Whatever is no number between the limits is told and changes nothing.
function field(label, { changed, refused, limit }) {
  const node = element("input", { type: "number", step: "any", "aria-label": label });
  node.style.cssText =
    "width: 100%; min-height: 2.4rem; padding: 0.2rem 0.3rem; font: inherit; text-align: right;" +
    "border: 1px solid var(--pst-color-text-muted); border-radius: 0.3rem;" +
    "background: var(--pst-color-background); color: var(--pst-color-text-base)";
  const made = { node, value: 0 };
  made.set = (value) => {
    made.value = Math.fround(value); // what a float32 tensor holds of it
    node.value = value;
    node.removeAttribute("aria-invalid");
  };
  node.addEventListener("input", () => {
    const value = node.valueAsNumber;
    const valid = Number.isFinite(value) && Math.abs(value) <= limit;
    node.setAttribute("aria-invalid", !valid);
    if (!valid) {
      refused(`${label} needs a number from −${limit} to ${limit}; ${text(made.value)} stays.`);
    } else {
      made.value = Math.fround(value);
      changed();
    }
  });
  node.addEventListener("blur", () => {
    if (node.getAttribute("aria-invalid") === "true") made.set(Number(made.value.toPrecision(7)));
  });
  return made;
}

// data: { photo: the grey levels 0 to 255 of a square photo, row by row,
//         kernels: { name: three rows of three weights } }
export function start({ root, data, report }) {
  const side = Math.sqrt(data.photo.length);
  const photo = Float32Array.from(data.photo);
  const line = status();
  const at = { row: 0, column: 0 }; // the pixel of the map that is looked at
  let result = null;

  const own = () => {
    presets.node.querySelector("select").value = "own";
    update();
  };
  const weights = Array.from({ length: 9 }, (_, i) => {
    const label = `Weight in row ${Math.floor(i / 3)}, column ${i % 3}`;
    return field(label, { changed: own, refused: line.say, limit: LIMIT });
  });
  const bias = field("Bias", { changed: () => update(), refused: line.say, limit: 1000 });
  const options = Object.keys(data.kernels).map((name) => [name, name]);
  const presets = choice({
    label: "Kernel",
    options: [...options, ["own", "your own"]],
    value: START,
    onchange(name) {
      if (name !== "own") take(name);
      update();
    },
  });
  const onchange = () => update();
  const relu = checkbox({ label: "ReLU", onchange });
  Object.assign(relu.node.querySelector("input").style, { width: "1.5rem", height: "1.5rem" });
  const among = (label, ...options) => choice({ label, options, onchange });
  const stride = among("Stride", ["1", "1"], ["2", "2"]);
  const padding = among("Padding", ["1", "zeros"], ["0", "none"]);
  const levels = among("Grey levels", ["zero", "0 is mid-grey"], ["photo", "as in the photo"]);

  // A kernel whose weights sum to zero answers with both signs around zero, others with a photo.
  const take = (name) => {
    const values = data.kernels[name].flat();
    weights.forEach((weight, i) => weight.set(values[i]));
    const sum = values.reduce((a, b) => a + b);
    levels.node.querySelector("select").value = sum > 0.5 ? "photo" : "zero";
  };

  const before = surface({ label: "The photo", width: side, height: side, shown: 4 * side });
  const after = surface({
    label: "Feature map. Arrow keys go to the next pixel, with Shift ten pixels on.",
    width: side,
    height: side,
    shown: 4 * side,
    key(event) {
      const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
      if (!(event.key in moves)) return false;
      const [down, right] = moves[event.key].map((step) => step * (event.shiftKey ? 10 : 1));
      look(at.row + down, at.column + right);
      return true;
    },
  });
  after.node.style.touchAction = "none";
  for (const type of ["pointerdown", "pointermove"]) {
    after.node.addEventListener(type, ({ clientX, clientY }) => {
      const box = after.node.getBoundingClientRect();
      const pixel = (offset, size) => Math.floor((offset / size) * result.across);
      look(pixel(clientY - box.top, box.height), pixel(clientX - box.left, box.width));
    });
  }
  const left = picture("Photo", before.node);
  const right = picture("Feature map", after.node);
  left.caption.textContent = `${side} × ${side}, grey levels 0 to 255.`;
  paint(before.context, photo, side, [0, 255]);

  const cells = Array.from({ length: 9 }, () => {
    const style = "padding: 0.25rem; border: 1px solid var(--pst-color-border); text-align: right";
    return element("td", { style });
  });
  const rows = [0, 3, 6].map((first) => element("tr", {}, ...cells.slice(first, first + 3)));
  const table = element(
    "table",
    { "aria-label": "Pixel × weight = product", style: "width: 100%; table-layout: fixed" },
    element("tbody", {}, ...rows),
  );

  // The pixel (row, column) of the map: what it is made of.
  const look = (row, column) => {
    const inside = (index) => Math.min(result.across - 1, Math.max(0, index));
    Object.assign(at, { row: inside(row), column: inside(column) });
    const corner = (index) => index * result.stride - result.padding;
    const [top, start] = [corner(at.row), corner(at.column)];
    place(left.frame, side, top, start, 3);
    place(right.frame, result.across, at.row, at.column, 1);
    let sum = 0;
    patch(photo, side, top, start).forEach((pixel, i) => {
      const product = pixel * weights[i].value;
      sum += product;
      const shown = pixel === null ? "outside 0" : text(pixel);
      const terms = `${shown} × ${bracketed(weights[i].value)}`;
      cells[i].replaceChildren(terms, element("br"), element("strong", {}, `= ${text(product)}`));
    });
    const value = result.map[at.row * result.across + at.column];
    let sentence = `Row ${at.row}, column ${at.column}: the nine products sum to ${text(sum)}`;
    if (bias.value) sentence += `, with the bias ${text(bias.value)} to ${text(sum + bias.value)}`;
    if (relu.checked) sentence += `, which ReLU ${sum + bias.value < 0 ? "makes 0" : "keeps"}`;
    sentence += `. The map holds ${text(value)}.`;
    line.say(sentence);
  };

  const update = () => {
    const [s, p] = [Number(stride.value), Number(padding.value)];
    const settings = { stride: s, padding: p, relu: relu.checked };
    // A new stride or padding: go on looking at the same place of the photo.
    const old = result ?? settings;
    const moved = (index) => Math.round((index * old.stride - old.padding + p) / s);
    const kernel = Float32Array.from(weights, (weight) => weight.value);
    const { map, across } = convolve(photo, side, kernel, bias.value, settings);
    result = { ...settings, map, across };
    const [black, white] = ends(map, levels.value);
    Object.assign(after.node, { width: across, height: across });
    // One pixel of the map is as large as one of the photo.
    right.holder.style.width = `${(100 * across) / side}%`;
    paint(after.context, map, across, [black, white]);
    const [least, most] = [Math.min, Math.max].map((pick) => map.reduce((a, b) => pick(a, b)));
    const size = `${across} × ${across}, from ${text(least)} to ${text(most)}.`;
    const key = `Black is ${text(black)}, mid-grey 0, white ${text(white)}.`;
    const clipped = "Black is 0 or less, white 255 or more.";
    right.caption.textContent = `${size} ${levels.value === "photo" ? clipped : key}`;
    report(
      "convolution",
      [
        { data: photo, dims: [1, 1, side, side] },
        { data: kernel, dims: [1, 1, 3, 3] },
        { data: Float32Array.of(bias.value), dims: [1] },
        { data: Int32Array.of(s, p, relu.checked), dims: [3] },
      ],
      [{ data: map, dims: [1, 1, across, across] }],
    );
    look(moved(at.row), moved(at.column));
  };

  const reset = () => {
    for (const { node } of [stride, padding]) node.querySelector("select").selectedIndex = 0;
    relu.node.querySelector("input").checked = false;
    presets.node.querySelector("select").value = START;
    bias.set(0);
    take(START);
    result = null;
    [at.row, at.column] = LOOK;
    update();
  };

  const grid = element("div", { style: GRID, role: "group", "aria-label": "Weights" });
  grid.append(...weights.map(({ node }) => node));
  const amount = element("label", { class: "demo-choice" }, element("span", {}, "Bias"), bias.node);
  bias.node.style.width = "6rem";
  root.append(
    element("div", { class: "demo-wide", style: SIDE_BY_SIDE }, left.node, right.node),
    element(
      "div",
      {},
      element("div", { class: "demo-row" }, presets.node, button("Reset", reset)),
      grid,
      element("div", { class: "demo-row" }, amount, relu.node),
    ),
    element("div", {}, element("p", { class: "demo-title" }, "Pixel × weight"), table, line.node),
    element("div", { class: "demo-row demo-wide" }, stride.node, padding.node, levels.node),
  );
  reset();
}
