import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { changes, Reporter } from "../../assets/timeline/reporter.js";

const THERE_AND_BACK = [0, 1, 2, 1, 0];

test("only what Python does not know is sent", () => {
  const sent = { t: 0, position: 0, pick: 3 };
  assert.deepEqual(changes([0, 1, 2], sent, 0, 3), []);
  assert.deepEqual(changes([0, 1, 2], sent, 2, 3), [["t", 2]]);
  assert.deepEqual(changes([0, 1, 2], sent, 0, 4), [["pick", 4]]);
  assert.deepEqual(changes([0, 1, 2], sent, 1, 4), [
    ["pick", 4],
    ["t", 1],
  ]);
});

test("where t repeats, the place is sent unless it follows", () => {
  const sent = { t: 0, position: 0, pick: 0 };
  assert.deepEqual(changes(THERE_AND_BACK, sent, 1, 0), [["t", 1]]);
  assert.deepEqual(changes(THERE_AND_BACK, sent, 4, 0), [["position", 4]]);
  assert.deepEqual(changes(THERE_AND_BACK, sent, 3, 0), [
    ["position", 3],
    ["t", 1],
  ]);
  assert.deepEqual(changes(THERE_AND_BACK, { t: 0, position: 4, pick: 0 }, 4, 0), []);
  assert.deepEqual(changes(THERE_AND_BACK, { t: 2, position: 4, pick: 0 }, 4, 0), [["t", 0]]);
});

test("a quick hand is one report, and a play is none", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const [told, said, now] = [[], [], { position: 0, pick: 0 }];
  let busy = false;
  const shown = { positions: [0, 10, 20], now: () => now, busy: () => busy, say: (position) => said.push(position) };
  const reporter = new Reporter(shown, { t: 0, position: 0, pick: 0 }, (...change) => told.push(change));
  for (const position of [1, 2, 1, 2]) {
    now.position = position;
    reporter.soon();
    mock.timers.tick(100);
  }
  assert.deepEqual(told, []);
  mock.timers.tick(50);
  assert.deepEqual([told, said], [[["t", 20]], [2]]);
  reporter.now();
  assert.equal(told.length, 1, "nothing new");
  [busy, now.position] = [true, 0];
  reporter.now();
  assert.equal(told.length, 1, "it plays");
  busy = false;
  reporter.soon();
  reporter.cancel();
  mock.timers.tick(1000);
  assert.equal(told.length, 1, "it was called off");
  reporter.now();
  assert.deepEqual(told[1], ["t", 0]);
  mock.timers.reset();
});
