// Choose a learning rate: the loss of the chapter's gradient descent and the way its weights take.
import { label as inWords, lineChart } from "./line-chart.js";
import { button, element, slider, status } from "./widgets.js";

const START = 0.02; // the rate that is shown first
const GOOD = 0.01; // a run has arrived when its loss is below this share of the first one
const TOP = 1e4; // what ends higher stands at this height among the ends

// The points where a quadratic loss lies `excess` above its lowest: an ellipse about `best`, of
// half the loss's second derivatives [[a, b], [b, c]], by Cholesky's factors.
export function contour([[a, b], [, c]], best, excess, count = 90) {
  const first = Math.sqrt(a);
  const mixed = b / first;
  const second = Math.sqrt(c - mixed * mixed);
  const [x, y] = [[], []];
  for (let k = 0; k <= count; k += 1) {
    const angle = (2 * Math.PI * k) / count;
    const down = (Math.sqrt(excess) * Math.sin(angle)) / second;
    x.push(best[0] + (Math.sqrt(excess) * Math.cos(angle) - mixed * down) / first);
    y.push(best[1] + down);
  }
  return { x, y };
}

const number = (value) => inWords(Number(value.toPrecision(3)));

// What happened, in a sentence or two.
export function verdict(losses, way, best) {
  const steps = losses.length - 1;
  const [first, last] = [losses[0], losses[steps]];
  const sides = way.map(([w]) => Math.sign(w - best[0]));
  const crossed = sides.filter((side, step) => step && side === -sides[step - 1]).length;
  const zigzag = crossed > steps / 2 ? " It crosses the valley at nearly every step." : "";
  if (!(last < first)) {
    const to = Number.isFinite(last) ? number(last) : "more than a number can hold";
    return `It diverges: the loss grows from ${number(first)} to ${to}.${zigzag}`;
  }
  const there = losses.findIndex((loss) => loss < GOOD * first);
  const arrived =
    there < 0
      ? `After ${steps} steps it is still on its way: the loss is ${number(last)}.`
      : `It needs ${there} steps for a hundredth of the first loss and ends at ${number(last)}.`;
  return arrived + zigzag;
}

// data: { rates, losses: one list a rate, weights: one list of pairs a rate, best: the weights with
// the lowest loss, curvature: half of its second derivatives, limit: the largest stable rate }
export function start({ root, data, report }) {
  const { rates, losses, weights, best, curvature, limit } = data;
  const steps = losses[0].length - 1;
  const count = Array.from({ length: steps + 1 }, (_, step) => step);
  const tried = new Set();
  let marked = false;
  const places = [0, 1, 2].map(() => element("div", {}));
  const curve = lineChart(places[0], {
    x: { label: "step", min: 0, max: steps },
    y: { label: "loss", min: 1e-4, max: TOP, log: true },
    height: 320,
  });
  const map = lineChart(places[1], {
    x: { label: "weight 1", min: -2.5, max: 3.5 },
    y: { label: "weight 2", min: -5.4, max: 0.6 },
    height: 320,
    equal: true, // steps cross the contours at right angles
  });
  const ends = lineChart(places[2], {
    x: { label: "learning rate", min: 0, max: 0.09 },
    y: { label: "last loss", min: 1e-4, max: TOP, log: true },
    width: 700,
    height: 220,
  });
  const levels = [0.5, 2, 5, 10, losses[0][0]].map((excess) => ({
    ...contour(curvature, best, excess),
    colour: "muted",
    dash: 0,
    width: 1,
  }));
  const line = status();

  let [now, before] = [null, null];
  const show = (index) => {
    if (index !== now) [now, before] = [index, now];
    tried.add(index);
    const rate = rates[index];
    const words = verdict(losses[index], weights[index], best);
    const [across, up] = [0, 1].map((axis) => weights[index].map((pair) => pair[axis]));
    const name = `rate ${rate}`;
    curve.draw({
      label: `Loss at each step with ${name}. ${words}`,
      series: [
        { name, x: count, y: losses[index], width: 2.5 },
        ...(before == null ? [] : [{ name: `before: ${rates[before]}`, x: count, y: losses[before] }]),
      ],
    });
    map.draw({
      label: `The way of the two weights over the contours of the loss, with ${name}. ${words}`,
      series: [
        ...levels,
        { name: "the weights", x: across, y: up, colour: 0, dash: 0 },
        { x: across, y: up, colour: 0, points: true, width: 2.5 },
        { name: "lowest loss", x: [best[0]], y: [best[1]], colour: 1, points: true, width: 5 },
      ],
    });
    const seen = [...tried].sort((a, b) => a - b);
    const end = (at) => Math.min(losses[at][steps], TOP);
    ends.draw({
      label: `Loss after ${steps} steps for the ${seen.length} rates tried so far`,
      series: [
        { name: "rates tried", x: seen.map((at) => rates[at]), y: seen.map(end), points: true, width: 4 },
        { name: "this rate", x: [rate], y: [end(index)], colour: 1, points: true, width: 7 },
      ],
      lines: marked ? [{ x: limit, name: `largest stable rate ${number(limit)}` }] : [],
    });
    line.say(`Learning rate ${rate}. ${words}`);
    report(
      "descent",
      [{ data: Float64Array.of(rate), dims: [1] }],
      [
        { data: Float64Array.from(losses[index]), dims: [steps + 1] },
        { data: Float64Array.from(weights[index].flat()), dims: [steps + 1, 2] },
      ],
    );
  };

  const first = rates.indexOf(START);
  const control = slider({
    label: "Learning rate",
    min: 0,
    max: rates.length - 1,
    step: 1,
    value: first,
    format: (index) => String(rates[index]),
    oninput: show,
  });
  const input = control.node.querySelector("input");
  Object.assign(input.style, { flexBasis: "5rem", minWidth: "5rem" }); // one row on a phone
  const mark = button("Mark the largest stable rate", () => {
    setMarked(!marked);
    show(now);
  });
  const setMarked = (on) => {
    marked = on;
    mark.setAttribute("aria-pressed", on);
  };
  const reset = button("Reset", () => {
    setMarked(false);
    tried.clear();
    [now, before] = [null, null];
    control.value = first;
  });
  setMarked(false);
  const help = `Both charts show ${steps} steps. Below, each rate you try leaves a dot; what ends at 10⁴ or more stands at the top.`;
  root.append(
    element(
      "div",
      { class: "demo-wide" },
      control.node,
      element("div", { class: "demo-row" }, mark, reset),
      element("p", { class: "demo-help" }, help),
    ),
    places[0],
    places[1],
    line.node,
    places[2],
  );
  places[2].className = "demo-wide";
  show(first);
}
