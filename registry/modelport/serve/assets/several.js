// Editors of what holds several values, or perhaps none: lists, maps, optional fields.

import { editor } from "./editors.js";
import { isNumber, toNumber } from "./kinds.js";
import { button, edited, make, need } from "./make.js";
import { leaf, tied } from "./scalars.js";

export const list = (item, told) => (isNumber(item.scalar) ? numbers(item.scalar, told) : rows(item, told));

// Numbers with commas between them.
const numbers = (name, told) => {
  const hint = "numbers with commas between them; none at all is an empty list";
  const input = make("textarea", { rows: 1, className: "text numbers", attributes: { ...tied(told), spellcheck: "false", placeholder: hint } });
  const set = (value = told.fresh ?? []) => {
    need(Array.isArray(value) && value.every((one) => one === null || typeof one !== "object"), "a list is not a list of numbers");
    input.value = value.map(String).join(", ");
  };
  const get = () => input.value.split(/[\s,;]+/).filter(Boolean).map((one) => toNumber(one, name));
  set();
  return leaf(input, get, set);
};

const rows = (item, told) => {
  let items = [];
  const body = make("ol", { className: "rows" });
  const fresh = told.fresh?.[0];
  const draw = () => {
    body.replaceChildren(...items.map((one) => one.row));
    items.forEach((one, at) => (one.remove.ariaLabel = `Remove item ${at + 1} of ${told.name}`));
  };
  const add = (value) => {
    const inner = editor(item, { ...told, id: undefined, name: told.name, label: `item of ${told.name}`, fresh });
    inner.set(value);
    const remove = button("×", () => drop(one), { className: "quiet remove" });
    const one = { ...inner, remove, row: make("li", {}, inner.element, remove) };
    items.push(one);
  };
  const drop = (one) => {
    items = items.filter((other) => other !== one);
    draw();
    edited(body);
    more.focus();
  };
  const more = button(`Add to ${told.name}`, () => {
    add();
    draw();
    edited(body);
  });
  const set = (value = told.fresh ?? []) => {
    need(Array.isArray(value), `${told.name} is not a list`);
    items = [];
    value.forEach(add);
    draw();
  };
  set();
  const element = make("div", { className: "several" }, body, more);
  const at = ([index, ...rest]) => items[index]?.at(rest) ?? element;
  return { element, get: () => items.map((one) => one.get() ?? null), set, at };
};

export const map = (item, told) => {
  let entries = [];
  const body = make("ol", { className: "rows" });
  const [fresh] = Object.values(told.fresh ?? {});
  const draw = () => body.replaceChildren(...entries.map((one) => one.row));
  const add = (name, value) => {
    const inner = editor(item, { ...told, id: undefined, name: told.name, label: `value in ${told.name}`, fresh });
    inner.set(value);
    const key = make("input", { value: name, className: "key", attributes: { "aria-label": `name in ${told.name}`, spellcheck: "false" } });
    const remove = button("×", () => drop(one), { className: "quiet remove", ariaLabel: `Remove ${name} from ${told.name}` });
    const one = { ...inner, key, row: make("li", { className: "entry" }, key, inner.element, remove) };
    entries.push(one);
  };
  const drop = (one) => {
    entries = entries.filter((other) => other !== one);
    draw();
    edited(body);
    more.focus();
  };
  const more = button(`Add to ${told.name}`, () => {
    add(`name ${entries.length + 1}`);
    draw();
    edited(body);
  });
  const set = (value = told.fresh ?? {}) => {
    need(value !== null && typeof value === "object" && !Array.isArray(value), `${told.name} is not an object`);
    entries = [];
    for (const [name, one] of Object.entries(value)) add(name, one);
    draw();
  };
  set();
  const element = make("div", { className: "several" }, body, more);
  const get = () => Object.fromEntries(entries.map((one) => [one.key.value, one.get() ?? null]));
  const at = ([name, ...rest]) => entries.find((one) => one.key.value === name)?.at(rest) ?? element;
  return { element, get, set, at };
};

export const optional = (item, told) => {
  const inner = editor(item, { ...told, label: told.name });
  const given = make("input", { type: "checkbox" });
  const body = make("div", { className: "given" }, inner.element);
  const draw = () => (body.hidden = !given.checked);
  given.onchange = draw;
  const set = (value) => {
    given.checked = value !== undefined && value !== null;
    if (given.checked) inner.set(value);
    draw();
  };
  set();
  const label = make("label", { className: "toggle" }, given, `give ${told.name}`);
  const element = make("div", { className: "optional" }, label, body);
  return { element, get: () => (given.checked ? inner.get() : undefined), set, at: (path) => (given.checked ? inner.at(path) : given) };
};
