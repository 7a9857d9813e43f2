// Choose a rank: a photograph rebuilt from its first k singular values and vectors.
import { lineChart } from "./line-chart.js";
import { button, element, slider, status, surface } from "./widgets.js";

const START = 20;
const UNIT = 32767; // the vectors' entries are sent as whole numbers: 1 is this
const GAIN = 3; // what is missing is drawn this many times as strong

// Base64 of 16-bit integers, little-endian, to numbers in [-1, 1].
export function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float64Array.from({ length: bytes.length / 2 }, (_, k) => view.getInt16(2 * k, true) / UNIT);
}

// The sum of the first k terms s_i u_i v_i, of U (rows, rank) and V (rank, columns), row by row.
export function product({ U, S, V, rows, columns }, k) {
  const rank = S.length;
  const picture = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row += 1) {
    const line = picture.subarray(row * columns, (row + 1) * columns);
    for (let term = 0; term < k; term += 1) {
      const factor = U[row * rank + term] * S[term];
      const other = V.subarray(term * columns, (term + 1) * columns);
      for (let column = 0; column < columns; column += 1) line[column] += factor * other[column];
    }
  }
  return picture;
}

// Entry k: the relative error of rank k that the singular values foretell (Eckart and Young).
export function tails(S) {
  const errors = new Float64Array(S.length + 1);
  let left = 0;
  for (let k = S.length - 1; k >= 0; k -= 1) {
    left += S[k] ** 2;
    errors[k] = left;
  }
  return errors.map((error) => Math.sqrt(error / left));
}

function paint(context, grey, width) {
  const image = context.createImageData(width, grey.length / width);
  grey.forEach((value, pixel) => {
    image.data.fill(Math.round(255 * Math.min(1, Math.max(0, value))), 4 * pixel, 4 * pixel + 3);
    image.data[4 * pixel + 3] = 255;
  });
  context.putImageData(image, 0, 0);
}

// data: { side: of the photograph in pixels, U, V: packed, photo and "pixels shuffled": the singular
// values of both }
export function start({ root, data, report }) {
  const [S, rows, columns] = [data.photo, data.side, data.side];
  const parts = { S, rows, columns, U: unpacked(data.U), V: unpacked(data.V) };
  const full = S.length;
  const whole = product(parts, full);
  const size = Math.hypot(...whole);
  const foretold = tails(S);
  const shuffled = tails(data["pixels shuffled"]);
  const ranks = Array.from(foretold.keys());

  const view = (label) => surface({ label, width: columns, height: rows, shown: 300 });
  const rebuilt = view("");
  const missing = view("");
  const place = element("div", {});
  const chart = lineChart(place, {
    x: { label: "rank k", min: 0, max: full },
    y: { label: "relative error", min: 1e-4, max: 1, log: true },
    width: 700,
    height: 260,
  });
  const line = status();

  const show = (k) => {
    const picture = product(parts, k);
    const rest = whole.map((value, pixel) => value - picture[pixel]);
    const error = Math.hypot(...rest) / size;
    paint(rebuilt.context, picture, columns);
    paint(missing.context, rest.map((value) => 0.5 + GAIN * value), columns);
    rebuilt.node.setAttribute("aria-label", `The photograph rebuilt from ${k} of ${full} terms`);
    missing.node.setAttribute("aria-label", `What rank ${k} misses, grey where nothing is missing`);
    const kept = k * (rows + columns + 1);
    const percent = Math.round((100 * kept) / whole.length);
    const more = kept > whole.length ? ", more than the picture itself" : "";
    const numbers = `${kept.toLocaleString("en")} numbers for ${whole.length.toLocaleString("en")} pixels`;
    line.say(
      `Rank ${k}: ${numbers} (${percent} %${more}). Relative error ${error.toFixed(4)}; ` +
        `the singular values left out say ${foretold[k].toFixed(4)}.`,
    );
    chart.draw({
      label: `Relative error against the rank. Rank ${k}: ${error.toFixed(4)}`,
      series: [
        { name: "photo", x: ranks, y: foretold },
        { name: "pixels shuffled", x: ranks, y: shuffled },
        { name: "measured", x: [k], y: [error], colour: 0, points: true, width: 6 },
      ],
      lines: [{ x: whole.length / (rows + columns + 1), name: "as many numbers as pixels" }],
    });
    report(
      "rebuilt",
      [{ data: Float64Array.of(k), dims: [1] }],
      [
        { data: picture, dims: [rows, columns] },
        { data: Float64Array.of(error, foretold[k], kept), dims: [3] },
      ],
    );
  };

  const control = slider({
    label: "Rank k",
    min: 1,
    max: full,
    step: 1,
    value: START,
    oninput: show,
  });
  const reset = button("Reset", () => {
    control.value = START;
  });
  const title = (text) => element("p", { class: "demo-title" }, text);
  place.className = "demo-wide";
  root.append(
    element("div", { class: "demo-wide" }, control.node, element("div", { class: "demo-row" }, reset)),
    element("div", {}, title("Rebuilt from k terms"), rebuilt.node),
    element("div", {}, title(`What is missing, × ${GAIN}`), missing.node),
    line.node,
    place,
  );
  show(START);
}
