// Calling a method: one answer, or messages that come one after the other (application/x-ndjson).

import { parse } from "./json.js";

const LINES = "application/x-ndjson";

export const address = (method) => new URL(`model/methods/${encodeURIComponent(method)}`, document.baseURI).href;

// What the service said instead of an answer: `problem` as in RFC 9457, `wait` the seconds until it may do better.
export class Refused extends Error {
  constructor(problem, { status, headers }) {
    super(problem.detail ?? problem.title ?? `status ${status}`);
    this.problem = problem;
    this.status = status;
    this.wait = headers?.get("Retry-After");
  }
}

// Call a method with the text of its arguments. `each` gets every message of a stream with the milliseconds until it came.
// Gives {value, text, ms, id}, the last message for a stream.
export const call = async (method, body, { signal, each, lines = false, stream = false }) => {
  const start = performance.now();
  const headers = { "Content-Type": lines ? LINES : "application/json", Accept: stream ? LINES : "application/json" };
  const answer = await fetch(address(method), { method: "POST", headers, body, signal });
  const id = answer.headers.get("X-Request-ID");
  const type = answer.headers.get("Content-Type") ?? "";
  if (answer.ok && type.startsWith(LINES)) {
    const last = await readLines(answer, (value) => each(value, performance.now() - start));
    return { ...last, ms: performance.now() - start, id };
  }
  const text = await answer.text();
  const ms = performance.now() - start;
  if (!answer.ok) throw new Refused(problemOf(text), answer);
  return { value: parse(text), text, ms, id };
};

const problemOf = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return { detail: text.slice(0, 300) };
  }
};

const readLines = async (answer, each) => {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let [left, last] = ["", {}];
  const take = (line) => {
    if (!line.trim()) return;
    const value = parse(line);
    if (value.error?.type?.startsWith?.("urn:modelport:problem:")) throw new Refused(value.error, answer);
    last = { value, text: line };
    each(value);
  };
  for (;;) {
    const { done, value } = await reader.read();
    const found = (left + (value ?? "")).split("\n");
    left = done ? "" : found.pop();
    found.forEach(take);
    if (done) return last;
  }
};
