// Answers for people: tables, labels, bars, pictures, sound.

import { preview } from "./files.js";
import { flat } from "./json.js";
import { isNumber, message } from "./kinds.js";
import { make } from "./make.js";
import { layoutOf, toCanvas } from "./pixels.js";
import { brokenName, scrolled } from "./scroll.js";
import { shapeWords } from "./tensors.js";

const ROWS = 100;
const MANY = 6; // columns that half of the page holds
const NUMBERS = 24;

export const answered = (value, name) => {
  const one = message(name);
  if (!one.fields.length) return make("p", { className: "nothing" }, "It answered with nothing, as it should.");
  const count = rowsOf(value, one);
  return count === null ? list(value, one) : table(value, one, count);
};

// How many rows a message has whose fields are all equally long lists; null when it is none.
const rowsOf = (value, one) => {
  const isColumn = ({ name, type }) => Array.isArray(value[name]) && ("list" in type || ("tensor" in type && !layoutOf(type.tensor, {})));
  if (!one.fields.every(isColumn)) return null;
  const lengths = new Set(one.fields.map(({ name }) => value[name].length));
  const isTable = one.table || one.fields.length > 1;
  return isTable && lengths.size === 1 ? [...lengths][0] : null;
};

const itemType = ({ type }) => {
  if (type.list) return type.list;
  const { dtype, shape } = type.tensor;
  return shape.length === 1 ? { scalar: dtype } : { tensor: { dtype, shape: shape.slice(1) } };
};

const unit = (field) => (field.unit ? [make("span", { className: "unit" }, ` ${field.unit}`)] : []);

const table = (value, one, count) => {
  if (!count) return make("p", { className: "nothing" }, "No rows.");
  const heads = one.fields.map((field) => make("th", { scope: "col", title: field.doc ?? "" }, ...brokenName(field.name), ...unit(field)));
  const row = (_, at) => make("tr", {}, ...one.fields.map((field) => make("td", {}, show(value[field.name][at], itemType(field), field))));
  const rows = Array.from({ length: Math.min(count, ROWS) }, row);
  const more = count > ROWS ? [make("p", { className: "note" }, `${count} rows; the first ${ROWS} are shown, the JSON has all.`)] : [];
  const grid = make("table", { className: heads.length > MANY ? "answer wide" : "answer" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
  return make("div", {}, scrolled(grid, "Rows of the answer"), ...more);
};

const list = (value, one) =>
  make("dl", { className: "answer" }, ...one.fields.flatMap((field) => [
    make("dt", { title: field.doc ?? "" }, field.name, ...unit(field)),
    make("dd", {}, show(value[field.name], field.type, field)),
  ]));

export const show = (value, type, field) => {
  if (value === null || value === undefined) return make("span", { className: "none" }, "none");
  if (type.optional) return show(value, type.optional, field);
  if (type.message) return answered(value, type.message);
  if (type.list) return several(value, type.list, field);
  if (type.map) return entries(value, type.map, field);
  if (type.tensor) return tensor(value, type.tensor, field);
  if (type.enum) return make("span", { className: "chip" }, String(value));
  return scalar(value, type.scalar, field);
};

const scalar = (value, name, field) => {
  if (name === "bytes") {
    const [look] = preview(value, field.media_types ?? []);
    const file = make("a", { href: `data:application/octet-stream;base64,${value}`, download: field.name }, "save as a file");
    return make("span", { className: "look" }, ...(look ? [look, " "] : []), file);
  }
  if (name === "bool") return make("span", { className: "chip" }, String(value));
  if (!isNumber(name)) return make("span", { className: "said" }, String(value));
  return field.minimum === 0 && field.maximum === 1 ? share(value, field) : make("span", { className: "number" }, short(value));
};

export const short = (value) => (typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(5))) : String(value));

// A number from 0 to 1, with a bar.
const share = (value, field) => {
  const bar = make("span", { className: "bar", attributes: { "aria-hidden": "true" } }, make("span"));
  bar.firstChild.style.width = `${Math.min(1, Math.max(0, value)) * 100}%`;
  return make("span", { className: "share", title: `${field.name}: ${value}` }, make("span", { className: "number" }, value.toFixed?.(4) ?? String(value)), bar);
};

const several = (values, item, field) => {
  if (!values.length) return make("span", { className: "none" }, "empty");
  if (item.message && message(item.message).fields.length) return records(values, message(item.message));
  if (isNumber(item.scalar)) return numbers(values, field);
  return make("ol", { className: "plain" }, ...values.slice(0, ROWS).map((one) => make("li", {}, show(one, item, field))));
};

// A list of messages, one a row.
const records = (values, one) => {
  const columns = Object.fromEntries(one.fields.map((field) => [field.name, values.map((value) => value[field.name])]));
  const heads = one.fields.map((field) => make("th", { scope: "col" }, ...brokenName(field.name), ...unit(field)));
  const rows = values.slice(0, ROWS).map((_, at) => make("tr", {}, ...one.fields.map((field) => make("td", {}, show(columns[field.name][at], field.type, field)))));
  return scrolled(make("table", { className: heads.length > MANY ? "answer wide" : "answer" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows)), one.name);
};

const entries = (value, item, field) => {
  const found = Object.entries(value);
  if (!found.length) return make("span", { className: "none" }, "empty");
  return make("dl", { className: "answer" }, ...found.slice(0, ROWS).flatMap(([name, one]) => [make("dt", {}, name), make("dd", {}, show(one, item, field))]));
};

const tensor = (value, kind, field) => {
  const layout = layoutOf(kind, field);
  const pictures = layout ? (layout.many ? value : [value]).slice(0, 24).map((one) => toCanvas(one, layout)).filter(Boolean) : [];
  if (pictures.length) return make("span", { className: "strip" }, ...pictures);
  return kind.shape.length === 1 ? numbers(value, field) : nested(value, kind);
};

// A few numbers in full, as bars where they are shares; of many the first.
const numbers = (values, field) => {
  const isShares = field.minimum === 0 && field.maximum === 1 && values.length > 1 && values.length <= NUMBERS;
  const words = values.slice(0, NUMBERS).map(short).join(", ") + (values.length > NUMBERS ? `, … (${values.length} numbers)` : "");
  return isShares ? bars(values, words) : make("span", { className: "number wrap" }, words || "empty");
};

const bars = (values, words) => {
  const most = values.indexOf(values.reduce((a, b) => (b > a ? b : a)));
  const columns = values.map((value, at) => {
    const one = make("span", { className: at === most ? "most" : "", title: `${at}: ${value}` });
    one.style.height = `${Math.max(4, 100 * Math.min(1, Math.max(0, value)))}%`;
    return one;
  });
  return make("span", { className: "bars", attributes: { role: "img", "aria-label": words } }, ...columns);
};

const nested = (value, kind) => {
  const text = flat(value);
  const summary = make("summary", {}, shapeWords(kind));
  return text.length < 200 ? make("span", { className: "number wrap" }, text) : make("details", {}, summary, make("code", { className: "wrap" }, text.length > 4000 ? `${text.slice(0, 4000)} …` : text));
};
