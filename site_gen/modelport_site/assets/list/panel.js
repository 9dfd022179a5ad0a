// The panel of facets: without scripts its values are links to pages, here they become checkboxes with live counts.
import { make } from "./make.js";

export class Panel {
  constructor(root, onChange) {
    this.root = root;
    this.onChange = onChange;
    this.facets = new Map(); // facet -> { fieldset, label, choices: id -> { box, label, number } }
    for (const fieldset of root.querySelectorAll("fieldset[data-facet]")) {
      const facet = { fieldset, label: fieldset.querySelector("legend").textContent, choices: new Map() };
      this.facets.set(fieldset.dataset.facet, facet);
      for (const link of fieldset.querySelectorAll("a[data-value]")) this.#choice(facet, link);
    }
    this.total = root.querySelector("[data-mp-chosen-count]");
  }

  // "Task: Image classification", for people.
  name(facet, id) {
    const known = this.facets.get(facet);
    return `${known?.label ?? facet}: ${known?.choices.get(id)?.label ?? id}`;
  }

  #choice(facet, link) {
    const label = link.querySelector(".mp-choice__label").textContent;
    this.#add(facet, link.closest("li"), link.dataset.value, label, link.querySelector(".mp-choice__n").textContent);
  }

  #add(facet, item, id, label, count) {
    const box = make("input", { type: "checkbox", name: facet.fieldset.dataset.facet, value: id, autocomplete: "off" });
    const number = make("span", { className: "mp-choice__n", textContent: count });
    item.replaceChildren(make("label", {}, box, make("span", { className: "mp-choice__label", textContent: label }), " ", number));
    box.addEventListener("change", () => this.onChange(facet.fieldset.dataset.facet, id, box.checked));
    facet.choices.set(id, { box, label, number });
  }

  // A value that the panel does not hold gets its box when it is chosen, perhaps by an address.
  #complete(catalog, question) {
    for (const [key, id] of question.values) {
      const facet = this.facets.get(key);
      if (!facet || facet.choices.has(id)) continue;
      const column = catalog.facets.get(key);
      const item = make("li", { className: "mp-choice" });
      facet.fieldset.querySelector("ul").append(item);
      this.#add(facet, item, id, column.labels[column.number.get(id)] ?? id, "0");
    }
  }

  // A number says how many results have the value; beside one that is chosen, how many more it would give: +3.
  show(catalog, question, given) {
    this.#complete(catalog, question);
    for (const [key, facet] of this.facets) {
      const column = catalog.facets.get(key);
      for (const [id, { box, number }] of facet.choices) {
        box.checked = question.has(key, id);
        const adds = question.chosen.has(key) && !box.checked;
        const count = (adds ? given.more : given.counts).get(key)[column.number.get(id)] ?? 0;
        number.textContent = adds && count ? `+${count}` : `${count}`;
        box.closest("li").classList.toggle("mp-choice--none", count === 0 && !box.checked);
        if (box.checked) box.closest("details.mp-facet__more")?.setAttribute("open", "");
      }
    }
    const many = question.values.length;
    this.total.textContent = many ? ` (${many} chosen)` : "";
  }
}
