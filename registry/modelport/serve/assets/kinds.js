// The model's signature: what its messages, enumerations and types are. Said by the page itself, in its data block.

export const page = JSON.parse(document.getElementById("model").textContent);

const messages = new Map(page.signature.messages.map((one) => [one.name, one]));
const enums = new Map((page.signature.enums ?? []).map((one) => [one.name, one]));

export const message = (name) => messages.get(name);
export const members = (name) => enums.get(name).members.map((one) => one.name);

// What is said of a field in words: "double (cm), 0 to 10".
export const words = (messageName, fieldName) => page.words[messageName][fieldName];

// A small value of a field, for a new row.
export const sample = (messageName, fieldName) => structuredClone(page.samples[messageName]?.[fieldName]);

const INTEGERS = { int8: -128, uint8: 0, int16: -32768, uint16: 0, int32: -2147483648, uint32: 0, int64: null, uint64: null };
const HIGHEST = { int8: 127, uint8: 255, int16: 32767, uint16: 65535, int32: 2147483647, uint32: 4294967295 };

export const isInteger = (name) => name in INTEGERS;
export const isLong = (name) => name === "int64" || name === "uint64";
export const isNumber = (name) => isInteger(name) || /^(double|float\d*)$/.test(name);

// The least and the greatest number that a field may have, as far as a number box can hold them.
export const bounds = (name, field) => ({
  min: field.minimum ?? INTEGERS[name] ?? null,
  max: field.maximum ?? HIGHEST[name] ?? null,
});

// A number from what was typed. What is no number stays text, for the service to say so.
export const toNumber = (text, name) => {
  const typed = text.trim();
  if (typed === "") return undefined;
  if (/^-?\d+$/.test(typed)) return Number.isSafeInteger(Number(typed)) ? Number(typed) : BigInt(typed);
  const value = Number(typed);
  return Number.isFinite(value) && !isInteger(name) ? value : typed;
};

// The columns of a table: the fields of a message that has nothing but lists of single values.
export const columnsOf = (one) => {
  const isColumn = ({ type }) => "list" in type && (type.list.enum || (type.list.scalar && type.list.scalar !== "bytes"));
  return one.fields.length > (one.table ? 0 : 1) && one.fields.every(isColumn) ? one.fields : null;
};

// A problem's path in steps: `points[0].x` is ["points", 0, "x"], `veins["a b"]` is ["veins", "a b"].
export const steps = (path) => {
  const found = [];
  const step = /\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\.?([A-Za-z_]\w*)/y;
  for (let match; (match = step.exec(path)); ) {
    const [, index, key, name] = match;
    found.push(index !== undefined ? Number(index) : key !== undefined ? JSON.parse(key) : name);
  }
  return found;
};
