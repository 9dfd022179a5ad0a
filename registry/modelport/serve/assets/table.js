// The editor of a table: a message whose fields are columns. Rows are typed, pasted as CSV or dropped as a file.

import { mapped, readCsv } from "./csv.js";
import { isNumber, members, toNumber } from "./kinds.js";
import { Unshowable, button, edited, make, need } from "./make.js";

const SHOWN = 50; // rows that can be typed in; all are sent

const typeOf = (field) => field.type.list;

// A cell's value from its text.
const read = (field, text) => {
  const type = typeOf(field);
  if (type.scalar === "bool") return /^(true|yes|1)$/i.test(text) ? true : /^(false|no|0)$/i.test(text) ? false : text;
  return type.scalar && isNumber(type.scalar) ? (toNumber(text, type.scalar) ?? null) : text;
};

export const table = (one, told) => {
  const names = one.fields.map((field) => field.name);
  let rows = []; // lists of texts, one for each field
  let inputs = [];
  const unit = (field) => (field.unit ? [make("span", { className: "unit" }, ` ${field.unit}`)] : []);
  const head = make("tr", {}, ...one.fields.map((field) => make("th", { scope: "col", title: field.doc ?? "" }, field.name, ...unit(field))), make("td"));
  const body = make("tbody");
  const note = make("p", { className: "note", attributes: { role: "status" } });

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
    input.addEventListener("input", () => (rows[at][column] = input.value));
    return input;
  };
  const draw = () => {
    inputs = rows.slice(0, SHOWN).map((_, at) => one.fields.map((field, column) => cell(field, at, column)));
    const remove = (at) => button("×", () => change(rows.filter((_, other) => other !== at)), { className: "quiet remove", ariaLabel: `Remove row ${at + 1}` });
    body.replaceChildren(...inputs.map((cells, at) => make("tr", {}, ...cells.map((input) => make("td", {}, input)), make("td", {}, remove(at)))));
    note.textContent = rows.length > SHOWN ? `${rows.length} rows; the first ${SHOWN} are shown, all are sent` : `${rows.length} ${rows.length === 1 ? "row" : "rows"}`;
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
  const scroll = make("div", { className: "scroll" }, make("table", { className: "grid" }, make("thead", {}, head), body));
  const element = make("div", { className: "table" }, columnDocs(one.fields), scroll, note, controls, csv.element);
  element.ondragover = (event) => event.preventDefault();
  element.ondrop = (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) csv.open(file);
  };
  set(undefined);
  return { element, get, set, at: ([name, row]) => inputs[row ?? 0]?.[names.indexOf(name)] ?? element };
};

const columnDocs = (fields) => {
  const said = fields.filter((field) => field.doc);
  return make("dl", { className: "columns" }, ...said.flatMap((field) => [make("dt", {}, field.name), make("dd", {}, field.doc)]));
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
    const heads = fields.map((field, at) => make("th", { scope: "col" }, field.name, " ", selects[at]));
    const use = button(`Use these ${data.length} rows`, () => {
      take(data.map((row) => columns.map((column) => row[column] ?? "")));
      element.hidden = true;
    }, { className: "strong" });
    const preview = make("table", { className: "grid preview" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...look));
    const named = make("label", {}, header, " the first line names the columns");
    found.replaceChildren(named, make("div", { className: "scroll", tabIndex: 0, attributes: { role: "group", "aria-label": "Preview of the CSV" } }, preview), use);
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
