// Shows the deck once its fonts are there, and makes text smaller where it does not fit.
"use strict";

const SMALLEST = 22; // pixels that can be read from the back row

const overflows = (page) =>
  page.scrollHeight > page.clientHeight || page.scrollWidth > page.clientWidth;

function fit() {
  const slides = document.querySelector(".slides");
  slides.classList.add("measuring");
  for (const page of slides.querySelectorAll(".page")) {
    let size = parseFloat(getComputedStyle(page).fontSize);
    while (overflows(page) && size > SMALLEST) {
      size -= 1;
      page.style.setProperty("--text-size", `${size}px`);
    }
  }
  slides.classList.remove("measuring");
}

document.fonts.ready.then(() => {
  fit();
  Reveal.initialize({
    width: 1280,
    height: 720,
    margin: 0.02,
    center: false,
    hash: true,
    slideNumber: "c/t",
    transition: "none",
    plugins: [RevealNotes],
  });
});
