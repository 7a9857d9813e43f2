// Puts a button where a page has a demo; all that the demo needs is loaded when it is pressed.
{
  const runtime = new URL("runtime.js", document.currentScript.src);
  for (const place of document.querySelectorAll(".demo")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `Try it: ${place.dataset.demo.replaceAll("-", " ")}`;
    const note = document.createElement("p");
    note.className = "demo-note";
    note.setAttribute("role", "status");
    place.append(button, note);
    button.addEventListener("click", async () => {
      if (location.protocol === "file:") {
        note.textContent = "A browser runs demos only from a server: start one with “make serve”.";
        return;
      }
      button.disabled = true;
      note.textContent = "Loading …";
      try {
        const { open } = await import(runtime);
        await open(place);
        button.remove();
        note.remove();
      } catch (error) {
        button.disabled = false;
        note.textContent = `The demo could not be loaded (${error.message}). Its picture stays.`;
      }
    });
  }
}
