import assert from "node:assert/strict";
import { test } from "node:test";

import { meaning } from "../../../eye/web/browser/meaning.js";

const node = (name, more) => ({ node: name, status: "up", address: "10.0.0.1:1", host: { name: "orthanc", cpu_percent: 90, memory_used: 3, memory_total: 4 }, process: { restarts: 0 }, ...more });

test("what is not known is neither more nor less, and not unequal either", () => {
  for (const operator of [">", ">=", "<", "<=", "=", "!="]) {
    assert.equal(meaning(["compare", "host", "cpu_percent", operator, 1])(node("a", { host: null })), false);
    assert.equal(meaning(["share", "host", "memory_used", "memory_total", operator, 1])(node("a", { host: {} })), false);
    assert.equal(meaning(["share", "process", "memory_rss", "memory_total", operator, 1])(node("a")), false);
  }
});

test("what a node that is down said last is no figure of now, but its machine is still its machine", () => {
  const down = node("a", { status: "down", host: null, last: { host: { name: "orthanc", cpu_percent: 90 } } });
  assert.equal(meaning(["compare", "host", "cpu_percent", ">", 1])(down), false);
  assert.equal(meaning(["match", "host", "^orth.*$"])(down), true);
});

test("names are looked through without regard to case, whatever stands in them", () => {
  assert.equal(meaning(["match", "node", "^a.b$"])(node("A\nB")), true);
  assert.equal(meaning(["match", "address", "x"])(node("a", { address: null })), false);
});
