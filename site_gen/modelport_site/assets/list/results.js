// The results: cards in their order, how many there are, what is chosen, and what to do when there are none.
import { advice, unknown } from "./advice.js";
import { make } from "./make.js";

const PAUSE = 300; // a reader aloud hears the count once, when the typing pauses

const models = (count) => `${count} model${count === 1 ? "" : "s"}`;

export class Results {
  constructor(finder, panel, ask) {
    const part = (name) => finder.querySelector(`[data-mp-${name}]`);
    [this.count, this.none, this.chosen, this.list, this.sort] = ["count", "none", "chosen", "results", "sort"].map(part);
    [this.panel, this.ask] = [panel, ask];
    this.items = new Map([...this.list.children].map((item) => [item.dataset.name, item]));
    this.count.tabIndex = -1;
  }

  show(catalog, question, given) {
    const names = given ? given.rows.map((row) => catalog.names[row]) : [...this.items.keys()];
    const cards = names.map((name) => this.items.get(name)).filter(Boolean);
    const shown = new Set(cards);
    for (const item of this.items.values()) item.hidden = !shown.has(item);
    this.list.append(...cards);
    this.list.hidden = cards.length === 0;
    this.sort.value = question.sort;
    this.#say(question.words ? `${models(cards.length)} for “${question.words}”` : models(cards.length));
    this.#showChosen(question);
    this.none.hidden = cards.length > 0;
    this.none.replaceChildren(...(cards.length ? [] : this.#advice(catalog, question, given)));
  }

  fail() {
    for (const item of this.items.values()) item.hidden = false;
    [this.list.hidden, this.none.hidden] = [false, true];
    this.#say("The search index could not be read; all models are shown.");
  }

  #say(text) {
    clearTimeout(this.pending);
    this.pending = setTimeout(() => {
      if (this.count.textContent !== text) this.count.textContent = text;
    }, PAUSE);
  }

  #showChosen(question) {
    const chip = ([facet, id]) => {
      const name = this.panel.name(facet, id);
      const cross = make("span", { textContent: "×" });
      cross.setAttribute("aria-hidden", "true");
      const button = make("button", { type: "button", className: "mp-chip mp-chip--chosen" }, make("span", { className: "mp-said", textContent: "Remove " }), name, cross);
      button.addEventListener("click", () => this.#remove(button, question.without(facet, id)));
      return button;
    };
    const chips = question.values.map(chip);
    if (chips.length || question.words) {
      const all = make("button", { type: "button", className: "mp-clear", textContent: "Clear all" });
      all.addEventListener("click", () => this.#remove(all, question.withoutFacets().withWords("")));
      chips.push(all);
    }
    this.chosen.replaceChildren(...chips);
    this.chosen.hidden = chips.length === 0;
  }

  // The focus goes on to the chip that takes the removed one's place, or to the count.
  async #remove(button, next) {
    const place = [...this.chosen.children].indexOf(button);
    await this.ask(next);
    (this.chosen.children[Math.min(place, this.chosen.children.length - 1)] ?? this.count).focus();
  }

  #advice(catalog, question, given) {
    const line = (one) => {
      const link = make("a", { href: this.ask.address(one.next) }, ...this.#words(one));
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        this.ask(one.next);
        this.count.focus();
      });
      return make("li", {}, link, `: ${models(one.results)}`);
    };
    const strange = unknown(given);
    const why = strange.length ? `No model says ${strange.map((word) => `“${word}”`).join(" or ")}.` : "No model fits all of that.";
    const found = advice(catalog, question, given);
    const all = question.withoutFacets().withWords("");
    const last = { verb: "Show", what: "all models", rest: "", next: all, results: catalog.size };
    return [make("p", {}, make("strong", { textContent: why })), make("ul", {}, ...[...found, last].map(line))];
  }

  #words({ verb, demand, what, rest }) {
    if (!demand) return [`${verb} ${what}${rest ? ` ${rest}` : ""}`];
    if (demand.kind === "word") return [`${verb} the word “${demand.word}”`];
    const [first, ...others] = demand.ids.map((id) => this.panel.name(demand.facet, id));
    return [`${verb} the filter ${[first, ...others.map((name) => name.slice(name.indexOf(": ") + 2))].join(" or ")}`];
  }
}
