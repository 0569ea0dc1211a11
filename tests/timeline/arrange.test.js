// Where the panels of the stage lie.

import assert from "node:assert/strict";
import { test } from "node:test";

import { arrange, arrangeFirst, rowsOf, SMALLEST } from "../../assets/timeline/arrange.js";

const AREA = { width: 1232, height: 600 };
const ALONE = { formula: null, together: 1 };
const item = (ratio, above = 40) => ({ ratio, need: null, above: () => above });
const formula = (size) => ({ width: 20 * size, height: 6 * size });

test("things in order fall into rows in every way", () => {
  assert.deepEqual(rowsOf(3), [[3], [2, 1], [1, 2], [1, 1, 1]]);
  assert.equal(rowsOf(7).length, 64);
});

test("nothing lies outside the area or on anything else", () => {
  for (const items of [[item(1)], [item(1), item(null), item(2.2), item(1)], Array(6).fill(item(1.3))]) {
    const { rects, formula: below } = arrange(items, AREA, { formula, together: 1 });
    const all = [...rects, below];
    for (const [i, one] of all.entries()) {
      assert.ok(one.left >= 0 && one.top >= 0, `${i}`);
      assert.ok(one.left + one.width <= 1232.001 && one.top + one.height <= 600.001, `${i}`);
      for (const other of all.slice(i + 1)) {
        const apart = (at, size) =>
          one[at] + one[size] <= other[at] + 1e-6 || other[at] + other[size] <= one[at] + 1e-6;
        assert.ok(apart("left", "width") || apart("top", "height"));
      }
    }
  }
});

test("two squares lie side by side where it is wide, one over the other where it is high", () => {
  const squares = [item(1), item(1)];
  const [first, second] = arrange(squares, AREA, ALONE).rects;
  assert.equal(first.top, second.top);
  const upright = arrange(squares, { width: 600, height: 1232 }, ALONE).rects;
  assert.equal(upright[0].left, upright[1].left);
});

test("mates stay in one row, and come and go together", () => {
  const charts = Array.from({ length: 6 }, () => item(null));
  const upright = { width: 500, height: 1600 };
  const rows = ({ rects }) => {
    const tops = [...new Set(rects.map(({ top }) => top))];
    return tops.map((top) => rects.filter((rect) => rect.top === top).length);
  };
  assert.deepEqual(rows(arrange(charts, upright, { formula: null, together: 2 })), [2, 2, 2]);
  assert.notDeepEqual(rows(arrange(charts, upright, ALONE)), [2, 2, 2], "or the test says nothing");
  const many = Array.from({ length: 14 }, () => item(1, 90));
  const odd = arrangeFirst(many, AREA, ALONE).rects.length;
  const even = arrangeFirst(many, AREA, { formula: null, together: 2 }).rects.length;
  assert.ok(even % 2 === 0 && even >= 2 && even <= odd);
});

test("what would be too small is left out, from the end; a table stays only where it has room", () => {
  const many = Array.from({ length: 12 }, () => item(1, 90));
  const plan = arrangeFirst(many, AREA, { formula, together: 1 });
  assert.ok(plan.rects.length < 12 && plan.rects.length > 1);
  assert.ok(plan.score >= SMALLEST);
  assert.ok(arrange(many.slice(0, plan.rects.length + 1), AREA, { formula, together: 1 }).score < SMALLEST);
  const table = { ratio: null, need: { width: 400, height: 580 }, above: () => 0 };
  assert.equal(arrangeFirst([item(1), table], AREA, ALONE).rects.length, 2);
  assert.equal(
    arrangeFirst([item(1), table], AREA, { formula: () => ({ width: 1200, height: 200 }), together: 1 }).rects.length,
    1,
  );
});

test("where a formula has no room, the pictures have all of it; alone, it is scrolled", () => {
  const phone = { width: 390, height: 750 };
  const wide = (size) => ({ width: 40 * size, height: 6 * size });
  const plan = arrangeFirst([item(1), item(1)], phone, { formula: wide, together: 1 });
  assert.ok(plan.rects.length > 0 && plan.formula === null);
  assert.deepEqual(plan.rects, arrangeFirst([item(1), item(1)], phone, ALONE).rects);
  const alone = arrange([], phone, { formula: wide, together: 1 });
  assert.deepEqual([alone.formula, alone.size], [{ left: 0, top: 0, ...phone }, 20]);
});

test("letters shrink before panels get too small, and no further than 20", () => {
  const squares = [item(1, 80), item(1, 80)];
  const high = (size) => ({ width: 1200, height: 13 * size });
  assert.equal(arrange(squares, AREA, { formula, together: 1 }).size, 30);
  assert.equal(arrange(squares, AREA, { formula: high, together: 1 }).size, 20);
});

test("what is written small counts for less: fewer such items fit", () => {
  const shown = (worth) =>
    arrangeFirst(Array(6).fill({ ...item(2.6), worth }), AREA, { formula: null, together: 1 }).rects.length;
  assert.ok(shown(0.5) < shown(1));
});
