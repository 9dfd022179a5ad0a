// One method's form: arguments, the same as JSON, the call, its answer.

import { answered } from "./answer.js";
import { Refused, call } from "./call.js";
import { root } from "./editors.js";
import { flat, parse, print } from "./json.js";
import { steps } from "./kinds.js";
import { Unshowable, button, id, make } from "./make.js";
import { curl } from "./shell.js";

const INPUTS = "input, select, textarea";

export const mount = (place, method, examples) => {
  place.closest("section").querySelector(".shell").open = false; // the form has a line for each request
  const form = root(method);
  const view = parts(place, method, form.element);
  const flow = { lines: Boolean(method.streams_in), stream: Boolean(method.streams_out) };

  // The request's text is what is sent. The form writes it, and follows it where it can.
  const body = () => (flow.lines ? asLines(view.json.value) : view.json.value);
  const shell = () => (view.curl.textContent = curl(method.name, flow.lines ? body() : compact(body()), flow));
  const fromForm = () => {
    view.json.value = print(form.get());
    changed(view);
    shell();
  };
  const fromText = () => {
    changed(view);
    shell();
    try {
      form.set(parse(view.json.value));
      complain(view, "");
    } catch (error) {
      complain(view, error instanceof Unshowable ? `The form cannot show this: ${error.message}. It is sent as it stands.` : `This is not JSON: ${error.message}`);
    }
  };
  const start = (value) => {
    begin(view);
    view.json.value = print(value);
    fromText();
  };
  form.element.addEventListener("input", fromForm);
  form.element.addEventListener("change", fromForm);
  form.element.addEventListener("edited", fromForm);
  view.json.addEventListener("input", fromText);
  fillExamples(view.examples, method, examples, start, () => {
    begin(view);
    complain(view, "");
    form.set(undefined);
    fromForm();
  });
  view.form.onsubmit = (event) => {
    event.preventDefault();
    if (view.running) view.running.abort();
    else run(view, method, body(), form, flow);
  };
  place.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) view.form.requestSubmit();
  });
  if (examples.length) start(messages(examples[0].input, method));
  else fromForm();
};

// A list of messages as a stream: one a line.
const asLines = (text) => {
  try {
    const value = parse(text);
    return (Array.isArray(value) ? value : [value]).map((one) => `${flat(one)}\n`).join("");
  } catch {
    return text;
  }
};

const compact = (text) => {
  try {
    return flat(parse(text));
  } catch {
    return text;
  }
};

const parts = (place, method, fields) => {
  const jsonId = id("json");
  const json = make("textarea", { id: jsonId, className: "text json", rows: 6, attributes: { spellcheck: "false" } });
  const wrong = make("p", { className: "wrong", hidden: true, attributes: { role: "status" } });
  const code = make("code");
  const command = make("pre", { tabIndex: 0, attributes: { role: "group", "aria-label": `Command line for ${method.name}` } }, code);
  const examples = make("div", { className: "row examples", attributes: { role: "group", "aria-label": "Examples" } });
  const send = make("button", { type: "submit", className: "strong send" }, "Call ", make("code", {}, method.name));
  const took = make("span", { className: "took", attributes: { role: "status" } });
  const out = make("div", { className: "out", attributes: { "aria-live": "polite" } }, waiting());
  const stale = make("span", { className: "hint", hidden: true }, "to the arguments before they were changed");
  const form = make("form", { noValidate: true }, examples, fields, make("div", { className: "row sending" }, send, took));
  const answer = make("section", { className: "pane", attributes: { "aria-label": `Answer of ${method.name}` } }, make("h3", {}, "Answer", stale), out);
  const label = make("label", { htmlFor: jsonId }, "Request");
  const request = make("div", { className: "pane" }, make("h3", {}, label, make("span", { className: "hint" }, method.streams_in ? "a list in JSON, sent one message a line" : "JSON, as it is sent")), json, wrong, make("h3", {}, "Command line", copier(code)), command);
  const left = make("div", { className: "pane asked" }, make("h3", {}, "Arguments"), form);
  place.replaceChildren(left, make("div", { className: "told" }, answer, request));
  return { form, json, wrong, curl: code, examples, send, took, out, stale, flagged: [], running: null };
};

const copier = (code) => {
  const one = button("Copy", async () => {
    await navigator.clipboard?.writeText(code.textContent);
    one.textContent = "Copied";
    setTimeout(() => (one.textContent = "Copy"), 1500);
  });
  one.hidden = !navigator.clipboard; // browsers give it to pages over TLS or of this machine only
  return one;
};

// An example's input; that of a stream is {"stream": [...]}.
const messages = (input, method) => (method.streams_in ? input.stream : input);

const fillExamples = (place, method, examples, start, clear) => {
  const use = (example, at) => button(examples.length > 1 ? `Example ${at + 1}` : "Example", () => start(messages(example.input, method)));
  place.replaceChildren(...examples.map(use), button("Start anew", clear));
};

const complain = (view, text) => {
  view.wrong.textContent = text;
  view.wrong.hidden = !text;
};

const waiting = () => make("p", { className: "nothing" }, "The answer will be here.");

// Arguments that have nothing to do with those before: nor has the answer.
const begin = (view) => {
  view.running?.abort();
  view.out.replaceChildren(waiting());
  view.took.textContent = "";
};

const changed = (view) => {
  forget(view);
  view.stale.hidden = Boolean(view.out.querySelector(":scope > .nothing:only-child")) || view.running !== null;
};

const forget = (view) => {
  for (const { element, note } of view.flagged.splice(0)) {
    element.removeAttribute("aria-invalid");
    element.removeAttribute("data-invalid");
    note.remove();
  }
};

const run = async (view, method, body, form, flow) => {
  view.running = new AbortController();
  view.send.replaceChildren("Stop");
  view.out.setAttribute("aria-busy", "true");
  view.took.textContent = "";
  view.stale.hidden = true;
  forget(view);
  const came = flow.stream ? streamed(view, method) : null;
  try {
    const { value, text, ms, id: request } = await call(method.name, body, { ...flow, signal: view.running.signal, each: came?.each });
    view.took.textContent = `answered in ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
    view.took.title = `X-Request-ID: ${request}`;
    if (came) came.done();
    else view.out.replaceChildren(answered(value, method.output), raw(text));
  } catch (error) {
    if (error.name === "AbortError") view.took.textContent = "stopped";
    else refused(view, error, form, came);
  } finally {
    view.running = null;
    view.send.replaceChildren("Call ", make("code", {}, method.name));
    view.out.removeAttribute("aria-busy");
  }
};

const raw = (text) => {
  const code = make("code", {}, print(parse(text)));
  const block = make("pre", { tabIndex: 0, attributes: { role: "group", "aria-label": "The answer as JSON" } }, code);
  return make("details", { className: "raw" }, make("summary", {}, "JSON"), block);
};

// Messages as they come, the newest last.
const streamed = (view, method) => {
  const items = make("ol", { className: "stream" });
  const count = make("p", { className: "note" }, "waiting for the first message");
  view.out.replaceChildren(items, count);
  let number = 0;
  const each = (value, ms) => {
    number += 1;
    items.append(make("li", {}, make("span", { className: "took" }, `${Math.round(ms)} ms`), answered(value, method.output)));
    count.textContent = `${number} ${number === 1 ? "message" : "messages"} so far`;
  };
  const done = () => (count.textContent = `${number} ${number === 1 ? "message" : "messages"}; that is all`);
  return { each, done };
};

const refused = (view, error, form, came) => {
  const isProblem = error instanceof Refused;
  const { title, detail, errors = [], request_id: request } = isProblem ? error.problem : {};
  const said = isProblem ? (title ?? `Status ${error.status}`) : "The service did not answer";
  const wait = isProblem && error.wait ? [make("p", { className: "note" }, `Try again in ${error.wait} s.`)] : [];
  const items = errors.map((one) => problem(view, one, form));
  const box = make("div", { className: "problem" }, make("p", {}, make("strong", {}, said), isProblem ? ` (${error.status})` : ""), make("p", {}, detail ?? error.message), make("ul", {}, ...items), ...wait);
  if (request) box.append(make("p", { className: "note" }, "Request ", make("code", {}, request)));
  if (came) view.out.append(box);
  else view.out.replaceChildren(box);
  if (view.flagged.length && view.form.contains(document.activeElement)) show(view.flagged[0].element);
};

// Bring a part of the form to where it is seen, and type there next.
const show = (element) => {
  const one = element.matches(INPUTS) ? element : (element.querySelector(`${INPUTS}, button`) ?? element);
  one.focus({ preventScroll: true });
  one.scrollIntoView({ block: "nearest", inline: "center" });
};

// One misfit: shown at the field that it names, and listed with a way to that field.
const problem = (view, { path, message }, form) => {
  const element = form.at(steps(path));
  const isInput = element.matches(INPUTS);
  const flag = isInput ? "aria-invalid" : "data-invalid";
  const cell = element.closest("td") && element.closest(".table");
  const note = make("p", { className: "complaint" }, `${cell ? element.ariaLabel : path} ${message}`);
  note.hidden = Boolean(cell) && element.classList.contains("missing"); // its table says so by itself
  element.setAttribute(flag, "true");
  // A cell has no room for words, and may be out of sight: they are below its table.
  (cell?.querySelector(".complaints") ?? element.closest("td, li, .field") ?? element).append(note);
  view.flagged.push({ element, note });
  return make("li", {}, button(path, () => show(element), { className: "link" }), ` ${message}`);
};
