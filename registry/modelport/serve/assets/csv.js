// Reading CSV (RFC 4180), with commas, semicolons or tabs, and finding which column is which field.

const separatorOf = (text) => {
  const line = text.slice(0, text.search(/\r?\n|$/));
  const count = (one) => line.split(one).length;
  return [",", ";", "\t"].reduce((best, one) => (count(one) > count(best) ? one : best));
};

// The rows of a text, each a list of texts; empty lines are left out.
export const readCsv = (text) => {
  const clean = text.replace(/^\ufeff/, "");
  const separator = separatorOf(clean);
  const [rows, cell] = [[[]], new RegExp(`(?:"((?:[^"]|"")*)"|([^"\\r\\n${separator}][^\\r\\n${separator}]*)?)(${separator}|\\r?\\n|\\r|$)`, "y")];
  for (let match; cell.lastIndex < clean.length && (match = cell.exec(clean)); ) {
    const [, quoted, plain, end] = match;
    rows.at(-1).push(quoted === undefined ? (plain ?? "").trim() : quoted.replaceAll('""', '"'));
    if (end !== separator && end !== "") rows.push([]);
    else if (end === separator && cell.lastIndex === clean.length) rows.at(-1).push("");
  }
  return rows.filter((row) => row.some((one) => one !== ""));
};

const plain = (name) => name.toLowerCase().replace(/\(.*?\)|\[.*?\]/g, "").replace(/[^\p{L}\p{N}]/gu, "");
const isNumeric = (text) => text !== "" && Number.isFinite(Number(text));

// {header, rows, columns}: whether the first row names the columns, the rows below it, and for each field the index of
// its column or -1.
export const mapped = (all, fields) => {
  const [first = [], ...rest] = all;
  const names = first.map(plain);
  const found = fields.map((field) => names.indexOf(plain(field.name)));
  const isHeader = found.some((index) => index >= 0) || (rest.length > 0 && !first.some(isNumeric) && rest[0].some(isNumeric));
  if (found.some((index) => index >= 0)) return { isHeader, columns: found };
  return { isHeader, columns: fields.map((_, index) => (index < first.length ? index : -1)) };
};
