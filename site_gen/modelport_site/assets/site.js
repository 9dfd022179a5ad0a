// The search of the catalog: no library, no other origin. Pages are complete without it.
"use strict";
(() => {
  const WEIGHTS = { name: 40, title: 30, tags: 20, summary: 10, rest: 4 };
  const words = (text) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "").split(/[^\p{L}\p{N}]+/u).filter(Boolean);

  // The best place where a term is found: a whole word counts most, then a beginning, then a part of a word.
  const score = (term, model) => {
    let best = 0;
    for (const [field, weight] of Object.entries(WEIGHTS)) {
      for (const word of model.words[field]) {
        const fit = word === term ? 4 : word.startsWith(term) ? 3 : term.length > 1 && word.includes(term) ? 1 : 0;
        best = Math.max(best, fit * weight);
      }
    }
    return best;
  };

  // Every term must be found somewhere; ties stay in the index's order, which puts withdrawn models last.
  const find = (models, query) => {
    const terms = words(query);
    const hits = [];
    for (const [place, model] of models.entries()) {
      const scores = terms.map((term) => score(term, model));
      if (scores.every((one) => one > 0)) hits.push([scores.reduce((a, b) => a + b, 0), place, model.name]);
    }
    return hits.sort((a, b) => b[0] - a[0] || a[1] - b[1]).map((hit) => hit[2]);
  };

  const load = async (url) => {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    const { models } = await answer.json();
    for (const model of models) {
      model.words = Object.fromEntries(Object.keys(WEIGHTS).map((field) => [field, words(model[field])]));
    }
    return models;
  };

  const startFinder = (finder) => {
    const boxes = [...document.querySelectorAll("[data-mp-search]")];
    const count = finder.querySelector("[data-mp-count]");
    const none = finder.querySelector("[data-mp-none]");
    const list = finder.querySelector("[data-mp-results]");
    if (!list) return;
    const items = new Map([...list.children].map((item) => [item.dataset.name, item]));
    let index = null;
    let asked = 0;

    const show = (names, query) => {
      for (const item of items.values()) item.hidden = true;
      for (const name of names) {
        const item = items.get(name);
        if (!item) continue;
        item.hidden = false;
        list.append(item);
      }
      const models = `${names.length} model${names.length === 1 ? "" : "s"}`;
      count.textContent = query ? `${models} for “${query}”` : models;
      none.hidden = names.length > 0;
      list.hidden = names.length === 0;
    };

    const search = async (query) => {
      const turn = ++asked;
      const trimmed = query.trim();
      const all = [...items.keys()];
      const url = new URL(location.href);
      if (trimmed) url.searchParams.set("q", trimmed);
      else url.searchParams.delete("q");
      if (url.href !== location.href) history.replaceState(history.state, "", url);
      if (!trimmed) return show(all, "");
      try {
        index ??= load(finder.dataset.index);
        const models = await index;
        if (turn === asked) show(find(models, trimmed), trimmed);
      } catch (error) {
        index = null;
        show(all, "");
        count.textContent = "The search index could not be read; all models are shown.";
        console.error(error);
      }
    };

    const set = (query, source) => {
      for (const box of boxes) if (box !== source) box.value = query;
      search(query);
    };

    for (const box of boxes) {
      box.addEventListener("input", () => set(box.value, box));
      box.form.addEventListener("submit", (event) => {
        event.preventDefault();
        set(box.value, box);
      });
    }
    const fromUrl = () => set(new URL(location.href).searchParams.get("q") ?? "", null);
    window.addEventListener("popstate", fromUrl);
    if (new URL(location.href).searchParams.get("q")) fromUrl();

    // Arrow keys walk from the box through the results and back.
    document.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      const box = boxes.includes(document.activeElement) ? document.activeElement : null;
      const links = [...list.querySelectorAll("li:not([hidden]) h3 a")];
      const at = links.indexOf(document.activeElement);
      if ((!box && at < 0) || links.length === 0) return;
      event.preventDefault();
      const next = event.key === "ArrowDown" ? at + 1 : at - 1;
      if (next < 0) boxes[boxes.length - 1].focus();
      else links[Math.min(next, links.length - 1)].focus();
    });
  };

  // "/" goes to the search box from anywhere.
  document.addEventListener("keydown", (event) => {
    const busy = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || busy) return;
    const boxes = [...document.querySelectorAll("[data-mp-search]")];
    const box = boxes.reverse().find((one) => one.offsetParent !== null);
    if (!box) return;
    event.preventDefault();
    box.focus();
    box.select();
  });

  const finder = document.querySelector("[data-mp-finder]");
  if (finder) startFinder(finder);
})();
