import assert from "node:assert/strict";
import { test } from "node:test";

import {
  bell,
  Bins,
  fit,
  largest,
  oneAfterAnother,
  smallest,
  timesOf,
  valueAxis,
} from "../../assets/timeline/arithmetic.js";
import { Mixture } from "../../assets/timeline/mixture.js";
import { makeTracks } from "../../assets/timeline/tracks.js";
import { apart, assertClose, readScene, rowOf } from "./golden.js";

const points = readScene("points");
const histogram = points.spec.panels[1];
const tracks = makeTracks(points.spec.tracks, points.arrays, 5);

test("a histogram counts as numpy does", () => {
  const bins = new Bins(histogram, 2);
  for (let p = 0; p < 5; p++) {
    const heights = bins.count(tracks.get("x_t").at(p));
    assertClose(heights, rowOf(points.numbers.heights, p));
    const other = new Bins({ ...histogram, component: 1 }, 2).count(tracks.get("x_t").at(p));
    assert.ok(apart(other, rowOf(points.numbers.heights, p)) > 1e-2);
  }
});

test("all values or one component; what lies outside counts for the whole", () => {
  const values = [0, 0.1, 0.2, 0.6, -0.2, 0.5]; // an edge belongs to the bin on its right
  const spec = { bins: 2, domain: [0, 1], component: null };
  assertClose(new Bins(spec, 2).count(values), [(2 * 3) / 6, (2 * 2) / 6]);
  assertClose(new Bins({ ...spec, component: 0 }, 2).count(values), [(2 * 2) / 3, 0]);
  assertClose(new Bins({ ...spec, component: 1 }, 2).count(values), [(2 * 1) / 3, (2 * 2) / 3]);
});

test("the expected height of a bin is the density's mean over its width", () => {
  const [bins, law] = [new Bins(histogram, 2), new Mixture(histogram.mixture, points.arrays)];
  for (let p = 0; p < 5; p++) {
    const curve = bins.expected(law, p);
    assert.equal(curve.length, 161);
    const atEdges = curve.filter((_, i) => i % 4 === 0);
    assertClose(atEdges, rowOf(points.numbers.curve, p), 1e-9);
    assert.ok(
      apart(
        atEdges.map((_, i) => curve[4 * i + (i < 40 ? 1 : 0)]),
        rowOf(points.numbers.curve, p),
      ) > 1e-3,
    );
  }
  assertClose(
    [0, 4, 160].map((i) => bins.placeOnCurve(i)),
    [-4, -3.8, 4],
  );
});

test("the expected height of a bin of atoms is sharp where there is little noise", () => {
  const { spec, arrays, numbers } = readScene("pictures");
  const levels = spec.panels[3];
  const [bins, law] = [new Bins(levels, 90), new Mixture(levels.mixture, arrays)];
  for (let p = 0; p < 5; p++) {
    const atEdges = bins.expected(law, p).filter((_, i) => i % 4 === 0);
    assertClose(atEdges, rowOf(numbers.curve, p), 1e-9, `position ${p}`);
    assert.ok(apart(atEdges, rowOf(numbers.curve, (p + 1) % 5)) > 1e-3);
  }
});

test("the nearest value is found among those that are counted", () => {
  const values = [0, 9, 3, 4, 5, 1];
  assert.equal(new Bins({ bins: 1, domain: [0, 1], component: null }, 2).nearest(values, 4.2), 3);
  assert.equal(new Bins({ bins: 1, domain: [0, 1], component: 0 }, 2).nearest(values, 4.2), 4);
  assert.equal(new Bins({ bins: 1, domain: [0, 1], component: 1 }, 2).nearest(values, 0.2), 5);
  assert.equal(new Bins({ bins: 1, domain: [0, 1], component: null }, 2).nearest(values, 3.5), 2);
});

test("an axis holds all bells and handles, and goes no further than its reach", () => {
  const bells = [
    { mean: -1, variance: 0.25 },
    { mean: 0.5, variance: 0.0625 },
  ];
  assert.deepEqual(fit(bells, [], 6), { low: -2.75, high: 1.375 });
  assert.deepEqual(fit(bells, [-1, 3], 6), { low: -2.75, high: 3.3 });
  assert.deepEqual(fit(bells, [-1, 3], 2), { low: -2, high: 2 });
  assert.deepEqual(fit([{ mean: -900, variance: 1 }], [1], 6), { low: -6, high: 1.3 });
});

test("a bell is its formula; without variance it is a spike", () => {
  const { spec, arrays, numbers } = readScene("curves");
  const curves = makeTracks(spec.tracks, arrays, 5);
  const variance = curves.get("variance");
  for (const prefix of ["", "dragged "]) {
    for (let p = 0; p < 5; p++) {
      const domain = { low: -4 - spec.positions[p], high: 4 + spec.positions[p] };
      const [mean, wanted] = [curves.get("shifted").value(p, 0), rowOf(numbers[`${prefix}bell`], p)];
      assertClose(bell(new Float64Array(401), domain, mean, variance.value(p, 0)), wanted);
      assert.ok(apart(bell(new Float64Array(401), domain, mean, Math.sqrt(variance.value(p, 0))), wanted) > 1e-3);
    }
    curves.get("mu").set(-1.5);
  }
  const spike = bell(new Float64Array(401), { low: -4, high: 4 }, 1, 0);
  assert.equal(spike.indexOf(1), 250);
  assert.equal(
    spike.reduce((a, b) => a + b),
    1,
  );
});

test("the largest of more numbers than a call takes", () => {
  const many = new Float64Array(1e6);
  [many[17], many[18]] = [3, -2];
  assert.deepEqual([largest(many), smallest(many)], [3, -2]);
  assert.deepEqual([largest([]), smallest([])], [-Infinity, Infinity]);
});

test("t is an axis where it only rises or only falls", () => {
  assert.deepEqual(timesOf([0, 10, 15]), [0, 10, 15]);
  assert.deepEqual(timesOf([1000, 500, 0]), [1000, 500, 0]);
  assert.deepEqual(timesOf([0, 1, 2, 1, 0]), [0, 1, 2, 3, 4]);
  assert.deepEqual(timesOf([0, 0, 1]), [0, 1, 2]);
  assert.deepEqual(timesOf([5, 7]), [5, 7]);
  assert.deepEqual(timesOf([7]), [0]);
});

test("the axis of values begins at zero, or goes in powers of ten", () => {
  const ends = ({ low, high }) => [low, high];
  assert.deepEqual(ends(valueAxis([0.2, 1], false)), [0, 1]);
  assert.deepEqual(ends(valueAxis([-0.2, 1], false)), [-0.2, 1]);
  assert.deepEqual(ends(valueAxis([0, 0], false)), [0, 1]);
  assert.deepEqual(ends(valueAxis([3, 3], false)), [0, 3]);
  assert.deepEqual(ends(valueAxis([], true)), [0, 1]);
  const places = (low, high) => valueAxis([low, high], true).ticks.map(([at]) => at);
  assert.deepEqual(places(-2.4, -0.5), [-2, -1]);
  assert.deepEqual(places(0.2, 0.4), []);
  assert.deepEqual(places(-12, 0), [-12, -9, -6, -3, 0]);
  const powers = valueAxis([-4.4, 0], true);
  assert.deepEqual(ends(powers), [-4.4, 0]);
  assert.deepEqual(
    powers.ticks.map(([, label]) => label),
    ["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰"],
  );
});

test("pieces of a sum begin where the one before them ends", () => {
  const pieces = readScene("curves").spec.panels.at(-1).pieces;
  assert.deepEqual(oneAfterAnother(pieces[3]), [
    { from: 0, to: 1 },
    { from: 1, to: -1 },
    { from: -1, to: 2 },
    { from: 2, to: 6 },
  ]);
  assert.deepEqual(
    pieces.map((here) => oneAfterAnother(here).at(-1).to),
    [1, -1, 2, 6, 11],
  );
  assert.notDeepEqual(oneAfterAnother(pieces[3].toReversed()).at(1), { from: 1, to: -1 });
});
