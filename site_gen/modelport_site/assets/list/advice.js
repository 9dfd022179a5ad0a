// What to do when nothing fits: each piece of advice is a question that has results, and how many.
import { answer } from "./answer.js";
import { wordsOf } from "./catalog.js";

export const advice = (catalog, question, given) => {
  const found = [];
  const offer = (text, next) => {
    const results = answer(catalog, next).rows.length;
    if (results) found.push({ ...text, next, results });
  };
  const words = given.demands.filter((one) => one.kind === "word");
  const others = (word) => words.filter((one) => one.word !== word).map((one) => one.word);
  for (const { word, found: rows } of words) {
    if (rows.every((one) => one.size > 0)) continue;
    const near = catalog.near(wordsOf(word).join(" ")).slice(0, 2);
    for (const other of near) {
      offer({ verb: "Search for", what: `“${other}”`, rest: `instead of “${word}”` }, question.withWords(words.map((one) => (one.word === word ? other : one.word)).join(" ")));
    }
  }
  // What only one demand keeps out has been counted already.
  given.demands.forEach((one, at) => {
    if (!given.alone[at]) return;
    const next = one.kind === "word" ? question.withWords(others(one.word).join(" ")) : question.withFacet(one.facet, []);
    found.push({ verb: "Drop", demand: one, next, results: given.alone[at] });
  });
  if (found.length === 0 && words.length && question.chosen.size) {
    offer({ verb: "Drop", what: "all filters", rest: "and keep the words" }, question.withoutFacets());
    const strange = unknown(given);
    const known = words.map((one) => one.word).filter((word) => !strange.includes(word));
    if (strange.length && known.length) {
      offer({ verb: "Drop", what: "all filters", rest: `and search for “${known.join(" ")}”` }, question.withoutFacets().withWords(known.join(" ")));
    }
    offer({ verb: "Drop", what: "all words", rest: "and keep the filters" }, question.withWords(""));
  }
  return found.sort((a, b) => (a.verb === "Drop") - (b.verb === "Drop") || b.results - a.results).slice(0, 6);
};

// The words of a question that stand nowhere in the catalog.
export const unknown = (given) =>
  given.demands.filter((one) => one.kind === "word" && one.found.some((rows) => rows.size === 0)).map((one) => one.word);
