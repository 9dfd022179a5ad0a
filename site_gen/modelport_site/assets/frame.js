// The frame's own parts: the switch of colours, the menu, tabs that are remembered, and buttons that copy code.
"use strict";
(() => {
  const NEXT = { system: "light", light: "dark", dark: "system" };
  const WORDS = { system: "as the system says", light: "light", dark: "dark" };
  const root = document.documentElement;
  const keep = (key, value) => {
    try {
      localStorage.setItem(`modelport-${key}`, value);
    } catch {
      // The browser keeps nothing: then a choice lasts as long as the page.
    }
  };
  const kept = (key) => {
    try {
      return localStorage.getItem(`modelport-${key}`);
    } catch {
      return null;
    }
  };

  const button = document.querySelector(".mp-scheme");
  const label = () => {
    const now = root.dataset.mpScheme;
    const words = `Colours: ${WORDS[now]}. Switch to: ${WORDS[NEXT[now]]}`;
    button.setAttribute("aria-label", words);
    button.title = words;
  };
  button.addEventListener("click", () => {
    root.dataset.mpScheme = NEXT[root.dataset.mpScheme];
    keep("scheme", root.dataset.mpScheme);
    root.dispatchEvent(new Event("mp-scheme"));
    label();
  });
  label();

  const menu = document.querySelector("[data-mp-menu]");
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });

  // Tabs are radio buttons, so they work without this; here one choice holds for all tabs with that label, and stays.
  const inputs = [...document.querySelectorAll(".tabbed-set > input")];
  const labelOf = (input) => document.querySelector(`label[for="${input.id}"]`)?.textContent.trim() ?? "";
  const open = (label) => {
    for (const input of inputs) if (labelOf(input) === label) input.checked = true;
  };
  for (const input of inputs) {
    input.addEventListener("change", () => {
      open(labelOf(input));
      keep("tab", labelOf(input));
    });
  }
  if (kept("tab")) open(kept("tab"));

  // What scrolls sideways must scroll by keyboard, too.
  const reach = () => {
    for (const one of document.querySelectorAll("pre > code, .md-typeset table:not([class])")) {
      if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
      else one.removeAttribute("tabindex");
    }
  };
  reach();
  addEventListener("resize", reach);
  for (const input of inputs) input.addEventListener("change", reach);

  const said = document.querySelector("[data-mp-said]");
  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // Without TLS a browser offers no clipboard: copy from a field, as pages did before.
    const field = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (!done) throw new Error("the browser refused");
  };
  for (const code of document.querySelectorAll(".highlight:not(.no-copy) pre > code")) {
    const one = document.createElement("button");
    one.type = "button";
    one.className = "mp-copy";
    one.setAttribute("aria-label", "Copy");
    one.title = "Copy";
    one.addEventListener("click", async () => {
      try {
        await copy(code.textContent.trimEnd());
        said.textContent = "Copied";
      } catch {
        said.textContent = "Could not be copied; select the text instead";
      }
      one.dataset.said = said.textContent;
      setTimeout(() => {
        said.textContent = "";
        delete one.dataset.said;
      }, 2000);
    });
    code.parentElement.append(one);
  }
})();
