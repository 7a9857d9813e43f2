// Ticks for chapters and exercises. They are kept in this browser under one key and sent nowhere.
// A chapter's name is its page's path; an exercise's is that and its number: notebooks/a/b#2.
addEventListener("DOMContentLoaded", () => {
  "use strict";
  const KEY = "deep-learning-you-can-run.progress";
  const FORMAT = "deep-learning-you-can-run/progress";
  const VERSION = 1;
  const NAME = /^notebooks\/[a-z0-9-]+(\/[a-z0-9-]+)*(#[1-9][0-9]?)?$/;
  const LARGEST = 1_000_000; // bytes of a file; the ticks of the whole book take some ten thousand
  const BLOCKED = "This browser blocks storage for this page, so no ticks can be kept.";

  const isName = (name) => typeof name === "string" && NAME.test(name);
  const root = new URL(document.documentElement.dataset.content_root, location.href);
  const views = []; // functions that bring a part of the page up to date
  let done = new Set(); // the names that are ticked
  let closed = ""; // why ticks cannot be kept at all

  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  function pageOf(address) {
    const path = decodeURI(new URL(address, location.href).pathname);
    return path.slice(decodeURI(root.pathname).length).replace(/\.html$/, "");
  }

  // ---- What is kept ----

  // The names in a stored or exported text; an error says why it is refused.
  function parse(text) {
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      throw new Error("it is not JSON");
    }
    if (data?.format !== FORMAT) throw new Error("it is not a progress file of this book");
    if (data.version !== VERSION) {
      throw new Error(`it is not of version ${VERSION}, the one this edition reads`);
    }
    if (!Array.isArray(data.done) || !data.done.every(isName)) {
      throw new Error("its list of ticks is damaged");
    }
    return new Set(data.done);
  }

  function text() {
    return JSON.stringify({ format: FORMAT, version: VERSION, done: [...done].sort() }, null, 1);
  }

  function load() {
    [done, closed] = [new Set(), ""];
    let kept;
    try {
      kept = localStorage.getItem(KEY);
    } catch {
      closed = BLOCKED;
      return;
    }
    try {
      if (kept !== null) done = parse(kept);
    } catch (error) {
      closed = `The ticks kept in this browser cannot be read: ${error.message}. ` +
        "They are as they were. The page “Progress” can clear them.";
    }
  }

  // Changes what is kept, on top of what other tabs have kept; returns what went wrong, or "".
  function change(edit) {
    load();
    let problem = closed;
    if (!closed) {
      edit(done);
      try {
        localStorage.setItem(KEY, text());
      } catch {
        load();
        problem = "This could not be kept: the browser’s storage is full or blocked.";
      }
    }
    show();
    return problem;
  }

  function show() {
    for (const view of views) view();
  }

  function refresh() {
    load();
    show();
  }

  // ---- Boxes on the pages, marks beside the chapters' names ----

  function tick(name, words, ...more) {
    const box = make("input", { type: "checkbox" });
    const label = make("label", {}, box, ` ${words}`);
    const status = make("output", {});
    box.addEventListener("change", () => {
      const edit = box.checked ? "add" : "delete";
      status.textContent = change((names) => names[edit](name));
    });
    views.push(() => {
      box.checked = done.has(name);
      label.hidden = closed !== "";
    });
    return make("div", { className: "progress-tick d-print-none" }, label, ...more, status);
  }

  function mark(link) {
    const name = pageOf(link.href);
    if (!isName(name)) return;
    const sign = make("span", { ariaHidden: "true" }, "✓");
    const words = make("span", { className: "visually-hidden" }, " (finished)");
    const both = make("span", { className: "progress-mark" }, sign, words);
    link.append(both);
    views.push(() => (both.hidden = !done.has(name)));
  }

  function equip(page) {
    for (const heading of document.querySelectorAll("article section[id^=exercise] > h3")) {
      const number = heading.textContent.match(/^Exercise (\d+) /)?.[1];
      if (number) heading.after(tick(`${page}#${number}`, `I have done exercise ${number}`));
    }
    const link = make("a", { href: new URL("book/progress.html", root).href }, "My progress");
    const why = make("output", {});
    views.push(() => (why.textContent = closed));
    const end = tick(page, "I have finished this chapter", link);
    end.classList.add("progress-end");
    document.querySelector("article.bd-article").append(end, why);
  }

  // ---- The page "Progress" ----

  function overview(panel) {
    const chapters = [...document.querySelectorAll("article tbody tr")].map((row) => {
      const link = row.querySelector("a");
      const cell = row.lastElementChild;
      mark(link);
      return { name: pageOf(link.href), cell, total: Number(cell.textContent) };
    });
    const sum = chapters.reduce((before, chapter) => before + chapter.total, 0);
    const bar = make("progress", { max: chapters.length + sum, ariaLabel: "Chapters and exercises" });
    const words = make("p", {});
    const status = make("output", {});
    const button = (name, act) => {
      const made = make("button", { type: "button" }, name);
      made.addEventListener("click", act);
      return made;
    };

    const input = make("input", { type: "file", accept: ".json,application/json", hidden: true });
    input.addEventListener("change", async () => {
      const file = input.files[0];
      if (file) status.textContent = await taken(file);
      input.value = ""; // so that the same file can be chosen again
    });
    const ready = [
      button("Export", () => {
        const href = `data:application/json,${encodeURIComponent(text())}`;
        const download = "deep-learning-you-can-run-progress.json";
        make("a", { href, download }).click();
        status.textContent = `${done.size} ticks were written to ${download}.`;
      }),
      button("Import", () => input.click()),
    ];
    const clear = button("Clear", () => {
      if (!confirm("Remove all ticks from this browser? Export them first to keep a copy.")) return;
      try {
        localStorage.removeItem(KEY);
        status.textContent = "All ticks were removed.";
      } catch {
        status.textContent = BLOCKED;
      }
      refresh();
    });
    const why = make("output", {});
    const buttons = make("div", { className: "progress-buttons" }, ...ready, clear, input);
    panel.append(words, bar, buttons, status, why);

    views.push(() => {
      let [finished, exercises] = [0, 0];
      for (const { name, cell, total } of chapters) {
        let count = 0;
        for (let number = 1; number <= total; number++) count += done.has(`${name}#${number}`);
        cell.textContent = `${count} of ${total}`;
        exercises += count;
        finished += done.has(name);
      }
      words.textContent = `Finished: ${finished} of ${chapters.length} chapters. ` +
        `Done: ${exercises} of ${sum} exercises.`;
      bar.value = finished + exercises;
      why.textContent = closed;
      for (const element of [words, bar, ...ready]) element.hidden = closed !== "";
      clear.hidden = closed === BLOCKED;
    });
  }

  // Adds the ticks of a file to those that are kept; returns the sentence that says what happened.
  async function taken(file) {
    let names;
    try {
      if (file.size > LARGEST) throw new Error("it is larger than one megabyte");
      names = parse(await file.text());
    } catch (error) {
      return `${file.name} was not imported: ${error.message}. Nothing has changed.`;
    }
    let before;
    const problem = change((kept) => {
      before = kept.size;
      names.forEach((name) => kept.add(name));
    });
    return problem || `${done.size - before} ticks were added from ${file.name}. None was removed.`;
  }

  const page = pageOf(location.href);
  document.querySelectorAll("nav.bd-links a.reference.internal").forEach(mark);
  if (page.startsWith("notebooks/")) equip(page);
  const panel = document.getElementById("my-progress");
  if (panel) overview(panel);
  refresh();
  addEventListener("storage", refresh); // another tab
  addEventListener("pageshow", refresh); // back from another page
});
