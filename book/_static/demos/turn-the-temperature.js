// Turn the temperature: the softmax of a classifier's scores, and labels drawn from it.
import { lineChart } from "./line-chart.js";
import { softmax, uniform } from "./numbers.js";
import { button, choice, element, slider, status, surface } from "./widgets.js";

const DRAWS = 100;
const STEPS = 20; // of the slider from T = 1 to T = 10, and to T = 0.1

export function entropy(p) {
  return -p.reduce((sum, q) => sum + (q > 0 ? q * Math.log(q) : 0), 0);
}

// How often each class comes out: u falls into the class whose share of [0, 1) it lies in.
export function counts(p, u) {
  const found = p.map(() => 0);
  for (const value of u) {
    let [drawn, sum] = [0, p[0]];
    while (value >= sum && drawn < p.length - 1) {
      drawn += 1;
      sum += p[drawn];
    }
    found[drawn] += 1;
  }
  return found;
}

// A table with a row a class: the bar is the probability, the mark on it the share of the labels.
function table(classes) {
  const cell = (tag, style, ...children) => element(tag, { style: `padding: 1px 6px; ${style}` }, ...children);
  const right = "text-align: right; font-variant-numeric: tabular-nums";
  const rows = classes.map((name) => {
    const fill = element("span", { class: "demo-bar-fill" });
    const mark = element("span", {
      style: "position: absolute; top: -4px; bottom: -4px; width: 4px; background: currentColor",
    });
    const track = element("span", { class: "demo-bar-track", "aria-hidden": "true" }, fill, mark);
    Object.assign(track.style, { display: "block", position: "relative" });
    const [share, drawn] = [cell("td", right), cell("td", right)];
    const head = cell("th", "text-align: left; font-weight: inherit; white-space: nowrap", name);
    head.setAttribute("scope", "row");
    const node = element("tr", {}, head, cell("td", "width: 100%", track), share, drawn);
    return { node, fill, mark, share, drawn };
  });
  const names = ["class", "share", "p", "drawn"];
  const heads = names.map((name) => {
    const head = cell("th", "text-align: left; font-weight: 400; white-space: nowrap", name);
    head.setAttribute("scope", "col");
    return head;
  });
  const node = element(
    "table",
    { style: "display: table; width: 100%; border-collapse: collapse; margin: 0; font-size: 0.9rem" },
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...rows.map((row) => row.node)),
  );
  return {
    node,
    update(p, drawn) {
      const best = p.indexOf(Math.max(...p));
      rows.forEach((row, index) => {
        row.fill.style.width = `${100 * p[index]}%`;
        row.mark.style.left = `calc(${(100 * drawn[index]) / DRAWS}% - 2px)`;
        row.share.textContent = p[index].toFixed(3);
        row.drawn.textContent = String(drawn[index]);
        row.node.classList.toggle("demo-best", index === best);
        row.node.style.fontWeight = index === best ? 700 : 400;
      });
    },
  };
}

// data: { classes, pictures: [{ label, scores, pixels: 28 x 28 of 0 to 1, flat }] }
export function start({ root, data, report }) {
  const { classes, pictures } = data;
  const side = Math.sqrt(pictures[0].pixels.length);
  const view = surface({ label: "", width: side, height: side, shown: 140 });
  const rows = table(classes);
  const place = element("div", {});
  const chart = lineChart(place, {
    x: { label: "temperature T", min: 0.1, max: 10, log: true },
    y: { label: "entropy (nats)", min: 0, max: 2.5 },
    width: 700,
    height: 240,
  });
  const line = status();
  let [picture, seed] = [0, 1];
  const temperature = (step) => 10 ** (step / STEPS);
  const grid = Array.from({ length: 2 * STEPS + 1 }, (_, k) => temperature(k - STEPS));
  const text = (T) => T.toFixed(T < 1 ? 2 : 1);

  const paint = () => {
    const image = view.context.createImageData(side, side);
    pictures[picture].pixels.forEach((ink, pixel) => {
      image.data.fill(Math.round(255 * ink), 4 * pixel, 4 * pixel + 3);
      image.data[4 * pixel + 3] = 255;
    });
    view.context.putImageData(image, 0, 0);
    view.node.setAttribute("aria-label", `A test picture of the class ${pictures[picture].label}`);
  };
  const show = () => {
    const T = temperature(control.value);
    const { scores, label } = pictures[picture];
    const p = softmax(scores, T);
    const u = Float64Array.from({ length: DRAWS }, uniform(seed));
    const drawn = counts(p, u);
    const spread = entropy(p);
    const best = p.indexOf(Math.max(...p));
    rows.update(p, drawn);
    chart.draw({
      label: `Entropy against temperature. At T = ${text(T)} it is ${spread.toFixed(2)} nats`,
      series: [
        { name: "this picture", x: grid, y: grid.map((t) => entropy(softmax(scores, t))) },
        { name: "this T", x: [T], y: [spread], colour: 0, points: true, width: 6 },
        { name: "all alike", x: [0.1, 10], y: Array(2).fill(Math.log(classes.length)), dash: 1, colour: 1 },
      ],
    });
    const different = drawn.filter(Boolean).length;
    const labels = different === 1 ? "one label" : `${different} different labels`;
    line.say(
      `T = ${text(T)}: ${classes[best]} with probability ${p[best].toFixed(3)} (it is: ${label}). ` +
        `Entropy ${spread.toFixed(2)} nats; ${DRAWS} draws gave ${labels}.`,
    );
    report(
      "softmax",
      [
        { data: Float64Array.from(scores), dims: [scores.length] },
        { data: Float64Array.of(T), dims: [1] },
        { data: u, dims: [DRAWS] },
      ],
      [
        { data: Float64Array.from(p), dims: [p.length] },
        { data: Float64Array.of(spread), dims: [1] },
        { data: Float64Array.from(drawn), dims: [p.length] },
      ],
    );
  };

  const control = slider({
    label: "Temperature T",
    min: -STEPS,
    max: STEPS,
    step: 1,
    value: 0,
    format: (step) => text(temperature(step)),
    oninput: show,
  });
  const chosen = choice({
    label: "Picture",
    options: pictures.map((item, index) => [String(index), `${index + 1}: ${item.label}`]),
    onchange(key) {
      picture = Number(key);
      paint();
      show();
    },
  });
  const again = button("Draw again", () => {
    seed += 1;
    show();
  });
  const reset = button("Reset", () => {
    seed = 1;
    control.value = 0;
    chosen.value = "0";
  });
  const input = control.node.querySelector("input");
  Object.assign(input.style, { flexBasis: "5rem", minWidth: "5rem" }); // one row on a phone
  place.className = "demo-wide";
  const help = `The bar is the probability p, the mark on it the share of the ${DRAWS} labels drawn.`;
  root.append(
    element(
      "div",
      { class: "demo-wide" },
      control.node,
      element("div", { class: "demo-row" }, chosen.node, again, reset),
    ),
    element("div", { style: "flex: 0 1 140px" }, view.node),
    element("div", { style: "flex: 2 1 16rem" }, rows.node, element("p", { class: "demo-help" }, help)),
    line.node,
    place,
  );
  paint();
  show();
}
