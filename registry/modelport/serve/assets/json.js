// JSON without loss: integers beyond 2**53 are BigInts, and small lists are printed on one line.

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const MARK = `\u0000${Math.random()}:`; // begins no text of a caller's
const WIDTH = 96;

const isUnsafe = (token) => /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token));

export const parse = (text) => {
  JSON.parse(text); // says what is wrong, and where, in words for people
  const marked = text.replace(TOKEN, (token) => (isUnsafe(token) ? JSON.stringify(MARK + token) : token));
  const revive = (_, value) =>
    typeof value === "string" && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value;
  return JSON.parse(marked, revive);
};

const scalar = (value) => (typeof value === "bigint" ? String(value) : JSON.stringify(value));

const parts = (value, write) =>
  Array.isArray(value)
    ? ["[", value.map(write), "]"]
    : ["{", Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${write(one)}`), "}"];

// The value on one line, as it is sent.
export const flat = (value) => {
  if (value === null || typeof value !== "object") return scalar(value);
  const [open, inner, close] = parts(value, flat);
  return open + inner.join(", ") + close;
};

const isNumbers = (value) => Array.isArray(value) && value.every((one) => typeof one === "number" || typeof one === "bigint");

// The value for people: what fits on a line stays on one, and so does a row of numbers of any length.
export const print = (value, indent = "") => {
  if (value === null || typeof value !== "object") return scalar(value);
  const line = flat(value);
  if (line.length + indent.length <= WIDTH || isNumbers(value)) return line;
  const deeper = `${indent}  `;
  const [open, inner, close] = parts(value, (one) => print(one, deeper));
  return `${open}\n${inner.map((one) => deeper + one).join(",\n")}\n${indent}${close}`;
};
