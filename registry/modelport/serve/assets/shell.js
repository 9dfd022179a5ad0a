// The command line that makes the same call.

import { address } from "./call.js";

const LONGEST = 100_000; // a word of a command line has at most 128 KiB on Linux

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

export const curl = (method, body, { lines = false, stream = false } = {}) => {
  const type = lines ? "application/x-ndjson" : "application/json";
  const flow = stream ? "-N " : ""; // each message is shown when it comes
  const data = body.length > LONGEST ? "--data-binary @request.json" : `${lines ? "--data-binary" : "-d"} ${quoted(body)}`;
  return `curl ${flow}${quoted(address(method))} \\\n  -H 'Content-Type: ${type}' \\\n  ${data}`;
};
