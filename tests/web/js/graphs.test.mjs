import assert from "node:assert/strict";
import { test } from "node:test";

import { ceiling, paths } from "../../../eye/web/browser/graphs.js";

test("the top of a graph is a round value, not below what is shown", () => {
  const table = [[0.1, 0.1], [0.11, 0.2], [0.3, 0.5], [3, 5], [10, 10], [11, 20], [600, 1000]];
  for (const [value, top] of table) assert.ok(Math.abs(ceiling(value, false) - top) < 1e-9, `${value}: ${ceiling(value, false)}`);
  assert.equal(ceiling(46 * 2 ** 20, true), 64 * 2 ** 20);
  assert.equal(ceiling(64 * 2 ** 20, true), 64 * 2 ** 20);
});

test("a gap stays a gap, and a point alone is a point", () => {
  const { line } = paths([[1, 0, 2], [2, 2, 2], null, [4, 4, 4], null], 4);
  assert.equal(line, "M0 75.0L1 50.0M3 0.0h0");
});

test("the band goes along the greatest and back along the least", () => {
  assert.equal(paths([[2, 1, 3], [2, 0, 4]], 4).band, "M0 25.0L1 0.0L1 100.0L0 75.0Z");
});

test("nothing measured is nothing drawn, and nothing leaves the box", () => {
  assert.deepEqual(paths([null, null], 1), { line: "", band: "" });
  assert.equal(paths([[9, 9, 9]], 1).line, "M0 0.0h0");
});
