// The answer to a question, in one pass over the rows: which fit, in which order; how many of them have each value
// (counts); and where a facet has a choice already, how many more each of its other values would let in (more).
import { wordsOf } from "./catalog.js";

// Words are asked as they stand between spaces: "image-classification" is one, and both of its parts must be found.
const demandsOf = (catalog, question) => {
  const words = [...new Set(question.words.split(/\s+/))].filter((word) => wordsOf(word).length);
  const demands = words.map((word) => {
    const found = wordsOf(word).map((term) => catalog.find(term));
    return { kind: "word", word, fits: (row) => found.every((rows) => rows.has(row)), found };
  });
  for (const [key, ids] of question.chosen) {
    const facet = catalog.facets.get(key);
    const wanted = new Set(ids.map((id) => facet.number.get(id)));
    demands.push({ kind: "facet", facet: key, ids, fits: (row) => facet.rows[row].some((number) => wanted.has(number)) });
  }
  return demands;
};

export const answer = (catalog, question) => {
  const demands = demandsOf(catalog, question);
  const zeros = () => new Map([...catalog.facets].map(([key, facet]) => [key, new Int32Array(facet.ids.length)]));
  const [counts, more] = [zeros(), zeros()];
  const count = (into, key, row) => {
    for (const number of catalog.facets.get(key).rows[row]) into.get(key)[number] += 1;
  };
  const rows = [];
  const alone = demands.map(() => 0); // how many rows miss this demand and no other
  for (let row = 0; row < catalog.size; row++) {
    const missed = demands.findIndex((one) => !one.fits(row));
    if (missed < 0) {
      rows.push(row);
      for (const key of catalog.facets.keys()) count(counts, key, row);
    } else if (demands.findIndex((one, at) => at > missed && !one.fits(row)) < 0) {
      alone[missed] += 1;
      if (demands[missed].kind === "facet") count(more, demands[missed].facet, row);
    }
  }
  return { rows: sorted(catalog, question, demands, rows), counts, more, demands, alone };
};

// What nobody should start with comes last in every order; ties stay in the catalog's own order.
const sorted = (catalog, question, demands, rows) => {
  const words = demands.filter((one) => one.kind === "word").flatMap((one) => one.found);
  const score = (row) => words.reduce((sum, found) => sum + found.get(row), 0);
  const title = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const scores = question.sort ? null : new Map(rows.map((row) => [row, score(row)]));
  const by = {
    name: (a, b) => title.compare(catalog.titles[a], catalog.titles[b]),
    newest: (a, b) => ascending(catalog.released[b] ?? "", catalog.released[a] ?? ""),
    smallest: (a, b) => ascending(catalog.sizes[a] ?? Infinity, catalog.sizes[b] ?? Infinity),
    edge: (a, b) => ascending(catalog.downloads[a] ?? Infinity, catalog.downloads[b] ?? Infinity),
    "": (a, b) => scores.get(b) - scores.get(a),
  }[question.sort];
  return rows.sort((a, b) => catalog.comesLast[a] - catalog.comesLast[b] || by(a, b) || a - b);
};

const ascending = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
