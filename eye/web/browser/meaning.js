// Whether a node is meant by a filter: eye/metrics/filter_meaning.py, in the browser's words. The server reads
// the text, so that there is one grammar; what it means comes as nested lists, and is asked of each node here. Pure.

import { reading } from "./cluster.js";

const COMPARE = {
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  "=": (a, b) => a === b,
  "!=": (a, b) => a !== b,
};

// meaning(["status", "down"]) -> node => true or false
export function meaning([kind, ...rest]) {
  if (kind === "true") return () => true;
  if (kind === "all" || kind === "any") {
    const parts = rest.map(meaning);
    return (node) => parts[kind === "all" ? "every" : "some"]((one) => one(node));
  }
  if (kind === "not") {
    const one = meaning(rest[0]);
    return (node) => !one(node);
  }
  if (kind === "status") return (node) => node.status === rest[0];
  if (kind === "match") {
    const pattern = new RegExp(rest[1], "isu");
    const text = { host: (node) => reading(node, "host")?.name ?? "", node: (node) => node.node, address: (node) => node.address };
    return (node) => pattern.test(text[rest[0]](node) ?? "");
  }
  const [part, field, ...more] = rest;
  const [limit, operator] = [more.pop(), COMPARE[more.pop()]];
  return (node) => {
    if (node.status === "down") return false; // what is still known of it is no figure of now
    let value = node[part]?.[field];
    if (kind === "share") {
      const whole = node.host?.[more[0]];
      value = value != null && whole ? (100 * value) / whole : null;
    }
    return value != null && operator(value, limit);
  };
}
