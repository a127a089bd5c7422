import assert from "node:assert/strict";
import { test } from "node:test";

import { byWeight, wordsOf } from "../../../eye/web/browser/alerts.js";
import { isStale, next, nothing } from "../../../eye/web/browser/cluster.js";
import { movedBy } from "../../../eye/web/browser/dom.js";
import { chosen } from "../../../eye/web/browser/columns.js";
import { amount, counted, plain } from "../../../eye/web/browser/format.js";

test("the worst alert is first, then the newest; what is over is last", () => {
  const alert = (rule, state, severity, since) => ({ rule, state, severity, since });
  const alerts = [alert("a", "resolved", "critical", 9), alert("b", "pending", "critical", 8), alert("c", "firing", "warning", 1), alert("d", "firing", "critical", 2), alert("e", "firing", "critical", 3)];
  assert.deepEqual(byWeight(alerts).map((each) => each.rule), ["e", "d", "c", "b", "a"]);
});

test("how long an alert lasts is counted on, and said once", () => {
  const alert = { rule: "cpu", since: 100, state: "firing", text: "CPU 96 % for 1 min 12 s" };
  assert.equal(wordsOf(alert, 190), "CPU 96 % for 1 min – cpu");
  assert.equal(wordsOf({ ...alert, text: "CPU 96 %" }, 114), "CPU 96 % for 14 s – cpu");
  assert.equal(wordsOf({ ...alert, text: "CPU 96 %" }, 100.5), "CPU 96 % – cpu");
  assert.equal(wordsOf({ ...alert, state: "resolved", text: "CPU 96 %; it lasted 14 s" }, 900), "CPU 96 %; it lasted 14 s – cpu");
});

test("keys move within the list and not beyond it", () => {
  assert.equal(movedBy("ArrowDown", -1, 5, 2), 0);
  assert.equal(movedBy("ArrowUp", -1, 5, 2), 4);
  assert.equal(movedBy("PageDown", 4, 5, 2), 4);
  assert.equal(movedBy("PageUp", 1, 5, 2), 0);
  assert.equal(movedBy("End", 0, 5, 2), 4);
  assert.equal(movedBy("x", 0, 5, 2), undefined);
  assert.equal(movedBy("Home", -1, 0, 2), undefined);
});

test("a number of nobody knows what", () => {
  assert.deepEqual([0, 0.01234, 7, 999.96, null].map(amount), ["0", "0.0123", "7", "1000", "–"]);
  assert.equal(amount(1234567).replace(/\D/g, ""), "1234567");
});

test("words have their plural", () => {
  assert.deepEqual([counted(1, "process"), counted(2, "process"), counted(0, "node")], ["1 process", "2 processes", "0 nodes"]);
});

test("a text is cut where it is asked to", () => {
  assert.equal(plain("x".repeat(200)).length, 121);
  assert.equal(plain("x".repeat(200), 10), `${"x".repeat(10)}…`);
  assert.equal(plain("a\u0000\u202e\u001b[31m"), "a\ufffd\ufffd\ufffd[31m");
});

test("how far events and alerts are is kept until somebody says otherwise", () => {
  const first = next(nothing, { type: "snapshot", seq: 1, at: 1, fields: [], nodes: [], events: 4, alerts: 2 }, 0);
  const second = next(first, { type: "alive", seq: 2, at: 2, events: 5 }, 0);
  assert.deepEqual([first.events, first.alerts, second.events, second.alerts], [4, 2, 5, 2]);
});

test("a node that is asked less often may be silent for longer", () => {
  const node = { status: "up", at: 100, seen_at: 90 };
  assert.equal(isStale(node), true);
  assert.equal(isStale({ ...node, every: 5 }), false);
  assert.equal(isStale({ ...node, every: 1 }), true);
});

test("columns are those that are named, a program's own figures among them", () => {
  const node = { node: "a", host: { load_1m: 0.421, disk_used: 2 ** 30, process_count: 7 }, process: { mailbox: 12, process_count: 3 }, custom: { orders: 1234.5 } };
  const [name, orders, load, disk, mailbox] = chosen("node, orders load_1m disk_used mailbox <b>");
  assert.equal(name.id, "node");
  assert.deepEqual([load, disk, mailbox].map((column) => column.cell(node, "host", 0).text), ["0.421", "1GB", "12"]);
  assert.equal(orders.by(node, "host"), 1234.5);
  assert.equal(chosen("mailbox")[0].cell({ ...node, process: null }, "host", 0).text, "–");
  assert.equal(chosen("").length, 8);
});
