import assert from "node:assert/strict";
import { test } from "node:test";

import { readBlob } from "../../assets/timeline/blob.js";
import { assertClose, bytesOf, readScene } from "./golden.js";

/** What is sent, from its head, a header and the bytes behind it. */
function blobOf(header, body, place = { jump: 3, handles: {} }) {
  const [head, text] = [place, header].map((part) => new TextEncoder().encode(JSON.stringify(part)));
  const sent = new Uint8Array(4 + head.length + 8 + text.length + body.length);
  const view = new DataView(sent.buffer);
  view.setUint32(0, head.length, true);
  sent.set(head, 4);
  view.setBigUint64(4 + head.length, BigInt(text.length), true);
  sent.set(text, 12 + head.length);
  sent.set(body, 12 + head.length + text.length);
  return sent;
}

const header = (shape, offsets) => ({
  __metadata__: { spec: '{"jump": 2, "tracks": {"mu": {"value": 0}}}' },
  two: { dtype: "F64", shape, data_offsets: offsets },
});

test("what Python packs comes out, type by type", () => {
  const { spec, arrays, numbers } = readScene("points");
  assert.deepEqual(spec.positions, [0, 1, 137, 500, 1000]);
  assert.equal(spec.labels.timestep, "Timestep t");
  assert.deepEqual([spec.pick_kind, spec.pick, spec.pick_count], ["point", 0, 400]);
  assert.deepEqual(arrays.x0.shape, [400, 2]);
  assert.ok(arrays.x0.data instanceof Float32Array);
  assert.ok(arrays.signal.data instanceof Float64Array);
  assertClose(arrays.signal.data, numbers.signal.data, 0);
  assertClose(arrays.x0.data, numbers.x0.data.subarray(0, 800), 0);
  const { guess } = readScene("pictures").arrays;
  assert.ok(guess.data instanceof Uint8Array);
  assert.deepEqual(guess.shape, [5, 360]);
});

test("the bytes may begin anywhere", () => {
  const bytes = bytesOf("curves.blob");
  for (let offset = 0; offset < 8; offset++) {
    const shifted = new Uint8Array(bytes.length + offset).subarray(offset);
    shifted.set(bytes);
    assert.deepEqual(readBlob(shifted), readBlob(bytes));
  }
});

test("an array lies where the header says, and nothing may be missing", () => {
  const body = new Uint8Array(Float64Array.of(7, -1.5, 2.5).buffer);
  const { spec, sides } = readBlob(blobOf(header([2], [8, 24]), body));
  assert.deepEqual(spec, { jump: 3, handles: {}, tracks: { mu: { value: 0 } } });
  const dragged = readBlob(blobOf(header([2], [8, 24]), body, { jump: 3, handles: { mu: 1.5 } }));
  assert.equal(dragged.spec.tracks.mu.value, 1.5);
  assert.deepEqual(sides[0].arrays.two, { data: Float64Array.of(-1.5, 2.5), shape: [2] });
  assert.throws(() => readBlob(blobOf(header([2], [16, 32]), body)), /two is cut short/);
  assert.throws(() => readBlob(blobOf(header([3], [8, 24]), body)), /two does not fill its shape/);
  assert.throws(() => readBlob(blobOf({ two: header([2], [8, 24]).two }, body)), TypeError);
});

test("a blob that was cut short is refused, wherever it was cut", () => {
  const bytes = bytesOf("points.blob");
  for (const length of [0, 7, 8, 100, 5000, bytes.length - 1]) {
    assert.throws(() => readBlob(bytes.subarray(0, length)), `${length} bytes of ${bytes.length}`);
  }
  const wrong = bytes.slice();
  wrong[20] = 0xff; // no UTF-8
  assert.throws(() => readBlob(wrong));
});
