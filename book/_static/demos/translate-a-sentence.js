// Translate a sentence: the chapter's Transformer writes it word by word, with the probability of
// each word and, for every head, where in the English sentence it looked.
import { bars, button, choice, element, status } from "./widgets.js";

const [PAD, BOS, EOS] = [0, 1, 2];
const SPECIAL = 4; // the first numbers of a vocabulary stand for no word: these, and "unknown"
const ROW = 32; // CSS pixels of a row of words
const PAUSE = 500; // milliseconds between words that come by themselves
const STROKE = 9; // CSS pixels of the line of a whole attention

const CELL =
  `display: flex; gap: 0.5rem; align-items: center; height: ${ROW}px; margin: 0; ` +
  "white-space: nowrap";
const NUMBER = "margin-left: auto; min-width: 2.3em; font-variant-numeric: tabular-nums";
const RADIO = "width: 1.5rem; height: 1.5rem; margin: 0; accent-color: var(--pst-color-primary)";
const FIELD =
  "flex: 1 1 14rem; min-width: 0; min-height: 2.5rem; padding: 0.35rem 0.6rem; font: inherit; " +
  "color: inherit; background: var(--pst-color-background); " +
  "border: 1px solid var(--pst-color-text-muted)";

export function split(text) {
  return text.toLowerCase().replace(/[.,;:!?]/g, " ").split(/\s+/).filter(Boolean);
}

// What keeps a sentence from being translated, with the remedy; "" if nothing does.
export function trouble(words, vocabulary, most) {
  if (!words.length) return "There is no sentence yet: type one, or press “Another sentence”.";
  const unknown = [...new Set(words)].filter((word) => !vocabulary.includes(word));
  if (unknown.length) {
    const starts = unknown.map((word) => word.slice(0, 3));
    const near = vocabulary.filter((word) => starts.includes(word.slice(0, 3)));
    const remedy = near.length ? `Near it: ${near.join(", ")}.` : "Its words are listed below.";
    return `It has never met “${unknown.join("”, “")}”. ${remedy}`;
  }
  const over = words.length - most;
  return over > 0 ? `It takes ${most} words at most: leave out ${over}.` : "";
}

// Neighbours that training never showed.
export function strange(words, follows) {
  const pairs = words.map((word, index) => [words[index - 1] ?? "", word]);
  const news = pairs.filter(([before, word]) => !follows[before]?.includes(word));
  return [...new Set(news.map(([before, word]) => `“${`${before} ${word}`.trim()}”`))];
}

// data: { words: the English and the French by their numbers; sizes: { longest, layers, heads };
//         pairs: the neighbours [a, b] met in training, ["", b] at the start of a sentence;
//         examples: [English, the chapter's translation, the right one or null], ... }
export async function start({ root, data, run }) {
  const { longest, layers, heads } = data.sizes;
  const [known, target] = data.words;
  const vocabulary = known.slice(SPECIAL);
  const follows = {};
  for (const [a, b] of data.pairs) (follows[a] ??= []).push(b);
  const line = status();
  let job; // the sentence in work: { words, source, steps, truth, done }
  let chosen = -1; // the step whose lines are shown
  let playing = false;

  // One more word: the model reads what is written so far, the likeliest next word is appended.
  async function advance(mine) {
    const written = new BigInt64Array(longest).fill(BigInt(PAD));
    written.set([BOS, ...mine.steps.map(({ id }) => id)].map(BigInt));
    const source = { data: mine.source, dims: [1, longest] };
    const [scores, looks] = await run("translator", source, { data: written, dims: [1, longest] });
    const [at, size] = [mine.steps.length, target.length];
    const share = Array.from(scores.data.subarray(at * size, (at + 1) * size), Math.exp);
    const best = share.map((_, id) => id).sort((a, b) => share[b] - share[a]).slice(0, 4);
    const look = Array.from({ length: layers * heads }, (_, head) => {
      const from = (head * longest + at) * longest;
      return Array.from(looks.data.subarray(from, from + mine.words.length));
    });
    const word = best[0] === EOS ? "end" : target[best[0]];
    mine.steps.push({ id: best[0], word, share, best, look });
    mine.done = best[0] === EOS || mine.steps.length === longest;
    if (mine === job) addRow();
  }
  // One at a time, however fast Step is pressed; a newer sentence or a restart makes it void.
  let work = Promise.resolve();
  const queue = (mine) => (work = work.then(() => mine === job && !mine.done && advance(mine)));

  async function play(mine, moving) {
    playing = true;
    again.textContent = moving ? "Stop" : "Again";
    while (playing && mine === job && !mine.done) {
      await queue(mine);
      if (moving && !mine.done) await new Promise((resume) => setTimeout(resume, PAUSE));
    }
    if (mine !== job) return;
    stop();
    // What came all at once is read from its first word.
    if (!moving && mine.done) {
      choose(0);
      line.say(result());
    }
  }
  function stop() {
    playing = false;
    again.textContent = "Again";
  }
  const moves = () => !matchMedia("(prefers-reduced-motion: reduce)").matches;

  // An empty translation of the sentence.
  function begin(words, truth) {
    const ids = [...words.map((word) => known.indexOf(word)), EOS];
    const source = new BigInt64Array(longest).fill(BigInt(PAD));
    source.set(ids.map(BigInt));
    job = { words: [...words, "end"], source, steps: [], truth, done: false };
    chosen = -1;
    stop();
    french.replaceChildren();
    english.replaceChildren(
      ...job.words.map((word) => {
        const number = element("span", { style: NUMBER });
        return element("li", { style: CELL }, element("span", {}, word), number);
      }),
    );
    draw();
    return job;
  }

  function translate(moving) {
    const words = split(input.value);
    const why = trouble(words, vocabulary, longest - 1);
    input.setAttribute("aria-invalid", String(Boolean(why)));
    if (why) {
      line.say(why);
      return;
    }
    const [, , truth] = data.examples.find(([text]) => text === words.join(" ")) ?? [];
    const news = strange(words, follows);
    note.textContent = news.length ? `Never met in training: ${news.join(", ")}.` : HELP;
    play(begin(words, truth), moving);
  }

  let turn = -1;
  function another(moving) {
    turn = (turn + 1) % data.examples.length;
    input.value = data.examples[turn][0];
    translate(moving);
  }

  function addRow() {
    const index = job.steps.length - 1;
    const { word, share, id } = job.steps[index];
    const radio = element("input", { type: "radio", name: "translate-word", style: RADIO });
    radio.addEventListener("change", () => choose(index));
    const text = element("span", { lang: word === "end" ? "en" : "fr" }, word);
    const number = element("span", { style: NUMBER }, share[id].toFixed(2));
    french.append(element("label", { style: CELL }, radio, text, number));
    choose(index);
    if (job.done) line.say(result());
  }

  function result() {
    const words = job.steps.filter(({ id }) => id !== EOS).map(({ word }) => word);
    const said = words.join(" ");
    const ended = job.steps.at(-1).id === EOS ? "" : ` It found no end in ${longest} words.`;
    const right = job.truth === said ? "That is right." : `Right would be “${job.truth}”.`;
    const verdict = job.truth ? ` ${right}` : "";
    return `“${job.words.slice(0, -1).join(" ")}” becomes “${said}”.${ended}${verdict}`;
  }

  // Where the model looked at one step: one head's weights, or the mean of a layer's heads.
  function look(step) {
    const [from, to] = head.value.split(",").map(Number);
    const some = step.look.slice(from, to);
    return some[0].map((_, place) => some.reduce((sum, w) => sum + w[place], 0) / some.length);
  }

  function choose(index) {
    chosen = index;
    french.querySelectorAll("input")[index].checked = true;
    draw();
    const { word, share, id } = job.steps[index];
    const weights = look(job.steps[index]);
    const most = weights.indexOf(Math.max(...weights));
    const text = head.node.querySelector("select").selectedOptions[0].textContent;
    line.say(
      `Word ${index + 1}, “${word}”, probability ${share[id].toFixed(2)}. ` +
        `${text} looks most at “${job.words[most]}”, ${weights[most].toFixed(2)}.`,
    );
  }

  // The lines of all words thin and grey, those of the chosen word on top; numbers and rivals.
  function draw() {
    const height = ROW * Math.max(job.words.length, job.steps.length);
    lines.setAttribute("viewBox", `0 0 100 ${height}`);
    lines.style.height = `${height}px`;
    const order = [...job.steps.keys()].filter((index) => index !== chosen);
    if (chosen >= 0) order.push(chosen);
    const paths = order.flatMap((index) => {
      const mine = index === chosen;
      return look(job.steps[index]).map((weight, place) => {
        if (weight < (mine ? 0.005 : 0.2)) return "";
        const [from, to] = [(index + 0.5) * ROW, (place + 0.5) * ROW];
        const colour = `var(--pst-color-${mine ? "primary" : "border"})`;
        const width = (mine ? STROKE : STROKE / 3) * weight;
        return (
          `<path d="M100 ${from} C60 ${from} 40 ${to} 0 ${to}" fill="none" data-step="${index}" ` +
          `data-place="${place}" stroke-width="${width.toFixed(3)}" ` +
          `vector-effect="non-scaling-stroke" style="stroke: ${colour}"/>`
        );
      });
    });
    lines.innerHTML = paths.join("");

    const step = job.steps[chosen];
    const weights = step ? look(step) : [];
    [...english.children].forEach((item, place) => {
      const most = weights[place] === Math.max(...weights);
      item.lastChild.textContent = weights.length ? weights[place].toFixed(2) : "";
      item.style.fontWeight = most ? 700 : 400;
    });
    if (!step) {
      rivals.replaceChildren();
      return;
    }
    const labels = step.best.map((id) => (id === EOS ? "end" : target[id]));
    const chart = bars({ title: `Word ${chosen + 1}: “${step.word}” and its rivals`, labels });
    chart.update(step.best.map((id) => step.share[id]));
    for (const label of chart.node.querySelectorAll(".demo-bar-label")) label.style.width = "6.5em";
    rivals.replaceChildren(chart.node);
  }

  // Suggestions complete what is typed with words that came next in training.
  function suggest() {
    const text = input.value.toLowerCase();
    const kept = text.slice(0, text.lastIndexOf(" ") + 1);
    const next = follows[split(kept).at(-1) ?? ""] ?? [];
    const fitting = next.filter((word) => word.startsWith(text.slice(kept.length)));
    list.replaceChildren(...fitting.map((word) => element("option", { value: kept + word })));
  }

  const HELP = `Up to ${longest - 1} words from the list below; what may come next is suggested.`;
  const list = element("datalist", { id: "translate-suggestions" });
  const note = element("p", { class: "demo-help", id: "translate-note" }, HELP);
  const input = element("input", {
    type: "text",
    id: "translate-field",
    list: list.id,
    "aria-describedby": note.id,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    style: FIELD,
    oninput: suggest,
    onfocus: suggest,
  });
  const form = element(
    "form",
    { class: "demo-wide" },
    element("label", { class: "demo-title", for: input.id }, "An English sentence"),
    element(
      "div",
      { class: "demo-row" },
      input,
      list,
      element("button", { type: "submit" }, "Translate"),
      button("Another sentence", () => another(moves())),
    ),
    note,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    translate(moves());
  });

  const restart = () => begin(job.words.slice(0, -1), job.truth);
  const again = button("Again", () => (playing ? stop() : play(restart(), moves())));
  const onward = button("Step", () => {
    stop();
    queue(job.done ? restart() : job);
  });
  const options = [];
  for (let layer = layers - 1; layer >= 0; layer -= 1) {
    const first = layer * heads;
    options.push([`${first},${first + heads}`, `Layer ${layer + 1}, all heads`]);
    for (let one = 0; one < heads; one += 1) {
      const value = `${first + one},${first + one + 1}`; // which of all layers' heads are averaged
      options.push([value, `Layer ${layer + 1}, head ${one + 1}`]);
    }
  }
  const head = choice({
    label: "Attention of",
    options,
    onchange: () => (chosen < 0 ? draw() : choose(chosen)),
  });

  const english = element("ol", { "aria-label": "English, and how much is looked at each word" });
  english.style.cssText = "list-style: none; margin: 0; padding: 0";
  const french = element("div", { role: "radiogroup" });
  french.setAttribute("aria-label", "The translation: choose a word to see where the model looked");
  const lines = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  lines.setAttribute("preserveAspectRatio", "none");
  lines.setAttribute("aria-hidden", "true");
  lines.style.cssText = "display: block; width: 100%";
  const title = (text) => element("p", { class: "demo-title" }, text);
  const picture = element(
    "div",
    {
      style:
        "display: grid; grid-template-columns: auto minmax(2.5rem, 12rem) auto; " +
        "gap: 0.3rem 0.4rem; justify-content: start; flex-basis: 20rem",
    },
    title("Looks at"),
    element("span"),
    title("Writes"),
    english,
    lines,
    french,
  );
  const rivals = element("div", { style: "margin-top: 0.8rem" });
  root.append(
    form,
    line.node,
    picture,
    element("div", {}, element("div", { class: "demo-row" }, again, onward), head.node, rivals),
    element(
      "details",
      { class: "demo-wide" },
      element("summary", {}, `The ${vocabulary.length} words it knows`),
      element("p", {}, vocabulary.join(", ")),
    ),
  );
  another(false);
}
