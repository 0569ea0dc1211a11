// What a hand draws and types becomes the answer that is marked.

import assert from "node:assert/strict";
import { test } from "node:test";

import { bandOf, pathOf, placeOf, places, scalesOf } from "../../assets/questions/board.js";
import { stroked, whole } from "../../assets/questions/curve.js";
import { numberOf } from "../../assets/questions/pick.js";

const sketch = { x: [-2, 2], y: [0, 1], curves: [], points: [] };

test("a place on the board is the number that is drawn there", () => {
  const { toX, toY, fromX, fromY } = scalesOf(sketch);
  for (const value of [-2, -0.3, 2]) assert.ok(Math.abs(fromX(toX(value)) - value) < 1e-12);
  for (const value of [0, 0.7, 1]) assert.ok(Math.abs(fromY(toY(value)) - value) < 1e-12);
  assert.ok(toY(1) < toY(0), "upwards");
  const root = { getBoundingClientRect: () => ({ left: 100, top: 50, width: 240, height: 150 }) };
  const event = { clientX: 100 + toX(1) / 2, clientY: 50 + toY(0.25) / 2 };
  const [x, y] = placeOf(event, root, sketch);
  assert.ok(Math.abs(x - 1) < 1e-12 && Math.abs(y - 0.25) < 1e-12);
  assert.deepEqual(placeOf({ clientX: 0, clientY: 0 }, root, sketch), [-2, 1], "held to the board");
});

test("a stroke sets all heights between its ends, and no other", () => {
  const none = Array(9).fill(null);
  const drawn = stroked(none, sketch, [-1, 0], [1, 1]);
  assert.deepEqual(drawn, [null, null, 0, 0.25, 0.5, 0.75, 1, null, null]);
  assert.deepEqual(stroked(drawn, sketch, [0, 0.1], [0, 0.1])[4], 0.1, "again, at one place");
  assert.deepEqual(stroked(none, sketch, [1, 1], [-1, 0]), drawn, "from right to left");
});

test("gaps are filled by lines, ends are held, nothing is no answer", () => {
  assert.deepEqual(whole([null, 1, null, 3, null]), [1, 1, 2, 3, 3]);
  assert.equal(whole([null, null]), null);
});

test("a number is read as people type it", () => {
  assert.equal(numberOf(" 0,36 "), 0.36);
  assert.equal(numberOf("−2"), -2);
  for (const text of ["", "  ", "a half", "1/2", "Infinity"]) assert.equal(numberOf(text), null, text);
});

test("a path has a gap where nothing is drawn; a band is as far above as below", () => {
  assert.equal(pathOf([0, null, 1], sketch).match(/M/g).length, 2);
  assert.equal(pathOf([0, 0.5, 1], sketch).match(/M/g).length, 1);
  const corners = bandOf([0.5, 0.5], 0.1, sketch).split(" ");
  const { toY } = scalesOf(sketch);
  const heights = corners.map((corner) => Number(corner.split(",")[1]));
  assert.deepEqual(
    heights,
    [0.6, 0.6, 0.4, 0.4].map((y) => Number(toY(y).toFixed(2))),
  );
  assert.deepEqual(places([0, 1], 3), [0, 0.5, 1]);
});
