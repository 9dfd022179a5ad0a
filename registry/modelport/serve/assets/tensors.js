// Editors of tensors: numbers with commas, a small grid, or JSON with its shape said.

import { parse, print } from "./json.js";
import { toNumber } from "./kinds.js";
import { button, edited, make, need } from "./make.js";
import { scrolled } from "./scroll.js";
import { leaf, tied } from "./scalars.js";
import { list } from "./several.js";

const MOST_CELLS = 240;
const MOST_COLUMNS = 12;

export const shapeWords = ({ dtype, shape }) => `${dtype}[${shape.map((size) => size ?? "?").join(", ")}]`;

export const tensor = (kind, told) => {
  if (kind.shape.length === 0 || kind.dtype === "bool") return text(kind, told);
  if (kind.shape.length === 1) return list({ scalar: kind.dtype }, told);
  return kind.shape.length === 2 ? gridOrText(kind, told) : text(kind, told);
};

// JSON, for what is too large or too deep for a grid.
const text = (kind, told) => {
  const hint = `${shapeWords(kind)}: nested lists in JSON, rows first`;
  const label = told.label ?? told.name;
  const input = make("textarea", { rows: 2, className: "text numbers", attributes: { ...tied({ ...told, label }), spellcheck: "false", placeholder: hint } });
  const note = make("p", { className: "note" });
  const sizes = (value) => (Array.isArray(value) ? [value.length, ...(value.length ? sizes(value[0]) : [])] : []);
  const get = () => {
    if (!input.value.trim()) return undefined;
    try {
      return parse(input.value);
    } catch {
      return input.value; // the service says what is wrong with it
    }
  };
  const describe = () => {
    const value = get();
    note.textContent = Array.isArray(value) ? `now [${sizes(value).join(", ")}], asked for ${shapeWords(kind)}` : `asked for ${shapeWords(kind)}`;
  };
  input.addEventListener("input", describe);
  const set = (value = told.fresh) => {
    input.value = value === undefined ? "" : print(value);
    describe();
  };
  set();
  return { ...leaf(input, get, set), element: make("div", {}, input, note) };
};

const isMatrix = (value) =>
  Array.isArray(value) && value.every((row) => Array.isArray(row) && row.length === value[0].length && row.every((cell) => cell === null || typeof cell !== "object"));

const isSmall = (value) => value.length * (value[0]?.length ?? 1) <= MOST_CELLS && (value[0]?.length ?? 1) <= MOST_COLUMNS;

const gridOrText = (kind, told) => {
  const [small, large] = [grid(kind, told), text(kind, told)];
  let shown = small;
  const element = make("div", {}, small.element);
  const set = (value = told.fresh) => {
    shown = value === undefined || (isMatrix(value) && isSmall(value)) ? small : large;
    shown.set(value);
    element.replaceChildren(shown.element);
  };
  set();
  return { element, get: () => shown.get(), set, at: (path) => shown.at(path) };
};

const grid = (kind, told) => {
  const [height, width] = kind.shape;
  let cells = [];
  const body = make("tbody");
  const name = told.name ?? told.label;
  const cell = (value, y, x) => {
    const input = make("input", { value: value ?? "", className: "cell", inputMode: "decimal", attributes: { "aria-label": `${name} ${y + 1}, ${x + 1}` } });
    return input;
  };
  const draw = (values) => {
    cells = values.map((row, y) => row.map((value, x) => cell(value, y, x)));
    body.replaceChildren(...cells.map((row) => make("tr", {}, ...row.map((input) => make("td", {}, input)))));
  };
  const get = () => cells.map((row) => row.map((input) => toNumber(input.value, kind.dtype) ?? null));
  const set = (value = []) => {
    need(isMatrix(value), `${name} is not a matrix`);
    draw(value);
  };
  const raw = () => cells.map((row) => row.map((input) => input.value));
  const change = (values) => {
    draw(values);
    edited(body);
  };
  const columns = () => cells[0]?.length ?? (Number.isInteger(width) ? width : 1);
  const addRow = () => change([...raw(), Array(columns()).fill(0)]);
  const addColumn = () => change(raw().map((row) => [...row, 0]));
  const controls = [];
  if (!Number.isInteger(height)) controls.push(button("Add row", addRow), button("Remove row", () => change(raw().slice(0, -1))));
  if (!Number.isInteger(width)) controls.push(button("Add column", addColumn), button("Remove column", () => change(raw().map((row) => row.slice(0, -1)))));
  const table = scrolled(make("table", { className: "grid" }, body), `Rows of ${name}`);
  const element = make("div", {}, table, make("div", { className: "row" }, ...controls));
  return { element, get, set, at: ([y, x]) => cells[y]?.[x ?? 0] ?? element };
};
