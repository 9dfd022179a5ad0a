// Runs before the page is drawn: what Material's own scripts call, and the colours the reader has chosen.
"use strict";
var __md_scope = new URL(document.currentScript.dataset.scope, location);
var __md_hash = (text) => [...text].reduce((sum, one) => (sum << 5) - sum + one.charCodeAt(0), 0);
var __md_get = (key, storage = localStorage, scope = __md_scope) => {
  try {
    return JSON.parse(storage.getItem(`${scope.pathname}.${key}`));
  } catch {
    return null; // storage may be off, or hold what another program wrote
  }
};
var __md_set = (key, value, storage = localStorage, scope = __md_scope) => {
  try {
    storage.setItem(`${scope.pathname}.${key}`, JSON.stringify(value));
  } catch {
    // storage may be off or full: then the choice lasts as long as the page
  }
};

(() => {
  const root = document.documentElement;
  root.classList.replace("no-js", "js");
  const chosen = __md_get("__palette")?.color;
  const system = !chosen || chosen.media === "(prefers-color-scheme)";
  const dark = system ? matchMedia("(prefers-color-scheme: dark)").matches : chosen.scheme === "slate";
  // The body does not exist yet; an observer is called before the first frame is painted.
  new MutationObserver((_, observer) => {
    if (!document.body) return;
    observer.disconnect();
    document.body.setAttribute("data-md-color-scheme", dark ? "slate" : "default");
  }).observe(root, { childList: true });
})();
