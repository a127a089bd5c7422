import assert from "node:assert/strict";
import { test } from "node:test";

import { layout } from "../../../eye/web/browser/picture.js";
import { isFound, why } from "../../../eye/web/browser/tree.js";

test("cause and effect stand in one line", () => {
  const crashed = { id: "b", status: "running", restarts: 2, last_exit: "ValueError", last_exit_at: 90, cause: { child: "a" } };
  assert.deepEqual(why(crashed, 100), ["restarted 2 times", "last 10 s ago: ValueError", "because of a"]);
  assert.deepEqual(why({ ...crashed, cause: { child: "b" } }, 100), ["restarted 2 times", "last 10 s ago: ValueError"]);
  assert.deepEqual(why({ id: "b", status: "restarting", restarts: 0, next_try_at: 103 }, 100), ["next try in 3 s"]);
  assert.deepEqual(why({ id: "b", status: "stopped", last_exit: "normal", not_restarted: { rule: "temporary" } }, 100), ["exited: normal", "temporary"]);
  assert.deepEqual(why({ id: "b", status: "running", restarts: 0 }, 100), []);
});

test("a process is found by its id, name, module or status", () => {
  const process = { id: "sampler", name: null, module: "eye.metrics.Sampler", status: "running" };
  for (const text of ["", "samp", "metrics", "running"]) assert.ok(isFound(process, text), text);
  assert.ok(!isFound(process, "null"));
});

const worker = (id) => ({ id, children: [] });

test("workers stand beside their supervisor, and supervisors below it", () => {
  const { boxes, height } = layout([{ id: "root", children: [worker("a"), { id: "inner", children: [worker("b")] }, worker("c")] }], 400);
  const at = Object.fromEntries(boxes.map(({ process, x, y, named }) => [process.id, { x, y, named }]));
  assert.equal(at.a.y, at.root.y);
  assert.equal(at.c.y, at.root.y);
  assert.ok(at.c.x > at.a.x);
  assert.ok(at.inner.y > at.root.y && at.inner.x > at.root.x);
  assert.ok(at.inner.named && !at.a.named);
  assert.ok(height > at.inner.y);
});

test("many workers take several rows, and none leaves the picture", () => {
  const { boxes } = layout([{ id: "root", children: Array.from({ length: 100 }, (_, number) => worker(`w${number}`)) }], 300);
  const places = new Set(boxes.map(({ x, y }) => `${x} ${y}`));
  assert.equal(places.size, 101);
  assert.ok(boxes.every(({ x }) => x + 9 <= 300));
});
