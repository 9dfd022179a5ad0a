// The editor of a message: one labelled part for each of its fields, or a table where its fields are columns.

import { editor } from "./editors.js";
import { columnsOf, isNumber, message, sample, words } from "./kinds.js";
import { Unshowable, id, make, need } from "./make.js";
import { table } from "./table.js";

export const fields = (name, told) => {
  const one = message(name);
  const plain = parts(one, told);
  return columnsOf(one) ? either(table(one, told), plain) : plain;
};

// Whether one label can name the whole editor: then it is a <label>, else a group's name.
const isLeaf = (type) => {
  const inner = type.optional ?? type;
  if (type.optional) return false;
  if (type.list) return isNumber(type.list.scalar);
  return "enum" in inner || ("scalar" in inner && inner.scalar !== "bytes");
};

const parts = (one, told) => {
  const children = one.fields.map((field) => [field.name, part(one, field)]);
  const known = new Map(children);
  const set = (value = {}) => {
    need(value !== null && typeof value === "object" && !Array.isArray(value), `${one.name} is not an object`);
    for (const name of Object.keys(value)) need(known.has(name), `${one.name} has no field ${name}`);
    for (const [name, child] of children) child.set(Object.hasOwn(value, name) ? value[name] : undefined);
  };
  const get = () =>
    Object.fromEntries(children.map(([name, child]) => [name, child.get()]).filter(([, value]) => value !== undefined));
  const nothing = make("p", { className: "nothing" }, "This method takes nothing.");
  const elements = children.map(([, child]) => child.element);
  const isShort = one.fields.every(({ type }) => isNumber(type.scalar) || type.enum);
  const className = told.isRoot ? "fields" : isShort ? "fields inner short" : "fields inner";
  const element = make("div", { className }, ...(elements.length ? elements : [nothing]));
  return { element, get, set, at: ([name, ...rest]) => known.get(name)?.at(rest) ?? element };
};

// A field: its name, what its values are, its editor, and a place for what is wrong with it.
const part = (one, field) => {
  const [own, said] = [id("field"), id("said")];
  const fresh = field.default ?? sample(one.name, field.name);
  const isOwn = isLeaf(field.type);
  const inner = editor(field.type, {
    field,
    fresh,
    owner: one.name,
    described: said,
    ...(isOwn ? { id: own } : { name: field.name }),
  });
  const label = make(isOwn ? "label" : "span", { className: "name", ...(isOwn ? { htmlFor: own } : { id: own }) }, field.name);
  const kind = make("span", { className: "kind" }, words(one.name, field.name));
  const head = make("div", { className: "head" }, label, kind);
  const doc = field.doc ? [make("p", { className: "doc" }, field.doc)] : [];
  head.id = said;
  const attributes = isOwn ? {} : { role: "group", "aria-labelledby": own };
  const isFlag = field.type.scalar === "bool";
  const element = make("div", { className: isFlag ? "field flag" : "field", attributes }, head, ...doc, inner.element);
  return { ...inner, element };
};

// A table where the value is one, the single fields where its lists differ in length.
const either = (first, second) => {
  let [shown, other] = [first, second];
  const element = make("div", {}, first.element);
  const show = (one) => {
    if (one === shown) return;
    [shown, other] = [one, shown];
    element.replaceChildren(one.element);
  };
  const set = (value) => {
    try {
      first.set(value);
      show(first);
    } catch (error) {
      if (!(error instanceof Unshowable)) throw error;
      second.set(value);
      show(second);
    }
  };
  return { element, get: () => shown.get(), set, at: (path) => shown.at(path) };
};
