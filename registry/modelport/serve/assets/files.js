// The editor of bytes: a file, with a look at it where browsers can show it. Their JSON form is base64.

import { sources } from "./camera.js";
import { edited, make, need } from "./make.js";
import { leaf } from "./scalars.js";

const DRAWN = ["image/png", "image/jpeg", "image/webp"]; // what a canvas can write

export const bytes = (told) => {
  const types = told.field.media_types ?? [];
  const isPicture = types.some((one) => one.startsWith("image/"));
  const name = told.name ?? told.label;
  let value;
  const look = make("div", { className: "look" });
  const note = make("p", { className: "note", attributes: { role: "status" } });
  const coded = make("textarea", { rows: 2, className: "text numbers", attributes: { "aria-label": `${name} as base64`, spellcheck: "false" } });
  const show = (from) => {
    look.replaceChildren(...preview(value, types));
    note.textContent = value ? `${from ? `${from}, ` : ""}${sizeOf(value)}` : "no bytes yet";
    if (coded.value !== value) coded.value = value ?? "";
  };
  const set = (given) => {
    need(given === undefined || typeof given === "string", `${name} is not base64`);
    value = given;
    show();
  };
  const take = async ([file]) => {
    value = await toBase64(isPicture ? await fitting(file, types) : file);
    show(file.name);
    edited(look);
  };
  coded.oninput = () => {
    value = coded.value.trim();
    show();
  };
  set(undefined);
  const accept = isPicture ? "image/*" : types.join(",");
  const raw = make("details", { className: "raw" }, make("summary", {}, "base64"), coded);
  const element = make("div", { className: "bytes" }, sources({ accept, name, take, isPicture }), look, note, raw);
  return { ...leaf(element, () => value, set), element };
};

// The picture as it is, or written anew where the method does not take its type.
const fitting = async (file, types) => {
  const wanted = types.find((one) => DRAWN.includes(one));
  if (types.includes(file.type) || !wanted) return file;
  const source = await createImageBitmap(file).catch(() => null);
  if (!source) return file;
  const canvas = make("canvas", { width: source.width, height: source.height });
  canvas.getContext("2d").drawImage(source, 0, 0);
  return new Promise((done) => canvas.toBlob(done, wanted));
};

const toBase64 = (blob) =>
  new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(blob);
  });

const sizeOf = (coded) => {
  const size = Math.floor((coded.length * 3) / 4) - (coded.match(/=*$/)[0].length || 0);
  return size < 2000 ? `${size} bytes` : `${(size / 1000).toFixed(1)} kB`;
};

// What a browser can show of some bytes, at most one element.
export const preview = (coded, types) => {
  const type = types[0] ?? "";
  if (!coded) return [];
  const src = `data:${type};base64,${coded}`;
  if (/^image\/[\w.+-]+$/.test(type)) return [make("img", { src, alt: "the picture" })];
  if (/^audio\/[\w.+-]+$/.test(type)) return [make("audio", { src, controls: true })];
  return [];
};
