import assert from "node:assert/strict";
import { test } from "node:test";

import { Following, nearest } from "../../assets/timeline/following.js";
import { apart } from "../../assets/timeline/player.js";

/** @returns {any} a timeline without a screen */
function showing() {
  const self = {
    /** @type {any[]} */
    told: [],
    stage: { position: 0, pick: 0 },
    spec: { positions: [0, 1, 2, 1, 0], pick_count: 5 },
    player: { playing: false, pause: () => (self.player.playing = false), play: () => (self.player.playing = true) },
    controls: { speed: { value: "1" } },
    hand: { mu: 0 },
    sides: [{ tracks: { move: (/** @type {any} */ to) => Object.assign(self.hand, to), dragged: () => self.hand } }],
    reporter: { now: () => self.told.push("now"), say: () => {} },
    tell: (/** @type {string} */ name) => self.told.push(name),
    draw: (/** @type {number} */ position) => (self.stage.position = position),
  };
  return self;
}

const LIE = { t: 1, position: 3, pick: 4, handles: { mu: -1.5 }, playing: false, speed: 2 };

test("it lies where the other one lies, and Python is told only when a hand asks", () => {
  const one = showing();
  const following = new Following(one, false);
  following.report();
  following.follow(LIE);
  assert.deepEqual(following.lie(), LIE);
  assert.deepEqual(one.told, []);
  /** @type {string[]} */
  const happened = [];
  following.happened = (what) => happened.push(what);
  following.touch();
  assert.deepEqual([one.told, happened, following.led], [["dragged", "now"], ["touched"], false]);
  following.touch();
  assert.deepEqual(one.told, ["dragged", "now"], "its own hand's place is told by itself");
  following.follow(LIE);
  following.report();
  assert.deepEqual(one.told, ["dragged", "now", "now"], "the handles lie where Python knows them");
  clearTimeout(following.settling);
});

test("where it has no such place or pick, it lies nearest, and keeps its own", () => {
  const one = showing();
  const following = new Following(one, false);
  following.follow({ ...LIE, t: 1.8, position: 700, pick: 5 });
  assert.deepEqual([one.stage.position, one.stage.pick], [2, 0]);
  assert.equal(nearest([1000, 980, 0], 970), 1);
  clearTimeout(following.settling);
});

test("it plays as the other one plays, and is set right only when they are apart", () => {
  const one = showing();
  one.spec.positions = [...Array(1001).keys()];
  const following = new Following(one, false);
  following.follow({ ...LIE, t: 100, position: 100, playing: true, speed: 1 });
  assert.deepEqual([one.player.playing, one.stage.position], [true, 100]);
  one.draw(120);
  following.follow({ ...LIE, t: 112, position: 112, playing: true, speed: 1 });
  assert.equal(one.stage.position, 120, "close enough: it goes on smoothly");
  following.follow({ ...LIE, t: 400, position: 400, playing: true, speed: 1 });
  assert.deepEqual([one.player.playing, one.stage.position], [true, 400]);
  following.follow({ ...LIE, t: 401, position: 401, playing: false });
  assert.deepEqual([one.player.playing, one.stage.position], [false, 401]);
  assert.deepEqual([apart(0, 1, 51, 1), apart(0, 4, 51, 1), apart(0, 4, 51, 4)], [false, true, false]);
  clearTimeout(following.settling);
});
