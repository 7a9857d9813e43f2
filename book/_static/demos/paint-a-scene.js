// Paint a scene: both networks of the chapter give each of its pixels a class.
import { SHAPES, cover, painting } from "./paint-a-scene-painting.js";
import { button, checkbox, choice, element, latest, slider, status, surface } from "./widgets.js";

const ZOOM = 8; // canvas pixels to a side of one pixel of the image
const SIZES = { brush: 4, shape: 18 }; // in pixels of the image, at first
const OPACITY = 80; // percent
const HELP =
  "Paper. Arrow keys move the brush or shape, with Shift by five pixels. Space puts it down, and " +
  "lifts it again. Keys 1 to 8 choose a colour, 0 the eraser. [ and ] change the size. " +
  "Delete clears.";

const bytes = (hex) => Uint8ClampedArray.from(hex.match(/../g), (pair) => parseInt(pair, 16));
const words = (title) => title.replaceAll("-", " ");

// data: { side, classes: the names, colours: { name: [red, green, blue] from 0 to 1 }, models: the
// titles, scenes and grounds: the same places with a shape and without, each the bytes of a
// (3, side, side) image in hexadecimal }
export async function start({ root, data, run }) {
  const { side, classes } = data;
  const area = side * side;
  const wide = ZOOM * side;
  const scene = painting(side);
  const sizes = { ...SIZES };
  const kind = () => (scene.shape === "brush" ? "brush" : "shape");
  let number = 0; // of the place
  let colour = "red";
  let seen = false; // whether the tool's outline is

  const cell = (tag, scope = false) =>
    element(tag, { scope, style: "padding: 0.25rem 0.3rem; white-space: nowrap" });

  // The image, and where the tool is while the paper is in use.
  const small = element("canvas", { width: side, height: side }).getContext("2d");
  const drawPaper = () => {
    const picture = small.createImageData(side, side);
    for (let at = 0; at < area; at += 1) {
      for (let c = 0; c < 3; c += 1) picture.data[4 * at + c] = scene.image[c * area + at];
      picture.data[4 * at + 3] = 255;
    }
    small.putImageData(picture, 0, 0);
    const { context } = paper;
    context.imageSmoothingEnabled = false;
    context.drawImage(small.canvas, 0, 0, wide, wide);
    if (!seen) return;
    const reach = ZOOM * (0.65 * scene.size + 1);
    const [left, top] = [scene.x, scene.y].map((middle) => Math.floor(ZOOM * middle - reach));
    for (let y = top; y < top + 2 * reach; y += 1) {
      for (let x = left; x < left + 2 * reach; x += 1) {
        const away = ZOOM * Math.abs(scene.distance((x + 0.5) / ZOOM, (y + 0.5) / ZOOM));
        if (away >= 2.5) continue;
        context.fillStyle = away < 1.25 ? "#fff" : "#000";
        context.fillRect(x, y, 1, 1);
      }
    }
  };
  const drawMasks = () => {
    const pixel = (x, y) => Math.floor(y / ZOOM) * side + Math.floor(x / ZOOM);
    for (const { view, mask } of panels) {
      const classOf = (x, y) => mask[pixel(x, y)];
      const below = (x, y, c) => scene.image[c * area + pixel(x, y)];
      cover(view.context, wide, wide, opacity.value / 100, classOf, below);
    }
  };

  const panels = data.models.map((title) => {
    const view = surface({ label: "", width: wide, height: wide });
    view.node.style.imageRendering = "auto"; // its patterns are finer than the pixels of the image
    return { title, view, mask: new Uint8Array(area), cells: classes.map(() => cell("td")) };
  });
  const answer = latest(async () => {
    drawPaper();
    const levels = Float32Array.from(scene.image, (level) => level / 255);
    for (const panel of panels) {
      const [scores] = await run(panel.title, { data: levels, dims: [1, 3, side, side] });
      panel.mask = panel.mask.map((_, at) => {
        const own = classes.map((_, c) => scores.data[c * area + at]);
        return own.indexOf(Math.max(...own));
      });
    }
    drawMasks();
    tell();
  });
  const line = status();
  const tell = () => {
    const sentences = panels.map(({ title, view, mask, cells }) => {
      const found = [];
      classes.forEach((name, c) => {
        const share = mask.filter((own) => own === c).length / area;
        cells[c].textContent = `${(100 * share).toFixed(1)} %`;
        cells[c].style.fontWeight = share ? "700" : "";
        if (share) found.push(`${name} ${cells[c].textContent}`);
      });
      view.node.setAttribute("aria-label", `Mask ${words(title)}: ${found.join(", ")}`);
      return `The network ${words(title)} finds ${found.join(", ")}.`;
    });
    const [one, other] = panels.map((panel) => panel.mask);
    const apart = one.filter((own, at) => own !== other[at]).length;
    line.say(`${sentences.join(" ")} The masks differ in ${apart} of ${area} pixels.`);
  };

  // What the reader does
  const after = () => (scene.held ? answer() : drawPaper());
  const move = (x, y) => {
    scene.move(x, y);
    after();
  };
  const press = (x, y) => {
    scene.press(x, y);
    after();
  };
  const lift = () => {
    scene.held = false;
  };
  const change = (properties) => {
    Object.assign(scene, properties);
    move(scene.x, scene.y); // a held tool changes what it has just painted
  };
  const dip = (name) => {
    colour = name;
    palette.forEach((node, key) => node.setAttribute("aria-pressed", colours[key] === name));
    change({ colour: data.colours[name] });
  };
  const show = (hex) => {
    lift();
    scene.ground = bytes(data.grounds[number]);
    scene.image = bytes(hex);
    answer();
  };
  const clear = () => show(data.grounds[number]);
  const another = () => {
    number = (number + 1) % data.scenes.length;
    show(data.scenes[number]);
  };
  const reset = () => {
    number = 0;
    show(data.scenes[0]);
    Object.assign(sizes, SIZES);
    tool.value = "square";
    turn.value = 0;
    opacity.value = OPACITY;
    texture.node.querySelector("input").checked = true;
    change({ textured: true });
    dip("red");
  };

  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const where = status();
  const paper = surface({
    label: HELP,
    width: wide,
    height: wide,
    shown: wide,
    down: ({ x, y }) => press(x / ZOOM, y / ZOOM),
    move: ({ x, y }) => move(x / ZOOM, y / ZOOM),
    up: lift,
    key(event) {
      if (event.key in STEPS) {
        const [dx, dy] = STEPS[event.key].map((step) => (event.shiftKey ? 5 * step : step));
        const middle = (value) => Math.min(side, Math.max(1, Math.ceil(value))) - 0.5;
        move(middle(scene.x + dx), middle(scene.y + dy));
      } else if (event.key === " ") {
        if (scene.held) lift();
        else press(scene.x, scene.y);
      } else if (colours[event.key]) dip(colours[event.key]);
      else if (event.key === "[" || event.key === "]") size.value += event.key === "]" ? 1 : -1;
      else if (event.key === "Delete") clear();
      else return false;
      const place = `column ${Math.ceil(scene.x)}, row ${Math.ceil(scene.y)}`;
      const state = scene.held ? "down" : "up";
      where.say(`${colour} ${scene.shape}, ${scene.size} px, ${place}, ${state}.`);
      return true;
    },
  });
  const see = (whether) => () => {
    seen = whether;
    drawPaper();
  };
  paper.node.addEventListener("focus", see(true));
  paper.node.addEventListener("blur", see(false));
  paper.node.addEventListener("pointerleave", see(false));
  paper.node.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    seen = true;
    const { clientWidth, clientHeight } = paper.node;
    if (!scene.held) move((side * offsetX) / clientWidth, (side * offsetY) / clientHeight);
  });

  const tool = choice({
    label: "Tool",
    options: ["brush", ...Object.keys(SHAPES)].map((name) => [name, name]),
    onchange(shape) {
      lift();
      change({ shape });
      size.value = sizes[kind()];
    },
  });
  const size = slider({
    label: "Size",
    min: 1,
    max: 36,
    step: 1,
    value: SIZES.shape,
    format: (pixels) => `${pixels} px`,
    oninput(pixels) {
      sizes[kind()] = pixels;
      change({ size: pixels });
    },
  });
  const steps = { min: 0, step: 5 };
  const degrees = (value) => `${value}°`;
  const turn = slider({
    ...{ ...steps, max: 90, label: "Turn", value: 0, format: degrees },
    oninput: (angle) => change({ turn: angle }),
  });
  const percent = (value) => `${value} %`;
  const opacity = slider({
    ...{ ...steps, max: 100, label: "Mask over image", value: OPACITY, format: percent },
    oninput: drawMasks,
  });
  const texture = checkbox({
    label: "Light and stripes",
    checked: true,
    onchange: (textured) => change({ textured }),
  });
  const colours = ["eraser", ...Object.keys(data.colours)]; // in the order of their keys
  const palette = colours.map((name, key) => {
    const paint = (data.colours[name] ?? [0.5, 0.5, 0.5]).map((part) => Math.round(255 * part));
    const style =
      "display: inline-block; width: 1rem; height: 1rem; margin-right: 0.4rem; " +
      `vertical-align: -0.15rem; border: 1px solid; background: rgb(${paint})`;
    const node = button("", () => dip(name));
    node.style.padding = "0.2rem 0.6rem";
    node.append(element("span", { "aria-hidden": "true", style }), `${key} ${name}`);
    return node;
  });

  // What is where
  const row = (...nodes) => element("div", { class: "demo-row" }, ...nodes);
  const figure = (title, node) => {
    const heading = element("p", { class: "demo-title" }, title);
    return element("div", { style: "flex: 1 1 0; min-width: 0" }, heading, node);
  };
  const table = element("table", { class: "demo-table" });
  const top = element("tr", {}, cell("th", "col"), ...data.models.map(() => cell("th", "col")));
  ["share of", ...data.models.map(words)].forEach((text, at) => top.children[at].append(text));
  const legend = classes.map((name, c) => {
    const { node, context } = surface({ label: "", width: 48, height: 24 });
    cover(context, 48, 24, 1, () => c);
    node.setAttribute("aria-hidden", "true");
    Object.assign(node.style, { display: "inline-block", width: "2.2rem", height: "1.1rem" });
    Object.assign(node.style, { marginRight: "0.5rem", verticalAlign: "-0.2rem" });
    const head = cell("th", "row");
    head.style.fontWeight = "400";
    head.append(node, name);
    return element("tr", {}, head, ...panels.map(({ cells }) => cells[c]));
  });
  table.append(top, ...legend);
  const masks = element("div", { style: "display: flex; gap: 0.6rem" });
  masks.append(...panels.map(({ title, view }) => figure(words(title), view.node)));
  const sliders = [size.node, turn.node, texture.node];
  root.append(
    element("div", {}, figure("your scene", paper.node), row(tool.node), ...sliders),
    element("div", { style: "flex: 2 1 18rem" }, masks, row(opacity.node), table),
    element(
      "div",
      { class: "demo-wide" },
      row(...palette),
      row(button("Another image", another), button("Clear", clear), button("Reset", reset)),
    ),
    line.node,
    where.node,
  );
  reset();
}
