// The editor of a tensor that is a picture or several: from files or the camera, scaled to the tensor's size.

import { sources } from "./camera.js";
import { button, edited, make, need } from "./make.js";
import { scaled, toCanvas, toValues } from "./pixels.js";
import { shapeWords } from "./tensors.js";

const FITS = [["whole", "whole, with a border"], ["cut", "cut to fill"], ["stretched", "stretched"]];

export const pictures = (kind, layout, told) => {
  let shown = []; // {values, source}: source is what the values were made from, if a file was
  const name = told.name ?? told.label;
  const strip = make("ul", { className: "strip" });
  const status = make("p", { className: "note", attributes: { role: "status" } });
  const fit = make("select", {}, ...FITS.map(([value, words]) => make("option", { value }, words)));
  const invert = make("input", { type: "checkbox" });
  const made = (source) => ({ source, values: toValues(scaled(source, layout, fit.value), layout, invert.checked) });

  const draw = () => {
    strip.replaceChildren(...shown.map(tile));
    const values = `black is ${layout.low}, white ${layout.high}`;
    status.textContent = `${shown.length} ${shown.length === 1 ? "picture" : "pictures"}; ${shapeWords(kind)}, ${values}`;
  };
  const tile = (one, at) => {
    const canvas = toCanvas(one.values, layout) ?? make("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `picture ${at + 1} of ${name}`);
    const remove = button("×", () => change(shown.filter((other) => other !== one)), { className: "quiet remove", ariaLabel: `Remove picture ${at + 1}` });
    return make("li", {}, canvas, remove);
  };
  const change = (next) => {
    shown = next;
    draw();
    edited(strip);
  };
  const take = async (files) => {
    try {
      const read = await Promise.all(files.map((file) => createImageBitmap(file)));
      change([...(layout.many ? shown : []), ...read.map(made)]);
    } catch {
      status.textContent = `${files.map((file) => file.name).join(", ")}: this is no picture that the browser can read`;
    }
  };
  const again = () => change(shown.map((one) => (one.source ? made(one.source) : one)));
  fit.onchange = again;
  invert.onchange = again;

  const set = (value) => {
    const given = value ?? [];
    need(Array.isArray(given), `${name} is not a list`);
    const each = layout.many ? given : given.length ? [given] : [];
    shown = each.map((values) => ({ values }));
    draw();
  };
  const get = () => (layout.many ? shown.map((one) => one.values) : shown[0]?.values);
  set();
  const options = make("div", { className: "row options" }, make("label", {}, "fit ", fit), make("label", {}, invert, " invert"));
  const element = make("div", { className: "pictures" }, sources({ accept: "image/*", name, multiple: layout.many, take }), strip, status, options);
  return { element, get, set, at: () => element };
};
