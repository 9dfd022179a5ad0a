// Runs before the page is drawn: the colours that the reader has chosen, or else those of the system.
"use strict";
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const draw = () => {
    const chosen = root.dataset.mpScheme;
    const dark = chosen === "system" ? system.matches : chosen === "dark";
    root.style.colorScheme = dark ? "dark" : "light";
    document.body?.setAttribute("data-md-color-scheme", dark ? "slate" : "default");
  };
  let kept = null;
  try {
    kept = localStorage.getItem("modelport-scheme");
  } catch {
    // The browser keeps nothing: then a choice lasts as long as the page.
  }
  root.classList.remove("no-js");
  root.dataset.mpScheme = kept === "light" || kept === "dark" ? kept : "system";
  root.addEventListener("mp-scheme", draw);
  system.addEventListener("change", draw);
  draw();
  // The body does not exist yet; an observer is called before it is painted.
  new MutationObserver((_, observer) => {
    if (!document.body) return;
    observer.disconnect();
    draw();
  }).observe(root, { childList: true });
})();
