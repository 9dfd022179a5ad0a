// The list of models: boxes, filters and order make a question, the address keeps it, the index answers it.
// No library, no other origin. The page is complete without it; the index is fetched when somebody first asks.
import { answer } from "./answer.js";
import { Catalog } from "./catalog.js";
import { Panel } from "./panel.js";
import { Question } from "./question.js";
import { Results } from "./results.js";

const start = (finder) => {
  const facets = finder.dataset.facets.split(" ");
  const boxes = [...document.querySelectorAll("[data-mp-search]")];
  let question = new Question();
  let catalog = null; // a promise, once somebody asks
  let asked = 0;

  const read = () => Question.read(new URL(location.href).searchParams, facets);
  const query = (next) => next.query(new URL(location.href).searchParams, facets);
  const load = () => (catalog ??= Catalog.load(finder.dataset.index));

  const show = async (next, source = null) => {
    question = next;
    const turn = ++asked;
    const address = location.search;
    for (const box of boxes) if (box !== source) box.value = next.words;
    try {
      // Nothing asked: the page is right as it came, and there is nothing to fetch.
      if (next.isEmpty && !next.sort && !catalog) return results.show(null, next, null);
      const whole = await load();
      if (turn !== asked) return;
      const given = answer(whole, next);
      panel.show(whole, next, given);
      results.show(whole, next, given);
    } catch (error) {
      catalog = null;
      console.error(error);
      if (turn === asked) results.fail();
    } finally {
      if (turn === asked) finder.dataset.asked = address;
    }
  };

  // Each choice is a step that "back" takes back; the letters of one word typed are one step.
  const ask = (next, { typing = false, source = null } = {}) => {
    const wanted = query(next);
    if (wanted !== location.search) {
      const address = `${location.pathname}${wanted}${location.hash}`;
      if (typing && history.state?.typing) history.replaceState({ typing }, "", address);
      else history.pushState({ typing }, "", address);
    }
    return show(next, source);
  };
  ask.address = (next) => `${location.pathname}${query(next)}`;

  const panel = new Panel(finder, (facet, id, on) => ask(on ? question.with(facet, id) : question.without(facet, id)));
  const results = new Results(finder, panel, ask);

  for (const box of boxes) {
    box.addEventListener("input", () => ask(question.withWords(box.value), { typing: true, source: box }));
    box.addEventListener("focus", () => load().catch(() => (catalog = null)));
    box.form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(question.withWords(box.value), { source: box });
    });
  }
  results.sort.addEventListener("change", () => ask(question.withSort(results.sort.value)));
  finder.querySelector("[data-mp-sort-line]").hidden = false;
  window.addEventListener("popstate", () => show(read()));
  show(read());
  arrows(boxes, results.list);

  // On a wide screen the filters are always there; on a phone they open on demand.
  const drawer = finder.querySelector("[data-mp-facets]");
  const wide = matchMedia("(min-width: 60em)");
  const fit = () => (drawer.open = wide.matches);
  wide.addEventListener("change", fit);
  fit();
};

// Arrow keys walk from the box through the results and back.
const arrows = (boxes, list) => {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const inBox = boxes.includes(document.activeElement);
    const links = [...list.querySelectorAll("li:not([hidden]) h3 a")];
    const at = links.indexOf(document.activeElement);
    if ((!inBox && at < 0) || links.length === 0) return;
    event.preventDefault();
    const next = event.key === "ArrowDown" ? at + 1 : at - 1;
    if (next < 0) boxes[boxes.length - 1].focus();
    else links[Math.min(next, links.length - 1)].focus();
  });
};

const finder = document.querySelector("[data-mp-finder]");
if (finder) start(finder);
