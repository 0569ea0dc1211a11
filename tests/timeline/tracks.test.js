import assert from "node:assert/strict";
import { test } from "node:test";

import { makeTracks, placeOf } from "../../assets/timeline/tracks.js";
import { apart, assertClose, readScene, rowOf } from "./golden.js";

function open(name) {
  const { spec, arrays, numbers } = readScene(name);
  return { spec, numbers, tracks: makeTracks(spec.tracks, arrays, spec.positions.length) };
}

/** Every track whose numbers are known, at every position, there and back. */
function compare({ spec, numbers, tracks }, prefix = "") {
  const names = Object.keys(spec.tracks).filter((name) => prefix + name in numbers);
  for (const p of [0, 1, 2, 3, 4, 2, 0]) {
    for (const name of names) {
      const node = tracks.get(name);
      const values = node.at(p);
      assertClose(values, rowOf(numbers[prefix + name], p), 1e-12, `${prefix}${name} at ${p}`);
      for (const i of [0, values.length - 1]) assert.equal(node.value(p, i), values[i]);
    }
  }
  return names;
}

for (const [name, count] of [
  ["points", 6],
  ["pictures", 4],
  ["curves", 7],
]) {
  test(`the tracks of ${name} are the core's numbers`, () => assert.equal(compare(open(name)).length, count));
}

test("another position is another x_t", () => {
  const { numbers, tracks } = open("points");
  for (let p = 0; p < 5; p++) assert.ok(apart(tracks.get("x_t").at(p), rowOf(numbers.x_t, (p + 1) % 5)) > 1e-3);
});

test("a track and the same one later keep their numbers apart", () => {
  const { numbers, tracks } = open("points");
  const [now, before] = [tracks.get("x_t").at(3), tracks.get("x_s").at(3)];
  assertClose(now, rowOf(numbers.x_t, 3));
  assertClose(before, rowOf(numbers.x_t, 2));
  assert.equal(tracks.get("x_t"), tracks.get("x_t"));
});

test("a hand moves a number, and all that is made of it", () => {
  const scene = open("curves");
  compare(scene);
  assert.deepEqual(scene.tracks.dragged(), { mu: 1 });
  scene.tracks.get("mu").set(-1.5);
  assert.deepEqual(scene.tracks.dragged(), { mu: -1.5 });
  compare(scene, "dragged ");
  assert.ok(apart(scene.tracks.get("square").at(4), rowOf(scene.numbers.square, 4)) > 0.1);
  assert.equal(scene.tracks.get("sigma").set, undefined);
  scene.tracks.get("mu").set(7);
  assert.deepEqual(scene.tracks.dragged(), { mu: 2 }, "as far as its slider goes");
});

test("where the hands left numbers, the next picture takes them up, if it has them", () => {
  const { tracks } = open("curves");
  tracks.move({ mu: -0.5, sigma: 3, elsewhere: 1 });
  assert.deepEqual(tracks.dragged(), { mu: -0.5 });
  assert.notEqual(tracks.get("sigma").value(0, 0), 3);
});

test("shapes are those of one position", () => {
  const { tracks } = open("points");
  const shapes = ["x_t", "x_s", "step", "x0"].map((name) => tracks.get(name)).map((node) => [node.size, node.width]);
  assert.deepEqual(shapes, Array(4).fill([800, 2]));
  const { shape, size, width, whole } = tracks.get("t");
  assert.deepEqual({ shape, size, width, whole }, { shape: [], size: 1, width: 1, whole: true });
  assert.equal(tracks.get("signal").whole, false);
  assert.deepEqual(open("curves").tracks.get("scaled").shape, [50]);
  const pictures = open("pictures").tracks;
  assert.deepEqual([pictures.get("walk").shape, pictures.get("guess").shape], [[7, 2], [360]]);
});

test("what is picked lies at its component, or is the element itself", () => {
  const { tracks } = open("points");
  assert.equal(placeOf(tracks.get("x_t"), 7, "point", 1), 15);
  assert.equal(placeOf(tracks.get("x_t"), 7, "element", 1), 7);
  assert.equal(placeOf(tracks.get("x_t"), 5000, "element", 0), 799);
  assert.equal(placeOf(tracks.get("signal"), 7, "point", 1), 0);
});
