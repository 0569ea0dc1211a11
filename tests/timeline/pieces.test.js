// What else is pure: the name of the slider, the nearest point, a dot, and the script as Python joins it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { nameOf } from "../../assets/timeline/controls.js";
import { nearestPoint } from "../../assets/timeline/plane.js";
import { makeDot } from "../../assets/timeline/points.js";
import { bytesOf, FOLDER } from "./golden.js";

test("the last word of the slider's label is its symbol", () => {
  assert.deepEqual(nameOf("Timestep t"), { caption: "Timestep", symbol: "t" });
  assert.deepEqual(nameOf("时间步 t"), { caption: "时间步", symbol: "t" });
  assert.deepEqual(nameOf("σ"), { caption: "", symbol: "σ" });
});

test("the nearest point is the nearest, and the first of two", () => {
  const xy = [0, 0, 1, 1, 1, 1, -2, 0.5];
  assert.equal(nearestPoint(xy, 0.9, 0.8), 1);
  assert.equal(nearestPoint(xy, -1.5, 0), 3);
  assert.equal(nearestPoint(xy, 0.1, 0.4), 0);
});

test("a dot is round, smooth at its rim, and as large and as faint as asked for", () => {
  const dot = makeDot(5, 0.8);
  assert.equal(dot.length, 36);
  const area = dot.reduce((a, b) => a + b) / 0.8;
  assert.ok(Math.abs(area - Math.PI * 2.5 ** 2) < 0.05 * area, `${area}`);
  assert.ok(Math.abs(Math.max(...dot) - 0.8) < 1e-6);
  assert.ok(dot.every((v, k) => v === dot[35 - k]));
  assert.ok(new Set(dot).size > 2, "smooth");
});

test("joined, the modules are one script that asks for nothing and mounts", async () => {
  bytesOf("timeline.joined.mjs");
  const joined = await import(new URL("timeline.joined.mjs", FOLDER));
  assert.deepEqual(Object.keys(joined), ["default"]);
  assert.equal(joined.default.name, "mount");
  assert.throws(() => joined.default({ parentElement: {}, data: new Uint8Array(0) }), /document is not defined/);
});
