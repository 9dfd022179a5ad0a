// Put a form into each method's part of the page. Without this script the page says the same, and how to call with curl.

import { parse } from "./json.js";
import { page } from "./kinds.js";
import { mount } from "./method.js";

const examples = async () => {
  try {
    const answer = await fetch("model/artifacts/examples");
    return answer.ok ? parse(await answer.text()).examples : [];
  } catch {
    return [];
  }
};

const all = await examples();
for (const method of page.signature.methods) {
  const place = document.querySelector(`[data-method="${CSS.escape(method.name)}"]`);
  mount(place, method, all.filter((one) => one.method === method.name));
}
document.documentElement.classList.add("ready");
