import assert from "node:assert/strict";
import { test } from "node:test";

import { compare } from "../../../eye/web/browser/sightings.js";

const up = { status: "up", age: 1 };
const row = (node, sees, error = null) => ({ node, error, sees });

test("where all see the same there is no quarrel", () => {
  const { quarrels, nodes } = compare({ nodes: ["a", "b"], rows: [row("a", { b: up }), row("b", { a: up })] });
  assert.deepEqual(quarrels, []);
  assert.deepEqual(nodes, ["a", "b"]);
});

test("who sees it otherwise than most is odd, and both opinions are told", () => {
  const rows = [row("a", { b: up, c: up }), row("b", { a: up, c: up }), row("c", { a: { status: "down" }, b: up }), row("d", { a: up, b: up, c: up })];
  const { quarrels, cells } = compare({ nodes: ["a", "b", "c"], rows });
  assert.deepEqual(quarrels, [{ node: "a", by: { up: ["b", "d"], down: ["c"] } }]);
  assert.equal(cells.get("c").get("a").odd, true);
  assert.equal(cells.get("b").get("a").odd, false);
  assert.equal(cells.get("a").has("a"), false);
});

test("whom somebody has never heard of is unknown there", () => {
  const { quarrels } = compare({ nodes: ["a"], rows: [row("b", {}), row("c", { a: up }), row("d", { a: up })] });
  assert.deepEqual(quarrels[0].by, { unknown: ["b"], up: ["c", "d"] });
});

test("of many nodes only those that stand out are left, and who did not answer", () => {
  const nodes = Array.from({ length: 100 }, (_, number) => `n${number}`);
  const seen = Object.fromEntries(nodes.map((node) => [node, up]));
  const rows = [row("n0", seen), row("n1", seen), row("n2", { ...seen, n7: { status: "suspect" } }), row("n3", {}, "no answer")];
  const told = compare({ nodes, rows });
  assert.deepEqual(told.nodes, ["n2", "n3", "n7"]);
  assert.deepEqual(told.rows.map((each) => each.node), ["n2", "n3"]);
});

test("where opinions are even, it is not «up» that is odd", () => {
  const { cells } = compare({ nodes: ["a"], rows: [row("b", { a: { status: "down" } }), row("c", { a: up })] });
  assert.equal(cells.get("b").get("a").odd, true);
  assert.equal(cells.get("c").get("a").odd, false);
});
