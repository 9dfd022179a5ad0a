// What may be wider than its place: it scrolls by keyboard, too, and shows at its edges where there is more.

import { make } from "./make.js";

// `told` hears whether it scrolls, now and whenever that changes.
export const scrolled = (inner, name, told = () => {}) => {
  const scroll = make("div", { className: "scroll", tabIndex: 0, attributes: { role: "group", "aria-label": name } }, inner);
  const element = make("div", { className: "scrolls" }, scroll);
  const look = () => {
    const more = scroll.scrollWidth - scroll.clientWidth;
    element.classList.toggle("left", scroll.scrollLeft > 1);
    element.classList.toggle("right", scroll.scrollLeft < more - 1);
    told(more > 1);
  };
  scroll.addEventListener("scroll", look, { passive: true });
  const watch = new ResizeObserver(look);
  watch.observe(scroll);
  watch.observe(inner);
  return element;
};

// A column's name, which may be broken after each of its words.
export const brokenName = (name) => name.split(/(?<=_)/).flatMap((word, at) => (at ? [make("wbr"), word] : [word]));
