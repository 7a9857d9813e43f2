// Opens a demo: loads its module, its data and its models, and lets it run them.
const SITE = new URL("../../", import.meta.url);

let library; // ONNX Runtime, once for all demos of a page

function onnxruntime() {
  library ??= import(new URL("onnxruntime/ort.wasm.min.mjs", SITE)).then((ort) => {
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = new URL("onnxruntime/", SITE).href;
    ort.env.logLevel = "error";
    return ort;
  });
  return library;
}

async function get(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address.pathname}: ${answer.status}`);
  return answer;
}

async function load(titles, folder) {
  if (!titles.length) return {};
  const files = titles.map((title) => get(new URL(`${title}.onnx`, folder)));
  const ort = await onnxruntime();
  const sessions = {};
  for (const [index, title] of titles.entries()) {
    const bytes = new Uint8Array(await (await files[index]).arrayBuffer());
    sessions[title] = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  }
  return sessions;
}

const TYPES = { Float32Array: "float32", BigInt64Array: "int64" };

// Fills the place of a demo. Its module exports start({ root, data, run, report }):
//   root    an empty element for what the demo shows
//   data    what the chapter gave
//   run     async run(title, ...inputs): the model's outputs; a tensor is { data, dims }, data a
//           Float32Array or a BigInt64Array. One run at a time, in the order of the calls.
//   report  report(title, inputs, outputs): tells of an answer that no ONNX model gave
// Every answer is told by an event "demo:run" from the place, for whoever listens.
export async function open(place) {
  const folder = new URL(place.dataset.files, document.baseURI);
  const [module, about] = await Promise.all([
    import(`./${place.dataset.demo}.js`),
    get(new URL("demo.json", folder)).then((answer) => answer.json()),
  ]);
  const sessions = await load(about.models, folder);

  const report = (title, inputs, outputs) => {
    const detail = { title, inputs, outputs, time: performance.now() };
    place.dispatchEvent(new CustomEvent("demo:run", { bubbles: true, detail }));
  };
  let queue = Promise.resolve();
  const run = (title, ...inputs) => {
    const answer = queue.then(async () => {
      const { Tensor } = await onnxruntime();
      const session = sessions[title];
      const feeds = {};
      inputs.forEach(({ data, dims }, index) => {
        feeds[session.inputNames[index]] = new Tensor(TYPES[data.constructor.name], data, dims);
      });
      const results = await session.run(feeds);
      const outputs = session.outputNames.map((name) => {
        return { data: results[name].data, dims: [...results[name].dims] };
      });
      report(title, inputs, outputs);
      return outputs;
    });
    queue = answer.catch(() => {});
    return answer;
  };

  const root = document.createElement("div");
  root.className = "demo-body";
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", `Demo: ${place.dataset.demo.replaceAll("-", " ")}`);
  place.append(root);
  try {
    await module.start({ root, data: about.data, run, report });
  } catch (error) {
    root.remove();
    throw error;
  }
  for (const picture of place.closest(".cell_output")?.querySelectorAll("img") ?? []) {
    if (!place.contains(picture)) picture.hidden = true;
  }
  root.querySelector("button, input, select, [tabindex='0']")?.focus({ preventScroll: true });
}
