// The editor of a table: a message whose fields are columns. Rows are typed, pasted as CSV or dropped as a file.

import { mapped, readCsv } from "./csv.js";
import { isInteger, isNumber, members, toNumber, words } from "./kinds.js";
import { Unshowable, button, edited, make, need } from "./make.js";
import { brokenName, scrolled } from "./scroll.js";

const SHOWN = 50; // rows that can be typed in; all are sent
const MANY = 5; // columns that half of the page holds
const FEW = 4; // columns that are described without being asked

const typeOf = (field) => field.type.list;

// A cell's value from its text.
const read = (field, text) => {
  const type = typeOf(field);
  if (type.scalar === "bool") return /^(true|yes|1)$/i.test(text) ? true : /^(false|no|0)$/i.test(text) ? false : text;
  if (!isNumber(type.scalar)) return text;
  return /^nan$/i.test(text.trim()) && !isInteger(type.scalar) ? "NaN" : (toNumber(text, type.scalar) ?? null);
};

const isEmpty = (field, text) => isNumber(typeOf(field).scalar) && text.trim() === "";

// Whether a column takes NaN: no integer is one, and it is in no range.
const takesNaN = (field) => !isInteger(typeOf(field).scalar) && field.minimum === undefined && field.maximum === undefined;

export const table = (one, told) => {
  const names = one.fields.map((field) => field.name);
  let rows = []; // lists of texts, one for each field
  let inputs = [];
  const unit = (field) => (field.unit ? [make("span", { className: "unit" }, ` ${field.unit}`)] : []);
  const heads = one.fields.map((field) => make("th", { scope: "col", title: field.doc ?? "" }, ...brokenName(field.name), ...unit(field)));
  const head = make("tr", {}, make("td"), ...heads, make("td"));
  const body = make("tbody");
  const note = make("p", { className: "note", attributes: { role: "status" } });
  const wide = make("p", { className: "note wider", hidden: true }, `${one.fields.length} columns: scroll sideways to see them all.`);
  const empty = make("div", { className: "empty", attributes: { role: "status" } });
  const complaints = make("div", { className: "complaints" });

  const change = (next) => {
    rows = next;
    draw();
    edited(body);
  };
  const cell = (field, at, column) => {
    const { enum: choice } = typeOf(field);
    const properties = { className: "cell", attributes: { "aria-label": `${field.name}, row ${at + 1}` } };
    const input = choice
      ? make("select", properties, ...members(choice).map((name) => make("option", {}, name)))
      : make("input", { ...properties, inputMode: isNumber(typeOf(field).scalar) ? "decimal" : "text", spellcheck: false });
    input.value = rows[at][column];
    const marks = () => input.classList.toggle("missing", isEmpty(field, rows[at][column]));
    input.addEventListener("input", () => {
      rows[at][column] = input.value;
      marks();
      tellEmpty();
    });
    marks();
    return input;
  };
  // Which cells are empty that need a number, and what can be done about it.
  const tellEmpty = () => {
    const found = rows.flatMap((row, at) => one.fields.flatMap((field, column) => (isEmpty(field, row[column]) ? [{ field, at, column }] : [])));
    if (!found.length) return empty.replaceChildren();
    const [{ field, at }] = found;
    const first = `${field.name} in row ${at + 1}`;
    const said = `${found.length > 1 ? `${found.length} cells are empty, the first is ${first}` : `${first} is empty`}. The method needs a number there`;
    const able = found.filter((cell) => takesNaN(cell.field));
    const fill = () => {
      for (const cell of able) rows[cell.at][cell.column] = "NaN";
      draw();
      edited(body);
    };
    const count = able.length === found.length ? "" : ` (${able.length} of ${found.length})`;
    const offer = able.length ? [" or, where none was measured, NaN. ", button(`Fill in NaN${count}`, fill)] : ["."];
    empty.replaceChildren(said, ...offer);
  };
  const draw = () => {
    inputs = rows.slice(0, SHOWN).map((_, at) => one.fields.map((field, column) => cell(field, at, column)));
    const remove = (at) => button("×", () => change(rows.filter((_, other) => other !== at)), { className: "quiet remove", ariaLabel: `Remove row ${at + 1}` });
    body.replaceChildren(...inputs.map((cells, at) => make("tr", {}, make("th", { scope: "row" }, String(at + 1)), ...cells.map((input) => make("td", {}, input)), make("td", {}, remove(at)))));
    note.textContent = rows.length > SHOWN ? `${rows.length} rows; the first ${SHOWN} are shown, all are sent` : `${rows.length} ${rows.length === 1 ? "row" : "rows"}`;
    tellEmpty();
  };

  const set = (value = told.fresh ?? {}) => {
    need(value !== null && typeof value === "object" && !Array.isArray(value), `${one.name} is not an object`);
    for (const name of Object.keys(value)) need(names.includes(name), `${one.name} has no field ${name}`);
    const columns = names.map((name) => value[name] ?? []);
    need(columns.every((column) => Array.isArray(column) && column.every((cell) => cell !== null && typeof cell !== "object")), "a column is no list of single values");
    if (new Set(columns.map((column) => column.length)).size > 1) throw new Unshowable("the lists differ in length");
    rows = columns[0].map((_, at) => columns.map((column) => String(column[at])));
    draw();
  };
  const get = () => Object.fromEntries(one.fields.map((field, column) => [field.name, rows.map((row) => read(field, row[column]))]));
  const blank = () => one.fields.map((field) => String(told.fresh?.[field.name]?.[0] ?? (typeOf(field).enum ? members(typeOf(field).enum)[0] : "")));
  const add = () => {
    change([...rows, rows.at(-1) ? [...rows.at(-1)] : blank()]);
    inputs.at(-1)?.[0].focus();
  };

  const csv = importer(one.fields, (found) => change(found));
  const controls = make("div", { className: "row" }, button("Add row", add), button("Paste or open CSV", () => csv.toggle()));
  const grid = make("table", { className: "grid numbered" }, make("thead", {}, head), body);
  const scroll = scrolled(grid, `Rows of ${one.name}`, (is) => (wide.hidden = !is));
  const className = one.fields.length > MANY ? "table wide" : "table";
  const element = make("div", { className }, wide, scroll, note, controls, csv.element, complaints, empty, about(one));
  element.ondragover = (event) => event.preventDefault();
  element.ondrop = (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) csv.open(file);
  };
  set(undefined);
  return { element, get, set, at: ([name, row]) => inputs[row ?? 0]?.[names.indexOf(name)] ?? element };
};

// What each column is.
const about = ({ name, fields }) => {
  const said = fields.map((field) => make("div", {}, make("dt", {}, ...brokenName(field.name)), make("dd", {}, words(name, field.name), ...(field.doc ? [make("br"), field.doc] : []))));
  const list = make("dl", { className: "columns" }, ...said);
  return make("details", { open: fields.length <= FEW }, make("summary", {}, "About the columns"), list);
};

// Where CSV is pasted or opened: which column is which field, a look at the first rows, and then it is taken.
const importer = (fields, take) => {
  let rows = [];
  const box = make("textarea", { rows: 4, className: "text numbers", attributes: { "aria-label": "CSV", spellcheck: "false", placeholder: `${fields.map((field) => field.name).join(",")}\n…` } });
  const file = make("input", { type: "file", accept: ".csv,.tsv,text/csv", className: "file", attributes: { "aria-label": "CSV file" } });
  const header = make("input", { type: "checkbox" });
  const found = make("div", { className: "found" });
  const element = make("div", { className: "csv" }, make("div", { className: "row" }, file, "or drop one here, or paste:"), box, found);
  element.hidden = true;

  const choose = (field, column) => {
    const width = Math.max(...rows.map((row) => row.length));
    const name = (index) => (header.checked && rows[0][index]) || `column ${index + 1}`;
    const options = Array.from({ length: width }, (_, index) => make("option", { value: index }, name(index)));
    const select = make("select", { attributes: { "aria-label": `column of ${field.name}` } }, make("option", { value: -1 }, "nothing"), ...options);
    select.value = column;
    return select;
  };
  const show = () => {
    rows = readCsv(box.value);
    if (!rows.length) return found.replaceChildren();
    const { isHeader, columns } = mapped(rows, fields);
    header.checked = isHeader;
    draw(columns);
  };
  const draw = (columns) => {
    const data = header.checked ? rows.slice(1) : rows;
    const selects = fields.map((field, at) => choose(field, columns[at]));
    const now = () => selects.map((select) => Number(select.value));
    selects.forEach((select) => (select.onchange = () => draw(now())));
    header.onchange = () => draw(now());
    const look = data.slice(0, 5).map((row) => make("tr", {}, ...columns.map((column) => make("td", {}, row[column] ?? ""))));
    const heads = fields.map((field, at) => make("th", { scope: "col" }, ...brokenName(field.name), " ", selects[at]));
    const use = button(data.length === 1 ? "Use this row" : `Use these ${data.length} rows`, () => {
      take(data.map((row) => columns.map((column) => row[column] ?? "")));
      element.hidden = true;
    }, { className: "strong" });
    const preview = make("table", { className: "grid preview" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...look));
    const named = make("label", {}, header, " the first line names the columns");
    found.replaceChildren(named, scrolled(preview, "Preview of the CSV"), use);
  };
  const open = async (one) => {
    element.hidden = false;
    box.value = await one.text();
    show();
  };
  box.oninput = (event) => {
    event.stopPropagation(); // nothing has changed until the rows are taken
    show();
  };
  element.addEventListener("input", (event) => event.stopPropagation());
  file.onchange = () => file.files[0] && open(file.files[0]);
  const toggle = () => {
    element.hidden = !element.hidden;
    if (!element.hidden) box.focus();
  };
  return { element, open, toggle };
};
