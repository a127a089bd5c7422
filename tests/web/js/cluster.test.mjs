import assert from "node:assert/strict";
import { test } from "node:test";

import { next, nothing } from "../../../eye/web/browser/cluster.js";

const node = (name) => ({ node: name, status: "up", host: { cpu_percent: 20 }, process: { restarts: 0 } });
const snapshot = { type: "snapshot", seq: 4, at: 100, epoch: "e", fields: ["status", "host.cpu_percent", "process.restarts"], nodes: [node("a"), node("b")] };

test("a snapshot is all there is to know", () => {
  const cluster = next(nothing, snapshot, 0);
  assert.equal(cluster.live, true);
  assert.deepEqual(cluster.nodes.map((each) => each.node), ["a", "b"]);
});

test("changes replace whole rows, and leave the cluster before them alone", () => {
  const before = next(nothing, snapshot, 0);
  const after = next(before, { type: "changes", seq: 5, at: 101, rows: [[1, "up", 75, 2]] }, 1000);
  assert.equal(after.nodes[1].host.cpu_percent, 75);
  assert.equal(after.nodes[1].process.restarts, 2);
  assert.equal(before.nodes[1].host.cpu_percent, 20);
});

test("what a row leaves out at its end is as it was", () => {
  const fields = [...snapshot.fields, "host.disk_used", "custom"];
  const nodes = [{ ...node("a"), host: { cpu_percent: 20, disk_used: 7 }, custom: { orders: 5 } }];
  const before = next(nothing, { ...snapshot, fields, nodes }, 0);
  const cut = next(before, { type: "changes", seq: 5, at: 101, rows: [[0, "up", 75, 2]] }, 1000);
  assert.deepEqual([cut.nodes[0].host, cut.nodes[0].custom], [{ cpu_percent: 75, disk_used: 7 }, { orders: 5 }]);
  const whole = next(cut, { type: "changes", seq: 6, at: 102, rows: [[0, "up", 75, 2, 8, { orders: 6 }]] }, 2000);
  assert.deepEqual([whole.nodes[0].host.disk_used, whole.nodes[0].custom], [8, { orders: 6 }]);
});

test("a message that was missed is noticed, and what we know is not called live", () => {
  const cluster = next(next(nothing, snapshot, 0), { type: "changes", seq: 7, at: 103, rows: [] }, 3000);
  assert.equal(cluster.live, false);
  assert.equal(cluster.broken, true);
});

test("when the connection is lost, what we knew is kept", () => {
  const cluster = next(next(nothing, snapshot, 0), { type: "lost" }, 0);
  assert.equal(cluster.live, false);
  assert.equal(cluster.nodes.length, 2);
});

test("a newer server may say more", () => {
  const cluster = next(nothing, snapshot, 0);
  assert.equal(next(cluster, { type: "weather" }, 0), cluster);
});
