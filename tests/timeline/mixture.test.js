import assert from "node:assert/strict";
import { test } from "node:test";

import { Mixture, normalCdf } from "../../assets/timeline/mixture.js";
import { apart, assertClose, numbersOf, readScene, rowOf } from "./golden.js";

const { spec, arrays, numbers } = readScene("points");
const [plane, histogram] = spec.panels;
const law = new Mixture(plane.layers[0].mixture, arrays);

test("the normal distribution function is SciPy's", () => {
  const { x, cdf } = numbersOf("normal");
  assertClose(x.data.map(normalCdf), cdf.data, 1e-11);
  assert.ok(
    apart(
      x.data.map((v) => normalCdf(v + 1e-10)),
      cdf.data,
    ) > 1e-11,
  );
});

test("a cell's density is its mean, by SciPy", () => {
  for (let p = 0; p < 5; p++) {
    const drawn = law.plane(p, -3, 3, 96);
    assertClose(drawn, rowOf(numbers.raster, p), 1e-9, `position ${p}`);
    assert.ok(apart(law.plane(p, -2.99, 3.01, 96), rowOf(numbers.raster, p)) > 1e-6);
  }
});

test("where it is smooth, it is the core's density at the middle of a cell", () => {
  const most = numbers.smooth.data.reduce((a, b) => Math.max(a, b));
  const curvature = (6 / 96) ** 2 / 24; // mean over a cell - value at its middle = h^2/24 Laplacian + ...
  assertClose(law.plane(3, -3, 3, 96), numbers.smooth.data, 4 * curvature * most);
  assert.ok(apart(law.plane(2, -3, 3, 96), numbers.smooth.data) > 4 * curvature * most);
});

test("the field is the core's eps*, and nothing where there is no noise", () => {
  assertClose(law.field(0, -3, 3, 17), new Float64Array(2 * 17 * 17), 0);
  for (let p = 1; p < 5; p++) {
    const [field, wanted] = [law.field(p, -3, 3, 17), rowOf(numbers.field, p)];
    assertClose(field, wanted, 1e-9, `position ${p}`);
    assert.ok(
      apart(
        field.map((_, i) => field[i ^ 1]),
        wanted,
      ) > 1e-3,
    ); // x for y
  }
});

test("far from everything the field points away", () => {
  const field = law.field(3, -300, 300, 2);
  assert.ok(field.every(Number.isFinite));
  assert.deepEqual([...field].map(Math.sign), [-1, -1, 1, -1, -1, 1, 1, 1]);
});

test("in one dimension it is the mean over each cell, too", () => {
  const line = new Mixture(histogram.mixture, arrays);
  for (let p = 0; p < 5; p++) {
    const means = Array.from({ length: 41 }, (_, k) => line.line(p, -4 + 0.2 * k - 0.1, 0.2, 1)[0]);
    assertClose(means, rowOf(numbers.curve, p), 1e-9);
    assertClose(line.line(p, -4.1, 0.2, 41), rowOf(numbers.curve, p), 1e-9);
  }
});

test("a component without any width is all in one cell", () => {
  const names = ["weights", "means", "variances", "a", "noise_variance"];
  const atom = Object.fromEntries([[1], [0.35], [0], [1], [0]].map((data, i) => [names[i], { data, shape: [1] }]));
  const mixture = new Mixture(Object.fromEntries(names.map((name) => [name, name])), atom);
  assert.deepEqual([...mixture.line(0, 0, 0.25, 4)], [0, 4, 0, 0]);
  const flat = new Mixture(Object.fromEntries(names.map((name) => [name, name])), { ...atom, means: { data: [0, 0] } });
  assert.deepEqual([...flat.field(0, -1, 1, 1)], [0, 0]);
});
