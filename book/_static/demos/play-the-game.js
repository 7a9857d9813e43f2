// Play mini-Breakout beside the chapter's agent, and see what it thinks of every move.
import { BALL, BRICK, Game, PADDLE, SIDE, serve } from "./breakout.js";
import { button, checkbox, colours, element, onTheme, slider, status, surface } from "./widgets.js";

const ACTIONS = ["stay", "left", "right"];
const KEYS = { ArrowDown: 0, ArrowLeft: 1, ArrowRight: 2 };
const CELL = 40; // pixels of the canvas
const SHOWN = 60; // moves in the strip
const SPAN = 2; // a full bar, in units of value: so much better than the worst move

const highest = (values) => values.indexOf(Math.max(...values));

// As the chapter's pictures show the game, in light and in dark.
function paint(context, screen) {
  context.fillStyle = "#121621";
  context.fillRect(0, 0, SIDE * CELL, SIDE * CELL);
  screen.forEach((pixel, index) => {
    const [row, column] = [Math.floor(index / SIDE), index % SIDE];
    if (pixel === BRICK) context.fillStyle = ["#d55e00", "#e69f00", "#009e73"][row - 1];
    else context.fillStyle = pixel === PADDLE ? "#56b4e9" : "#ffffff";
    const size = 0.85 * CELL;
    if (pixel === BRICK || pixel === PADDLE) {
      context.fillRect(column * CELL + 3, row * CELL + 3, size, size);
    } else if (pixel === BALL) {
      context.beginPath();
      context.arc((column + 0.5) * CELL, (row + 0.5) * CELL, 0.42 * CELL, 0, 2 * Math.PI);
      context.fill();
    }
  });
}

// The three values as numbers; the bars show by how much each is above the smallest.
function chart(title) {
  const rows = ACTIONS.map((action) => {
    const fill = element("span", { class: "demo-bar-fill" });
    const number = element("span", { class: "demo-bar-number" }, "–");
    const mark = element("span", { class: "demo-bar-mark" });
    const label = element("span", { class: "demo-bar-label" }, action, mark);
    const track = element("span", { class: "demo-bar-track", "aria-hidden": "true" }, fill);
    const node = element("li", {}, label, track, number);
    node.style.gridTemplateColumns = "6.5em 1fr 3em";
    return { node, fill, number, mark };
  });
  const list = element("ul", { class: "demo-bars", "aria-label": title });
  list.append(...rows.map((row) => row.node));
  return {
    node: element("div", {}, element("p", { class: "demo-title" }, title), list),
    update(values, move) {
      rows.forEach(({ node, fill, number, mark }, index) => {
        const above = values ? (values[index] - Math.min(...values)) / SPAN : 0;
        fill.style.width = `${100 * Math.min(1, above)}%`;
        number.textContent = values ? values[index].toFixed(2) : "–";
        node.classList.toggle("demo-best", Boolean(values) && index === highest(values));
        mark.textContent = index === move ? " ◂ you" : "";
      });
    },
  };
}

export async function start({ root, run }) {
  const line = status();
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let palette = colours(); // kept, since reading it makes the browser lay out the page
  let running = false;
  let seed = 0;
  let moves = []; // the reader's: { move, best, cost }

  // The next move of the reader: what was pressed since the last step, else what is held down.
  let pressed = null;
  let held = null;
  const players = ["You", "Agent"].map((name) => {
    const own = name === "You";
    const moving = "Arrow keys left and right move the paddle, down stays.";
    const keys = `${moving} Space starts and pauses, Enter plays one step.`;
    const board = surface({
      label: own ? `Your game. ${keys}` : "",
      width: SIDE * CELL,
      height: SIDE * CELL,
      shown: 320,
      key: own && onKey,
    });
    const score = element("p", { class: "demo-title" });
    const title = own ? "On your board, the agent values" : "On its board, the agent values";
    return { name, board, score, chart: chart(title), record: 0 };
  });
  const [you, agent] = players;
  const alive = () => players.filter((player) => !player.over);
  const choice = () => {
    return helped.checked && you.values ? highest(you.values) : (pressed ?? held ?? 0);
  };

  // The agent looks at both boards. An answer about a game that is gone is not shown.
  async function look() {
    const asked = alive().map((player) => ({ player, game: player.game }));
    if (!asked.length) return show();
    const data = new Float32Array(asked.length * 2 * SIDE * SIDE);
    asked.forEach(({ game }, index) => {
      game.frames.forEach((frame, past) => data.set(frame, (2 * index + past) * SIDE * SIDE));
    });
    const [answer] = await run("agent", { data, dims: [asked.length, 2, SIDE, SIDE] });
    asked.forEach(({ player, game }, index) => {
      if (player.game === game) player.values = [...answer.data.slice(3 * index, 3 * index + 3)];
    });
    show();
  }

  async function step() {
    const playing = alive();
    if (!playing.length || playing.some((player) => !player.values)) return;
    for (const player of playing) {
      const best = highest(player.values);
      const move = player === you ? choice() : best;
      const cost = player.values[best] - player.values[move];
      if (player === you && !helped.checked) moves.push({ move, best, cost });
      const { reward, lost, late } = player.game.step(move);
      player.bricks += reward;
      player.over = lost ? "ball lost" : late && "time is up";
      player.values = null;
      // What the agent did with the reader's paddle is not the reader's record.
      if (player === you && helped.checked) player.helped = true;
      if (!player.helped) player.record = Math.max(player.record, player.bricks);
    }
    pressed = null;
    await look();
    if (!alive().length) pause();
  }

  let timer;
  function pause() {
    running = false;
    clearTimeout(timer);
    show();
  }
  function toggle() {
    if (running) return pause();
    if (!alive().length) renew();
    running = true;
    show();
    const next = () => {
      timer = setTimeout(async () => {
        const mine = timer;
        await step();
        if (running && timer === mine) next();
      }, 1000 / speed.value);
    };
    next();
  }
  function renew() {
    running = false;
    clearTimeout(timer);
    seed += 1;
    for (const player of players) {
      Object.assign(player, { game: new Game(serve(seed)), bricks: 0, over: false });
      Object.assign(player, { values: null, helped: false });
    }
    moves = [];
    [pressed, held] = [null, null];
    return look();
  }

  function sentence() {
    const parts = [];
    const last = moves.at(-1);
    if (last && !helped.checked) {
      const cost = `worth ${last.cost.toFixed(2)} less by its values`;
      const differs = `the agent would have chosen ${ACTIONS[last.best]} (yours is ${cost})`;
      const verdict = last.cost ? differs : "so would the agent";
      parts.push(`Your last move: ${ACTIONS[last.move]}; ${verdict}.`);
    }
    if (you.values) parts.push(`Here it would choose ${ACTIONS[highest(you.values)]}.`);
    for (const player of players) {
      if (player.over) parts.push(`${player.name}: ${player.over} at step ${player.game.steps}.`);
    }
    return `Serve ${seed}, step ${Math.max(you.game.steps, agent.game.steps)}. ${parts.join(" ")}`;
  }

  function show() {
    players.forEach((player) => {
      paint(player.board.context, player.game.frames[1]);
      const { name, bricks, record } = player;
      player.score.textContent = `${name}: ${bricks} bricks · record ${record}`;
      player.chart.update(player.values, player === you && you.values ? choice() : null);
    });
    const words = `The agent's game: ${agent.bricks} bricks broken.`;
    agent.board.node.setAttribute("aria-label", words);
    go.textContent = running ? "Pause" : "Start";
    one.disabled = running || !alive().length;
    for (const [action, node] of sides) {
      node.setAttribute("aria-pressed", String(!you.over && choice() === action));
    }
    strip();
    // While the game runs, the line changes too fast to be read aloud.
    line.node.setAttribute("aria-live", running ? "off" : "polite");
    line.say(sentence());
  }

  // One column for each of the latest moves: a dot where the reader did as the agent would have,
  // else a bar as high as the difference of the values.
  const costs = surface({ label: "", width: 6 * SHOWN, height: 48, shown: 6 * SHOWN });
  const summary = element("p", { class: "demo-help" });
  function strip() {
    const { context } = costs;
    const { background, text, series } = palette;
    context.fillStyle = background;
    context.fillRect(0, 0, 6 * SHOWN, 48);
    moves.slice(-SHOWN).forEach(({ cost }, index) => {
      const height = cost ? 4 + 42 * Math.min(1, cost / SPAN) : 2;
      context.fillStyle = cost ? series[1] : text;
      context.fillRect(6 * index + 1, 47 - height, 4, height);
    });
    const different = moves.filter((move) => move.cost > 0);
    const most = Math.max(0, ...moves.map((move) => move.cost));
    const counted = `${different.length} of ${moves.length} moves differ`;
    summary.textContent = `${counted}, at most by ${most.toFixed(2)}.`;
    costs.node.setAttribute("aria-label", `What your moves cost: ${summary.textContent}`);
  }

  // Keys and on-screen buttons do the same: a tap counts for one step, holding for as long.
  function press(action) {
    held = action || null;
    // On a board that stands still, the same button again takes the choice back.
    pressed = !running && pressed === action ? null : action;
    show();
  }
  function release(action) {
    if (held !== action) return;
    held = null;
    show();
  }
  function onKey(event) {
    if (event.key !== " " && event.key !== "Enter") return false;
    if (event.repeat) return true;
    if (event.key === " ") toggle();
    else if (!running) step();
    return true;
  }
  // Wherever the focus is in the demo, but on the slider, which has arrow keys of its own.
  root.addEventListener("keydown", (event) => {
    if (!(event.key in KEYS) || event.target.type === "range") return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (!event.repeat) {
      pressed = null;
      press(KEYS[event.key]);
    }
  });
  document.addEventListener("keyup", (event) => event.key in KEYS && release(KEYS[event.key]));
  addEventListener("blur", () => (held = null));
  const sides = [1, 2].map((action) => {
    const node = button(action === 1 ? "◀ Left" : "Right ▶", (event) => {
      if (event.detail) return; // the pointer has been dealt with
      press(action);
      release(action);
    });
    node.addEventListener("pointerdown", (event) => {
      node.setPointerCapture(event.pointerId);
      press(action);
    });
    node.addEventListener("lostpointercapture", () => release(action));
    node.addEventListener("contextmenu", (event) => event.preventDefault());
    Object.assign(node.style, { flex: "1 1 6rem", touchAction: "none", userSelect: "none" });
    return [action, node];
  });

  const go = button("Start", toggle);
  const one = button("Step", step);
  const rate = (value) => `${value} a second`;
  const value = calm ? 2 : 4;
  const speed = slider({ label: "Steps", min: 1, max: 12, step: 1, value, format: rate });
  const helped = checkbox({ label: "The agent holds my paddle", onchange: show });
  Object.assign(helped.node.firstChild.style, { width: "1.5rem", height: "1.5rem" });
  const boards = element(
    "div",
    { class: "demo-wide" },
    ...players.map(({ board, score }) => element("div", {}, score, board.node)),
  );
  Object.assign(boards.style, { display: "grid", gap: "0.8rem", maxWidth: "42rem" });
  boards.style.gridTemplateColumns = "repeat(2, minmax(0, 1fr))";
  const controls = element(
    "div",
    { class: "demo-wide" },
    element("div", { class: "demo-row" }, ...sides.map(([, node]) => node)),
    element("div", { class: "demo-row" }, go, one, button("New game", renew), speed.node),
    helped.node,
  );
  controls.style.maxWidth = "42rem";
  const title = element("p", { class: "demo-title" }, "What your moves cost");
  root.append(
    boards,
    controls,
    element("div", {}, you.chart.node, title, costs.node, summary),
    agent.chart.node,
    line.node,
  );
  onTheme(() => {
    palette = colours();
    show();
  });
  await renew();
}
