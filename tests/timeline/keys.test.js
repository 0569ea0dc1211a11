// Which keys mean something, and where a finger on the groove leads.

import assert from "node:assert/strict";
import { test } from "node:test";

import { positionAt, wayOf } from "../../assets/timeline/groove.js";
import { actionOf } from "../../assets/timeline/keys.js";

globalThis.Element = class {
  constructor(selectors) {
    this.selectors = selectors;
  }
  matches(list) {
    return list.split(", ").some((one) => this.selectors.includes(one));
  }
};

const press = (key, focus = [], more = {}) => actionOf({ key, ...more }, [new Element(focus), {}]);

test("a remote's page keys go on and back in the direction of play", () => {
  assert.deepEqual(
    ["PageDown", "PageUp", "ArrowRight", "x"].map((key) => press(key)),
    ["next", "previous", "forward", null],
  );
});

test("a key is left to what has the focus and needs it", () => {
  assert.equal(press(" ", ["button"]), null);
  assert.equal(press("ArrowRight", ["button"]), "forward");
  assert.equal(press("ArrowRight", [".pickable"]), null);
  assert.equal(press("Home", [".pickable"]), "first");
  for (const key of ["Home", "s", " "]) assert.equal(press(key, ["textarea"]), null);
  assert.equal(press("ArrowRight", [], { ctrlKey: true }), null);
  assert.equal(press("End", [], { defaultPrevented: true }), null);
});

test("a place of the groove is a position, half a thumb from its ends", () => {
  assert.deepEqual(
    [0, 13, 113, 213, 226].map((x) => positionAt(x, 226, 100)),
    [0, 0, 50, 100, 100],
  );
});

test("a finger slides only along the groove", () => {
  assert.deepEqual([wayOf(3, -5), wayOf(12, 5), wayOf(5, -12), wayOf(-40, 39)], ["still", "along", "across", "along"]);
});
