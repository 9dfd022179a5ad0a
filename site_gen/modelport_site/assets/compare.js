// Compares any two versions of a model, from the facts that the generator laid out flat; as diff.py does for neighbours.
"use strict";
(() => {
  const form = document.querySelector("[data-mp-compare]");
  const place = document.querySelector("[data-mp-compared]");
  if (!form || !place) return;

  const element = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const kind = (word) => element("span", { class: `mp-change mp-change--${word}` }, word);

  // Rows of [label, change, before, after]: what the newer has, then what it lost.
  const compare = (before, after) => {
    const old = new Map(before.map(([label, ...fact]) => [label, fact]));
    const now = new Map(after.map(([label, ...fact]) => [label, fact]));
    return [...new Set([...now.keys(), ...old.keys()])].map((label) => {
      const [a, b] = [old.get(label), now.get(label)];
      const change = !a ? "added" : !b ? "removed" : a[1] === b[1] ? "same" : "changed";
      return [label, change, a?.[0] ?? "", b?.[0] ?? ""];
    });
  };

  // By kind, what was changed after the older of the two, up to the newer.
  const changesBetween = (versions, one, other) => {
    const [newest, oldest] = [versions.indexOf(one), versions.indexOf(other)].sort((a, b) => a - b);
    const between = versions.slice(newest, oldest);
    const found = between.flatMap(({ version, changes }) =>
      changes.map(({ kind: word, text }) => [word, between.length > 1 ? `${text} (${version})` : text]),
    );
    return found.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  };

  const table = (title, from, to, rows) => {
    const cells = ([label, change, before, after]) => [
      element("th", { scope: "row", role: "rowheader" }, label),
      element("td", { role: "cell", "data-label": "Change" }, kind(change)),
      element("td", { role: "cell", "data-label": from }, before || "–"),
      element("td", { role: "cell", "data-label": to }, after || "–"),
    ];
    const heads = ["What", "Change", from, to].map((word) => element("th", { scope: "col", role: "columnheader" }, word));
    return element(
      "table",
      { class: "mp-table mp-table--diff", role: "table" },
      element("caption", {}, title),
      element("thead", {}, element("tr", { role: "row" }, ...heads)),
      element("tbody", {}, ...rows.map((row) => element("tr", { role: "row", class: `mp-diff--${row[1]}` }, ...cells(row)))),
    );
  };

  const render = ({ groups, versions }, from, to) => {
    const body = element("div", { class: "mp-diff__body" });
    const changes = changesBetween(versions, from, to);
    if (changes.length) {
      const items = changes.map(([word, text]) => element("li", {}, kind(word), ` ${text}`));
      const back = versions.indexOf(from) < versions.indexOf(to); // versions are newest first
      const way = `${to.version} to ${from.version}`;
      const title = back ? `What the publisher says of the way from ${way}, undone here` : "What the publisher says";
      body.append(element("h4", {}, title), element("ul", { class: "mp-changes" }, ...items));
    }
    let shown = 0;
    for (const group of groups) {
      const every = compare(from.facts[group.id] ?? [], to.facts[group.id] ?? []);
      const rows = every.filter((row) => group.all || row[1] !== "same");
      if (rows.length) shown += body.append(table(group.title, from.version, to.version, rows)) ?? 1;
    }
    if (!shown) body.append(element("p", {}, "Nothing that is listed here differs."));
    const heading = element("h2", { id: "compared", tabindex: "-1" }, `${from.version} → ${to.version}`);
    return element("section", { class: "mp-diff", "aria-labelledby": "compared" }, heading, body);
  };

  let facts = null;
  const show = async (from, to) => {
    try {
      facts ??= fetch(form.dataset.mpCompare).then((answer) => {
        if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
        return answer.json();
      });
      const document = await facts;
      const [one, other] = [from, to].map((name) => document.versions.find(({ version }) => version === name));
      if (!one || !other) throw new Error(`there is no version ${one ? to : from}`);
      place.replaceChildren(render(document, one, other));
    } catch (error) {
      facts = null;
      place.replaceChildren(element("p", { class: "mp-hint", tabindex: "-1" }, `This cannot be compared: ${error.message}`));
    }
  };

  const fromAddress = () => {
    const asked = new URL(location.href).searchParams;
    const [from, to] = [asked.get("from"), asked.get("to")];
    if (!from || !to) return place.replaceChildren();
    form.elements.from.value = from;
    form.elements.to.value = to;
    return show(from, to);
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const url = new URL(location.href);
    url.hash = "";
    url.searchParams.set("from", form.elements.from.value);
    url.searchParams.set("to", form.elements.to.value);
    history.pushState(null, "", url);
    await fromAddress();
    place.querySelector("h2, p")?.focus(); // what was asked for is read next
  });
  window.addEventListener("popstate", fromAddress);
  form.hidden = false;
  document.querySelector("[data-mp-unscripted]")?.remove();
  fromAddress();
})();
