import assert from "node:assert/strict";
import { test } from "node:test";

import { axis, format, formatTick, power10, rounded, ticks } from "../../assets/timeline/format.js";

test("a number has four digits, a true minus, and a power of ten where it is small or large", () => {
  for (const [value, text] of [
    [0.50123, "0.5012"],
    [-1.2041, "−1.204"],
    [0, "0.000"],
    [-0, "0.000"],
    [4.0358e-5, "4.036×10⁻⁵"],
    [-4.0358e-5, "−4.036×10⁻⁵"],
    [0.001, "0.001000"],
    [0.00099996, "0.001000"],
    [0.00099994, "9.999×10⁻⁴"],
    [9999.99, "10000"],
    [18338.4, "18338"],
    [99999.4, "99999"],
    [99999.6, "1.000×10⁵"],
    [1.5e12, "1.500×10¹²"],
  ]) {
    assert.equal(format(value), text);
  }
  assert.equal(format(0.5, 2), "0.50");
});

test("a rounded number has the decimals that it is given", () => {
  assert.equal(rounded(0.125, 2), "0.13");
  assert.equal(rounded(-0.126, 2), "−0.13");
  assert.equal(rounded(-0.001, 2), "0.00");
  assert.equal(rounded(3, 0), "3");
  assert.equal(rounded(3, -1), "–");
  assert.equal(rounded(1e5, 1), "1.0000×10⁵");
  assert.equal(rounded(-123456, 1), "−1.2346×10⁵");
});

test("ticks are round, inside, and about as many as asked for", () => {
  assert.deepEqual(ticks(0, 1, 4), [0, 0.5, 1]);
  assert.deepEqual(ticks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(-4, 4, 4), [-4, -2, 0, 2, 4]);
  assert.deepEqual(ticks(0, 1000, 4), [0, 500, 1000]);
  assert.deepEqual(
    ticks(-0.31, 0.29, 3),
    [-0.2, 0, 0.2].map((v) => v + 0),
  );
  assert.deepEqual(ticks(2, 2, 3), [2]);
  for (const [low, high, n] of [
    [0, 0.1 + 0.2, 3],
    [-1e-7, 3e-7, 4],
    [1e6, 9e6, 4],
    [0.13, 17.9, 6],
  ]) {
    const found = ticks(low, high, n);
    assert.ok(found.length >= n / 3 && found.length <= n + 1, `${found}`);
    assert.ok(found.every((tick) => tick >= low - 1e-9 && tick <= high + 1e-9));
  }
});

test("labels of ticks are short", () => {
  assert.equal(formatTick(-0.5), "−0.5");
  assert.equal(formatTick(0), "0");
  assert.equal(formatTick(0.25), "0.25");
  assert.equal(formatTick(0.001), "0.001");
  assert.equal(formatTick(1e-4), "1×10⁻⁴");
  assert.equal(formatTick(1e5), "1×10⁵");
  assert.equal(formatTick(200000), "2×10⁵");
  assert.equal(power10(-12), "10⁻¹²");
  assert.deepEqual(axis(-1, 1, 2), {
    low: -1,
    high: 1,
    ticks: [
      [-1, "−1"],
      [0, "0"],
      [1, "1"],
    ],
  });
});
