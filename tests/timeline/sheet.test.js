import assert from "node:assert/strict";
import { test } from "node:test";

import { Sheet } from "../../assets/timeline/sheet.js";

const grey = { height: 5, width: 6, channels: 1, columns: 3, captions: null };

test("pictures lie row by row with a gap between them", () => {
  const sheet = new Sheet(grey, 4 * 30);
  assert.deepEqual([sheet.count, sheet.columns, sheet.rows], [4, 3, 2]);
  assert.deepEqual([sheet.width, sheet.height], [3 * 6 + 2 * 2, 2 * 5 + 2]);
  assert.deepEqual(sheet.corner(3), { x: 0, y: 7 });
  assert.deepEqual(sheet.corner(2), { x: 16, y: 0 });
});

test("a single picture has no gap; captions have room below", () => {
  const one = new Sheet(grey, 30);
  assert.deepEqual([one.columns, one.width, one.height], [1, 6, 5]);
  assert.deepEqual(one.middle(0), { x: 0.5, y: 0.5 });
  const captions = new Sheet({ ...grey, captions: ["a", "b"] }, 2 * 30);
  assert.deepEqual([captions.width, captions.height], [2 * 6 + 2, 5 + 2]);
});

test("every pixel is found again where it lies", () => {
  for (const channels of [1, 3]) {
    const sheet = new Sheet({ ...grey, channels, captions: ["a", "b", "c", "d"] }, 4 * 30 * channels);
    const seen = new Set();
    for (let element = 0; element < 4 * 30 * channels; element += channels) {
      const { x, y } = sheet.middle(element);
      assert.equal(sheet.elementAt(x / sheet.width, y / sheet.height, -channels), element);
      seen.add(`${x},${y}`);
    }
    assert.deepEqual([seen.size, sheet.count], [120, 4]);
  }
});

test("a gap belongs to the picture before it, and the end of the sheet to the last one", () => {
  const sheet = new Sheet(grey, 4 * 30);
  assert.equal(sheet.elementAt(7.5 / 22, 0, -1), 5);
  assert.equal(sheet.elementAt(0, 6.5 / 12, -1), 24);
  assert.equal(sheet.elementAt(0.9999, 0.9999, -1), 119);
});

test("a colour pixel picked again gives its next channel", () => {
  const sheet = new Sheet({ ...grey, channels: 3 }, 90);
  const picks = [0, 1, 2].reduce((all) => [...all, sheet.elementAt(0, 0, all[all.length - 1])], [50]);
  assert.deepEqual(picks, [50, 0, 1, 2]);
  assert.deepEqual(sheet.middle(2), sheet.middle(0));
  assert.equal(sheet.elementAt(0, 0, 2), 0);
});
