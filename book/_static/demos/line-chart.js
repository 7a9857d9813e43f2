// A small line chart in SVG: axes with round ticks, linear or logarithmic, and a legend that tells
// lines apart by their dashes as well as by colour.
import { colours, onTheme } from "./widgets.js";

const DASHES = ["", "7 4", "2 4", "10 3 2 3"];
const EDGE = { left: 62, right: 14, top: 10, bottom: 46 }; // around the plot, for the labels
const ROW = 20; // height of a row of the legend
const FAR = 1e9; // pixels: rounding would put the way to a point beyond this elsewhere

// Round numbers in [low, high]: multiples of 1, 2 or 5 times a power of ten.
export function ticks(low, high, count = 5) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= 0.999 * rough);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k <= high / step + 1e-9; k += 1) {
    found.push(Number((k * step).toPrecision(12)) || 0);
  }
  return found;
}

// Powers of ten in [low, high], every second or third where they are many.
export function logTicks(low, high, count = 6) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const step = Math.max(1, Math.ceil((last - first + 1) / count));
  const found = [];
  for (let power = first; power <= last; power += step) found.push(Number(`1e${power}`));
  return found;
}

// 0.01, −2.5, 10⁻⁵
export function label(value) {
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-3 && size < 1e4)) return String(value).replace("-", "−");
  const [digits, power] = value.toExponential().replace("+", "").split("e");
  const raised = [...power].map((sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign])).join("");
  return `${digits === "1" ? "" : `${digits.replace("-", "−")} · `}10${raised}`;
}

// The part of a segment that lies in the box, or null; ends may be as far out as they like.
function clip([x0, y0], [x1, y1], { left, right, top, bottom }) {
  let [from, to] = [0, 1];
  const sides = [
    [x0 - x1, x0 - left],
    [x1 - x0, right - x0],
    [y0 - y1, y0 - top],
    [y1 - y0, bottom - y0],
  ];
  for (const [slope, room] of sides) {
    if (slope === 0 && room < 0) return null;
    if (slope < 0) from = Math.max(from, room / slope);
    if (slope > 0) to = Math.min(to, room / slope);
  }
  if (from > to) return null;
  return [from, to].map((t) => [x0 + t * (x1 - x0), y0 + t * (y1 - y0)]);
}

// The `d` of a line through points, of which some are null: there is a gap.
function outline(points, box) {
  let d = "";
  let pen = "";
  points.forEach((point, index) => {
    const part = point && points[index + 1] && clip(point, points[index + 1], box);
    if (!part) return;
    const [start, end] = part.map((place) => place.map((number) => number.toFixed(2)).join(" "));
    d += start === pen ? ` L ${end}` : ` M ${start} L ${end}`;
    pen = end;
  });
  return d.trim();
}

function shape(tag, properties, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value !== "" && value != null) made.setAttribute(name, value);
  }
  if (text != null) made.textContent = text;
  return made;
}

// Draws into an element: { draw, position }.
//   x, y            { label, min, max, log }
//   width, height   in CSS pixels; where the element is narrower, the drawing is too
//   equal           one unit takes as many pixels across as up: x is widened about its middle
// draw({ label, series, lines }) replaces what is there.
//   label           what the chart shows, in words
//   series          { x, y, name, colour, dash, width, points }: `name` puts it into the legend,
//                   colour and dash are numbers (by default the series' own number), `points`
//                   draws dots instead of a line; a value that is no finite number leaves a gap
//   lines           { x, name }: upright lines
// position(x, y) is the place of a value in the drawing, or null if it has none.
export function lineChart(place, { x, y, width: widest = 460, height = 260, equal = false }) {
  let shown = null;
  let width = 0;
  let box = {};
  const along = ({ min, max, log }, value) => {
    if (!Number.isFinite(value) || (log && value <= 0)) return NaN;
    const [at, low, high] = log ? [value, min, max].map(Math.log) : [value, min, max];
    return (at - low) / (high - low);
  };
  const position = (valueX, valueY) => {
    const [right, up] = [along(x, valueX), along(y, valueY)];
    if (Number.isNaN(right) || Number.isNaN(up)) return null;
    const at = [box.left + right * (box.right - box.left), box.bottom - up * (box.bottom - box.top)];
    return at.every((number) => Math.abs(number) < FAR) ? at : null;
  };

  const redraw = () => {
    const { text, muted, border, series: palette } = colours();
    width = Math.min(widest, place.clientWidth || widest);
    const svg = shape("svg", { width, height, role: "img", "aria-label": shown.label });
    svg.style.display = "block";
    place.replaceChildren(svg); // before the writing, which is measured
    const write = (properties, words) => {
      const node = shape("text", { fill: text, "font-size": 13, ...properties }, words);
      svg.append(node);
      return node;
    };
    const entries = shown.series.map(({ x: across, y: up, colour, dash, ...rest }, index) => ({
      ...rest,
      values: across.map((value, at) => [value, up[at]]),
      stroke: colour === "muted" ? muted : palette[(colour ?? index) % palette.length],
      "stroke-dasharray": DASHES[(dash ?? index) % DASHES.length],
    }));
    const uprights = (shown.lines ?? []).map((line) => ({
      ...line,
      upright: true,
      stroke: text,
      "stroke-dasharray": "1 3",
      width: 3,
    }));

    // The legend first: the plot takes what room it leaves.
    let [left, rows] = [EDGE.left, 0];
    for (const entry of [...entries, ...uprights]) {
      if (!entry.name) continue;
      const sample = entry.points ? 12 : 28;
      const words = write({ "dominant-baseline": "central", class: "chart-name" }, entry.name);
      const length = sample + 6 + words.getComputedTextLength() + 14;
      if (!rows || left + length - 14 > width) [left, rows] = [EDGE.left, rows + 1];
      const middle = EDGE.top + ROW * (rows - 0.5);
      words.setAttribute("x", left + sample + 6);
      words.setAttribute("y", middle);
      const line = { d: `M ${left} ${middle} h ${sample}`, "stroke-width": entry.width ?? 2 };
      const dash = { stroke: entry.stroke, "stroke-dasharray": entry["stroke-dasharray"] };
      const dot = { cx: left + 6, cy: middle, r: Math.min(6, entry.width ?? 4), fill: entry.stroke };
      svg.append(entry.points ? shape("circle", dot) : shape("path", { ...line, ...dash }));
      left += length;
    }
    box = {
      left: EDGE.left,
      right: width - EDGE.right,
      top: EDGE.top + ROW * rows + (rows ? 6 : 0),
      bottom: height - EDGE.bottom,
    };
    if (equal) {
      const half = ((y.max - y.min) * (box.right - box.left)) / (box.bottom - box.top) / 2;
      const middle = (x.min + x.max) / 2;
      x = { ...x, min: middle - half, max: middle + half };
    }

    const many = Math.floor((box.right - box.left) / 55);
    for (const value of (x.log ? logTicks : ticks)(x.min, x.max, many)) {
      const [at] = position(value, y.min);
      const d = `M ${at} ${box.top} V ${box.bottom}`;
      svg.append(shape("path", { d, stroke: border, "stroke-width": 1 }));
      const where = { x: at, y: box.bottom + 18, "text-anchor": "middle", class: "chart-tick-x" };
      write(where, label(value));
    }
    for (const value of (y.log ? logTicks : ticks)(y.min, y.max)) {
      const [, at] = position(x.min, value);
      const d = `M ${box.left} ${at} H ${box.right}`;
      svg.append(shape("path", { d, stroke: border, "stroke-width": 1 }));
      const where = { x: box.left - 7, y: at + 4.5, "text-anchor": "end", class: "chart-tick-y" };
      write(where, label(value));
    }
    const frame = `M ${box.left} ${box.top} V ${box.bottom} H ${box.right}`;
    svg.append(shape("path", { d: frame, stroke: text, fill: "none" }));
    const centre = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
    write({ x: centre[0], y: height - 6, "text-anchor": "middle" }, x.label);
    const turned = `translate(12 ${centre[1]}) rotate(-90)`;
    write({ transform: turned, "text-anchor": "middle" }, y.label);

    for (const { values, points, stroke, width: thick = 2, ...rest } of [...uprights, ...entries]) {
      const ends = rest.upright ? [[rest.x, y.min], [rest.x, y.max]] : values;
      const places = ends.map(([across, up]) => position(across, up));
      if (points) {
        for (const at of places) {
          if (!at || !clip(at, at, box)) continue;
          svg.append(shape("circle", { cx: at[0], cy: at[1], r: thick, fill: stroke }));
        }
        continue;
      }
      svg.append(
        shape("path", {
          d: outline(places, box),
          fill: "none",
          stroke,
          "stroke-width": thick,
          "stroke-dasharray": rest["stroke-dasharray"],
          class: "chart-line",
        }),
      );
    }
  };
  onTheme(() => shown && redraw());
  new ResizeObserver(() => {
    if (shown && place.clientWidth && Math.min(widest, place.clientWidth) !== width) redraw();
  }).observe(place);
  return {
    draw(content) {
      shown = content;
      redraw();
    },
    position,
  };
}
