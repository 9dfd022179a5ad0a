// Which editor a type has. An editor is {element, get, set, at}:
// get() is the value in JSON form, undefined when it is left out; set(value) shows one, undefined for what a new one has,
// and throws Unshowable; at(steps) is the part that a problem's path leads to.
// What an editor is told: {field, owner, name, labels, fresh}: the field, its message's name, what to call it, the ids of
// what describes it, and what a new one has.

import { bytes } from "./files.js";
import { fields } from "./fields.js";
import { page } from "./kinds.js";
import { pictures } from "./pictures.js";
import { layoutOf } from "./pixels.js";
import { choice, flag, number, text } from "./scalars.js";
import { list, map, optional } from "./several.js";
import { tensor } from "./tensors.js";

export const editor = (type, told) => {
  if ("list" in type) return list(type.list, told);
  if ("map" in type) return map(type.map, told);
  if ("optional" in type) return optional(type.optional, told);
  if ("message" in type) return fields(type.message, told);
  if ("enum" in type) return choice(type.enum, told);
  if ("tensor" in type) {
    const layout = layoutOf(type.tensor, told.field);
    return layout ? pictures(type.tensor, layout, told) : tensor(type.tensor, told);
  }
  return scalar(type.scalar, told);
};

const scalar = (name, told) => {
  if (name === "bool") return flag(told);
  if (name === "string") return text(told);
  if (name === "bytes") return bytes(told);
  return number(name, told);
};

// What a method takes: one message, or a list of those that it is sent one after the other.
export const root = ({ input, streams_in: isStream }) =>
  isStream
    ? list({ message: input }, { field: {}, fresh: [page.samples[input]], name: "the stream" })
    : fields(input, { field: {}, fresh: page.samples[input], isRoot: true });
