// What the tests share: the golden blobs that golden.py writes, and comparison number by number.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";

import { readBlob } from "../../assets/timeline/blob.js";

export const FOLDER = new URL("../../build/timeline/", import.meta.url);

export function bytesOf(file) {
  const path = new URL(file, FOLDER);
  assert.ok(existsSync(path), "The golden blobs are missing; `make test-js` writes them.");
  return new Uint8Array(readFileSync(path));
}

/** The numbers that the browser must come to, each (P, ...) unless its name says otherwise. */
export function numbersOf(name) {
  return readBlob(bytesOf(`${name}.numbers.blob`)).sides[0].arrays;
}

/** A scene as Python sends it, and its numbers. */
export function readScene(name) {
  const { spec, sides } = readBlob(bytesOf(`${name}.blob`));
  return { spec, sides, arrays: sides[0].arrays, numbers: numbersOf(name) };
}

/** What an array holds at position p. */
export function rowOf({ data, shape }, p) {
  const size = data.length / shape[0];
  return data.subarray(p * size, (p + 1) * size);
}

/** The largest difference between two arrays of numbers. */
export function apart(got, wanted) {
  assert.equal(got.length, wanted.length);
  return wanted.reduce((most, value, i) => Math.max(most, Math.abs(got[i] - value)), 0);
}

export function assertClose(got, wanted, tolerance = 1e-12, what = "") {
  const most = apart(got, wanted);
  assert.ok(most <= tolerance, `${what} differs by ${most}`);
}
