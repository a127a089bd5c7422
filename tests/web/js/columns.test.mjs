import assert from "node:assert/strict";
import { test } from "node:test";

import { COLUMNS } from "../../../eye/web/browser/columns.js";

const cell = (id, node, scope = "host") => COLUMNS.find((column) => column.id === id).cell(node, scope, 0);

test("whose memory and CPU are shown is said where they are a container's", () => {
  const node = (source) => ({ node: "a", status: "up", host: { source } });
  assert.equal(cell("node", node("container")).note, "container");
  assert.equal(cell("node", node("host")).note, "");
  assert.equal(cell("node", { node: "a", status: "down", host: null }).note, "");
});
