// Sets formulas: `node formulas.js MATHJAX < input > output`.
//   input   a JSON list of { tex, display }
//   output  { html: one text for each, css: the style sheet for all of them, errors }
const { readFileSync } = require("node:fs");

console.log = console.warn = console.info = () => {}; // what MathJax says must not reach the output

require(`${process.argv[2]}/node-main.js`)
  .init({
    loader: { load: ["input/tex", "output/chtml", "adaptors/liteDOM"] },
    tex: { packages: { "[-]": ["noundefined"] } }, // an unknown command is an error
    chtml: { fontURL: "fonts" }, // beside the style sheet
  })
  .then(async (MathJax) => {
    const { adaptor } = MathJax.startup;
    const [html, errors] = [[], []];
    for (const { tex, display } of JSON.parse(readFileSync(0, "utf8"))) {
      const container = await MathJax.tex2chtmlPromise(tex, { display });
      const mathml = (await MathJax.tex2mmlPromise(tex, { display })).replace(/>\s+</g, "><");
      const error = /data-mjx-error="([^"]*)"/.exec(mathml);
      if (error) errors.push(`${error[1]}: ${tex}`);
      // As MathJax does in a page: glyphs for the eye, MathML for a screen reader.
      const place = display ? "block" : "inline";
      const hidden = `<mjx-assistive-mml unselectable="on" display="${place}">${mathml}</mjx-assistive-mml>`;
      html.push(
        adaptor
          .outerHTML(container)
          .replace('<mjx-math class=" MJX-TEX"', '<mjx-math class="MJX-TEX" aria-hidden="true"')
          .replace(/<\/mjx-container>$/, `${hidden}</mjx-container>`),
      );
    }
    const css = adaptor.textContent(MathJax.chtmlStylesheet());
    process.stdout.write(JSON.stringify({ html, css, errors }));
  })
  .catch((error) => {
    process.stderr.write(`${error.stack ?? error}\n`);
    process.exit(1);
  });
