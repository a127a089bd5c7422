import assert from "node:assert/strict";
import { test } from "node:test";

import { percent, plain, size, span } from "../../../eye/web/browser/format.js";

test("sizes are those of `sorcerers_eye fetch`", () => {
  const table = [[0, "0B"], [1023, "1023B"], [1024, "1KB"], [536870912, "512MB"], [1073741824, "1GB"], [1610612736, "1.5GB"]];
  for (const [bytes, text] of table) assert.equal(size(bytes), text);
  assert.equal(size(1024 ** 3 - 1024), "1GB"); // never 1024MB
});

test("time is told in its one largest unit, cut off", () => {
  const table = [[0, "0 seconds"], [1, "1 second"], [59.9, "59 seconds"], [60, "1 minute"], [7260, "2 hours"], [432000, "5 days"]];
  for (const [seconds, text] of table) assert.equal(span(seconds), text);
});

test("a share is a whole percent between 0 and 100, and nothing is a dash", () => {
  assert.equal(percent(20.4), "20%");
  assert.equal(percent(250), "100%");
  assert.equal(percent(null), "–");
});

test("a name cannot turn the text around, nor go on for ever", () => {
  assert.ok(!/[\u0000-\u001f\u202e]/.test(plain("a\u202e\u001b[31mb")));
  assert.ok(plain("x".repeat(10000)).length < 200);
});
