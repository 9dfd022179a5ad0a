// The search index as the script uses it: postings of words, facets as columns of numbers.
const WEIGHTS = { name: 40, title: 30, summary: 10, fields: 8 };
const FACET_WEIGHTS = { task: 20, tag: 20, framework: 20, publisher: 8 };
const OTHER_WEIGHT = 6;

export const wordsOf = (text) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "").split(/[^\p{L}\p{N}]+/u).filter(Boolean);

// A column's cell is a number (-1 for none) or a list of numbers.
const numbers = (cell) => (Array.isArray(cell) ? cell : cell < 0 ? [] : [cell]);

export class Catalog {
  constructor(index) {
    if (index.schema !== "modelport/site-search/2") throw new Error(`not a search index: ${index.schema}`);
    this.names = index.name;
    this.titles = index.title;
    this.sizes = index.size;
    this.downloads = index.download; // of the smallest edge variant
    this.released = index.released;
    this.facets = new Map();
    this.postings = new Map(); // word -> Map of row -> the weight of the best place where it stands
    for (const [field, weight] of Object.entries(WEIGHTS)) {
      index[field].forEach((text, row) => this.#post(text, weight, [row]));
    }
    for (const [key, column] of Object.entries(index.facets)) {
      const rows = column.rows.map(numbers);
      this.facets.set(key, { ...column, rows, number: new Map(column.ids.map((id, number) => [id, number])) });
      this.#postColumn(column.labels, rows, FACET_WEIGHTS[key] ?? OTHER_WEIGHT);
    }
    for (const column of Object.values(index.words)) this.#postColumn(column.labels, column.rows.map(numbers), OTHER_WEIGHT);
    const cycle = this.facets.get("lifecycle");
    const last = new Set(["deprecated", "yanked"].map((id) => cycle.number.get(id)));
    this.comesLast = cycle.rows.map(([number]) => last.has(number));
  }

  static async load(url) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    return new Catalog(await answer.json());
  }

  get size() {
    return this.names.length;
  }

  #post(text, weight, rows) {
    for (const word of wordsOf(text)) {
      const found = this.postings.get(word) ?? this.postings.set(word, new Map()).get(word);
      for (const row of rows) found.set(row, Math.max(found.get(row) ?? 0, weight));
    }
  }

  #postColumn(labels, column, weight) {
    const holders = labels.map(() => []);
    column.forEach((cell, row) => cell.forEach((number) => holders[number].push(row)));
    labels.forEach((label, number) => this.#post(label, weight, holders[number]));
  }

  // The rows in which a term stands, with how well it fits there: a whole word before the beginning of one. The middle
  // of a word ("flow" in tensorflow) counts only where nothing else fits.
  find(term) {
    const found = new Map();
    const take = (rows, factor) => {
      for (const [row, weight] of rows) found.set(row, Math.max(found.get(row) ?? 0, weight * factor));
    };
    for (const [word, rows] of this.postings) if (word.startsWith(term)) take(rows, word === term ? 4 : 3);
    if (found.size === 0 && term.length > 2) {
      for (const [word, rows] of this.postings) if (word.includes(term)) take(rows, 1);
    }
    return found;
  }

  // The words nearest to one that nothing fits: at most one letter off (two in long words), the commonest first.
  near(term) {
    const most = term.length > 7 ? 2 : 1;
    if (term.length < 4) return [];
    const close = [];
    for (const [word, rows] of this.postings) {
      if (word.length < term.length - most) continue;
      const away = distance(term, word);
      if (away <= most) close.push([away, -rows.size, word]);
    }
    return close.sort((a, b) => a[0] - b[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : 1)).map(([, , word]) => word);
  }
}

// How many letters of a term must be put in, taken out, changed or swapped with the next to begin a word.
const distance = (a, b) => {
  let [before, last, row] = [[], [], Array.from({ length: b.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= a.length; i++) {
    [before, last, row] = [last, row, [i]];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
  }
  return Math.min(...row);
};
