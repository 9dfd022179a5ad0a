// Editors of single values: numbers, texts, truth values, members of enumerations.

import { bounds, isInteger, isLong, members, toNumber } from "./kinds.js";
import { Unshowable, make, need } from "./make.js";

const SPECIAL = new Set(["NaN", "Infinity", "-Infinity"]);

// What ties an input to its label and to what is said of it.
export const tied = ({ id, label, name, described }) => ({
  ...(id ? { id } : { "aria-label": label ?? name }),
  ...(described ? { "aria-describedby": described } : {}),
});

export const leaf = (input, get, set) => ({ element: input, get, set, at: () => input });

export const number = (name, told) => {
  const { min, max } = bounds(name, told.field);
  const input = make("input", { type: "number", className: "number", attributes: tied(told) });
  const limit = (key, value) => value !== null && input.setAttribute(key, value);
  limit("min", min);
  limit("max", max);
  input.step = isInteger(name) ? "1" : "any";
  input.inputMode = isInteger(name) && (min ?? -1) >= 0 ? "numeric" : "decimal";
  // A number box holds a double, which neither the longest integers nor NaN are.
  const asText = (is) => (input.type = is || isLong(name) ? "text" : "number");
  const get = () => (SPECIAL.has(input.value) ? input.value : toNumber(input.value, name));
  const set = (value) => {
    const given = value ?? told.fresh ?? "";
    need(["number", "bigint"].includes(typeof given) || typeof given === "string", "a number is not a number");
    asText(SPECIAL.has(given));
    input.value = String(given);
  };
  set(undefined);
  const one = leaf(input, get, set);
  return told.field.minimum !== undefined && told.field.maximum !== undefined ? slider(one, input, told) : one;
};

// A slider beside the box, where a number has both bounds.
const slider = (one, input, told) => {
  const range = make("input", { type: "range", min: input.min || told.field.minimum, max: input.max || told.field.maximum });
  const span = told.field.maximum - told.field.minimum;
  range.step = input.step === "1" ? "1" : String(10 ** Math.floor(Math.log10(span / 100)));
  range.tabIndex = -1; // the box beside it does the same by keyboard
  range.setAttribute("aria-hidden", "true");
  range.oninput = () => (input.value = range.value);
  input.addEventListener("input", () => (range.value = input.value));
  const set = (value) => {
    one.set(value);
    range.value = input.value;
  };
  set(undefined);
  return { ...one, element: make("div", { className: "slid" }, input, range), set };
};

export const text = (told) => {
  const input = make("textarea", { rows: 1, className: "text", attributes: { ...tied(told), spellcheck: "false" } });
  const set = (value) => {
    const given = value ?? told.fresh ?? "";
    need(typeof given === "string", "a text is not a text");
    input.value = given;
  };
  set(undefined);
  return leaf(input, () => input.value, set);
};

export const flag = (told) => {
  const input = make("input", { type: "checkbox", attributes: tied(told) });
  const set = (value) => {
    const given = value ?? told.fresh ?? false;
    need(typeof given === "boolean", "a truth value is neither true nor false");
    input.checked = given;
  };
  set(undefined);
  return leaf(input, () => input.checked, set);
};

export const choice = (name, told) => {
  const names = members(name);
  const input = make("select", { attributes: tied(told) }, ...names.map((one) => make("option", { value: one }, one)));
  const set = (value) => {
    const given = value ?? told.fresh ?? names[0];
    if (!names.includes(given)) throw new Unshowable(`${given} is none of ${names.join(", ")}`);
    input.value = given;
  };
  set(undefined);
  return leaf(input, () => input.value, set);
};
