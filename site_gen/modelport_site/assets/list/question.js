// What the reader asks for, as a value: words, chosen facet values, order. It lives in the address and nowhere else.
export const SORTS = ["name", "newest", "smallest", "edge"];

export class Question {
  constructor(words = "", chosen = new Map(), sort = "") {
    this.words = words;
    this.chosen = chosen; // facet -> ids in the order in which they were chosen; never an empty list
    this.sort = sort;
  }

  static read(params, facets) {
    const chosen = new Map();
    for (const facet of facets) {
      const ids = [...new Set(params.getAll(facet))].filter(Boolean);
      if (ids.length) chosen.set(facet, ids);
    }
    const sort = params.get("sort") ?? "";
    return new Question((params.get("q") ?? "").trim(), chosen, SORTS.includes(sort) ? sort : "");
  }

  get isEmpty() {
    return !this.words && this.chosen.size === 0;
  }

  get values() {
    return [...this.chosen].flatMap(([facet, ids]) => ids.map((id) => [facet, id]));
  }

  has(facet, id) {
    return this.chosen.get(facet)?.includes(id) ?? false;
  }

  withWords(words) {
    return new Question(words.trim(), this.chosen, this.sort);
  }

  withSort(sort) {
    return new Question(this.words, this.chosen, sort);
  }

  withFacet(facet, ids) {
    const chosen = new Map(this.chosen);
    if (ids.length) chosen.set(facet, ids);
    else chosen.delete(facet);
    return new Question(this.words, chosen, this.sort);
  }

  with(facet, id) {
    return this.has(facet, id) ? this : this.withFacet(facet, [...(this.chosen.get(facet) ?? []), id]);
  }

  without(facet, id) {
    return this.withFacet(facet, (this.chosen.get(facet) ?? []).filter((one) => one !== id));
  }

  withoutFacets() {
    return new Question(this.words, new Map(), this.sort);
  }

  // The query of the address; keys of others (what a link elsewhere has added) stay.
  query(params, facets) {
    const next = new URLSearchParams(params);
    for (const key of ["q", "sort", ...facets]) next.delete(key);
    if (this.words) next.set("q", this.words);
    for (const facet of facets) for (const id of this.chosen.get(facet) ?? []) next.append(facet, id);
    if (this.sort) next.set("sort", this.sort);
    const text = next.toString();
    return text ? `?${text}` : "";
  }
}
