// The controls that the demos share. All can be used by keyboard, and follow the page's colours.

// element("div", { class: "x", onclick }, child, ...): an element; functions become listeners.
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

export function button(text, onclick) {
  return element("button", { type: "button", onclick }, text);
}

// A labelled slider: { node, value }. Setting value moves it and calls oninput.
export function slider({ label, min, max, step, value, format = String, oninput }) {
  const output = element("output");
  const input = element("input", { type: "range", min, max, step, value });
  const show = () => {
    output.textContent = format(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  const change = () => {
    show();
    oninput?.(Number(input.value));
  };
  input.addEventListener("input", change);
  show();
  return {
    node: element("label", { class: "demo-slider" }, element("span", {}, label), input, output),
    get value() {
      return Number(input.value);
    },
    set value(number) {
      input.value = number;
      change();
    },
  };
}

// A labelled choice among [[value, text], ...]: { node, value }.
export function choice({ label, options, value, onchange }) {
  const select = element("select", { onchange: () => onchange?.(select.value) });
  for (const [key, text] of options) select.append(element("option", { value: key }, text));
  select.value = value ?? options[0][0];
  return {
    node: element("label", { class: "demo-choice" }, element("span", {}, label), select),
    get value() {
      return select.value;
    },
    set value(key) {
      select.value = key;
      onchange?.(key);
    },
  };
}

export function checkbox({ label, checked = false, onchange }) {
  const input = element("input", { type: "checkbox", checked });
  input.addEventListener("change", () => onchange?.(input.checked));
  return {
    node: element("label", { class: "demo-checkbox" }, input, element("span", {}, label)),
    get checked() {
      return input.checked;
    },
  };
}

// A line that screen readers announce, at most once in half a second: { node, say }.
export function status() {
  const node = element("p", { class: "demo-status", role: "status" });
  let timer = null;
  let text = "";
  return {
    node,
    say(sentence) {
      text = sentence;
      timer ??= setTimeout(() => {
        timer = null;
        if (node.textContent !== text) node.textContent = text;
      }, node.textContent ? 500 : 0);
    },
  };
}

// Horizontal bars of probabilities: { node, update }; update takes one number of 0 to 1 a label.
export function bars({ title, labels }) {
  const rows = labels.map((label) => {
    const fill = element("span", { class: "demo-bar-fill" });
    const number = element("span", { class: "demo-bar-number" });
    const track = element("span", { class: "demo-bar-track", "aria-hidden": "true" }, fill);
    const node = element("li", {}, element("span", { class: "demo-bar-label" }, label), track, number);
    return { node, fill, number };
  });
  const list = element("ul", { class: "demo-bars", "aria-label": title });
  list.append(...rows.map((row) => row.node));
  const heading = element("p", { class: "demo-title" }, title);
  return {
    node: element("div", {}, heading, list),
    update(values) {
      const best = values.indexOf(Math.max(...values));
      rows.forEach(({ node, fill, number }, index) => {
        fill.style.width = `${100 * values[index]}%`;
        number.textContent = values[index].toFixed(2);
        node.classList.toggle("demo-best", index === best);
      });
    },
  };
}

// A canvas of width x height pixels that is drawn on in its own coordinates: { node, context }.
//   shown           CSS pixels it is wide at most
//   down, move, up  called with { x, y } while a pointer is held; a touch does not scroll the page
//   key             called with a KeyboardEvent; return true if the key was used
// Without any of these it is a picture: `label` is its text for those who do not see it.
export function surface({ label, width, height, shown = width, down, move, up, key }) {
  const active = down || move || key;
  const node = element("canvas", {
    width,
    height,
    class: "demo-canvas",
    role: active ? "application" : "img",
    "aria-label": label,
    tabindex: active ? "0" : false,
    style: `max-width: ${shown}px; aspect-ratio: ${width} / ${height}`,
  });
  const place = (event) => {
    const box = node.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * width,
      y: ((event.clientY - box.top) / box.height) * height,
      event,
    };
  };
  if (down || move) {
    node.style.touchAction = "none";
    node.addEventListener("pointerdown", (event) => {
      node.setPointerCapture(event.pointerId);
      down?.(place(event));
    });
    node.addEventListener("pointermove", (event) => {
      if (node.hasPointerCapture(event.pointerId)) move?.(place(event));
    });
    node.addEventListener("lostpointercapture", (event) => up?.(place(event)));
  }
  if (key) {
    node.addEventListener("keydown", (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.altKey && key(event)) event.preventDefault();
    });
  }
  return { node, context: node.getContext("2d") };
}

// Calls an async function for the latest arguments only: what arrives while it runs waits, and of
// several that wait the last one counts.
export function latest(task) {
  let running = false;
  let waiting = null;
  return async (...given) => {
    waiting = given;
    if (running) return;
    running = true;
    try {
      while (waiting) {
        const next = waiting;
        waiting = null;
        await task(...next);
      }
    } finally {
      running = false;
    }
  };
}

// The page's colours as CSS colours, and the figures' palette.
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--pst-color-${name}`).trim();
  const dark = document.documentElement.dataset.theme === "dark";
  return {
    dark,
    text: read("text-base"),
    muted: read("text-muted"),
    border: read("border"),
    background: read("background"),
    surface: read("surface"),
    accent: read("primary"),
    series: dark
      ? ["#7cc4f0", "#f0a860", "#7fd6a8", "#e59ac8", "#e8d66b", "#b7a6f5"]
      : ["#005a8f", "#b35900", "#1b7a4b", "#a0447e", "#7a6a00", "#5b4bb5"],
  };
}

// Calls redraw whenever the reader changes between light and dark.
export function onTheme(redraw) {
  new MutationObserver(redraw).observe(document.documentElement, {
    attributes: true,
    attributeFilter: ["data-theme"],
  });
}
