// Elements, and what the modules say to one another.

let made = 0;

// A name that no other element of the page has.
export const id = (word) => `${word}-${(made += 1)}`;

// An element with its properties and its children; text stays text. data-, aria- and other attributes are in `attributes`.
export const make = (tag, { attributes = {}, ...properties } = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

export const button = (text, click, properties = {}) =>
  make("button", { type: "button", className: "quiet", ...properties, onclick: click }, text);

// Tell whoever holds this element that its value has changed; typing says so by itself.
export const edited = (element) => element.dispatchEvent(new CustomEvent("edited", { bubbles: true }));

// A value that an editor cannot show; it can still be sent as JSON.
export class Unshowable extends Error {}

export const need = (fits, why) => {
  if (!fits) throw new Unshowable(why);
};
