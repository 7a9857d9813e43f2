// On paper the page is light, whatever the screen shows.
addEventListener("DOMContentLoaded", () => {
  "use strict";
  const page = document.documentElement;
  let theme = page.dataset.theme;
  matchMedia("print").addEventListener("change", ({ matches }) => {
    if (matches) theme = page.dataset.theme;
    page.dataset.theme = matches ? "light" : theme;
  });
});
