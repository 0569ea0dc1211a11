// Two pictures beside each other: what of each is shown where, which panels are mates, one scale for both.

import assert from "node:assert/strict";
import { test } from "node:test";

import { readBlob } from "../../assets/timeline/blob.js";
import { cellsOf, stagesOf } from "../../assets/timeline/sides.js";
import { makeStages } from "../../assets/timeline/stage.js";
import { bytesOf, numbersOf, rowOf } from "./golden.js";

const contents = readBlob(bytesOf("paired.blob"));
const quiet = { redraw() {}, picked() {}, dropped() {} };

test("both are read from one message, each with its own arrays", () => {
  const [first, second] = contents.sides;
  assert.deepEqual([first.name, second.name], ["whole", "few"]);
  assert.deepEqual(contents.spec.positions, [0, 1, 137, 500, 1000]);
  assert.equal(contents.spec.position, 2);
  assert.deepEqual(first.arrays.x0.shape, [400, 2]);
  assert.equal(second.arrays.x0, undefined);
  assert.deepEqual(second.spec.positions, [0, 500, 1000]);
});

test("a chain of few steps stands where it has come to while the other moves on", () => {
  const { x_t } = numbersOf("points");
  const { stage, stages } = makeStages(contents, { position: 0, pick: 0, theme: {} }, quiet);
  for (const [p, k] of [0, 0, 0, 3, 4].entries()) {
    stage.position = p;
    assert.deepEqual(stages[1].tracks.get("x_t").at(stages[1].position), Float32Array.from(rowOf(x_t, k)));
    assert.equal(stages[0].position, p);
  }
});

test("mates have the same title, or are the only ones of their kind without one", () => {
  const cells = cellsOf(contents.sides);
  const shown = cells.map(({ side, spec, mate }) => [side, spec.title, mate]);
  assert.deepEqual(shown, [
    [0, "x_t", 1],
    [1, "another x_t", 0],
    [0, "First coordinate", 3],
    [1, "First coordinate", 2],
    [0, "Numbers", null],
    [1, "k", null],
  ]);
  const alone = cellsOf(contents.sides.slice(0, 1));
  assert.ok(alone.every(({ side, mate }) => side === 0 && mate === null));
});

test("mates have one scale, and no other panel has a part in it", () => {
  const { stage, stages } = makeStages(contents, { position: 0, pick: 0, theme: {} }, quiet);
  const seen = stagesOf(cellsOf(contents.sides), stages);
  const [, , first, second, alone] = seen.map((one, i) => one.together("top", () => [10 * i, one.position]));
  stage.position = 4;
  assert.deepEqual(first(), [20, 4, 30, 2]);
  assert.deepEqual(second(), first());
  assert.deepEqual(alone(), [40, 4]);
});

test("what a hand moves moves on both sides", () => {
  const mu = { kind: "draggable", value: 0, low: -2, high: 2 };
  const side = () => ({ name: "", places: null, arrays: {}, spec: { positions: [0], tracks: { mu: { ...mu } } } });
  const two = { spec: { ...contents.spec, positions: [0] }, sides: [side(), side()] };
  const { stage, stages } = makeStages(two, { position: 0, pick: 0, theme: {} }, quiet);
  stage.drag("mu", 1.5);
  assert.deepEqual(
    stages.map(({ tracks }) => tracks.dragged()),
    [{ mu: 1.5 }, { mu: 1.5 }],
  );
});
