// The class's pure parts: where one is, codes as they are typed, what is told how often.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { about, isLocal, isSame, placeOf, readCode, spelled } from "../../assets/classroom/place.js";
import { Sender } from "../../assets/classroom/sender.js";

const LESSONS = ["", "add_noise", "posterior"];
const TIMELINE = /** @type {any} */ ({ names: () => ["t", "pick", "x_0"] });

test("a place is the lesson and its controls, not where timelines lie nor what is each reader's own", () => {
  const at = (/** @type {string} */ path) => placeOf(`http://here${path}`, LESSONS, [TIMELINE]);
  assert.deepEqual(at("/add_noise?t=7&T=500&data=digits&lang=zh&class=ABC234&view=stage&x_0=1.5#E2"), {
    lesson: "add_noise",
    query: "T=500&data=digits",
  });
  assert.deepEqual(at("/course/posterior/"), { lesson: "posterior", query: "" });
  assert.deepEqual(at("/course/?word=%E6%89%A9"), { lesson: "", query: "word=%E6%89%A9" });
  assert.deepEqual(placeOf("http://here/?t=7", LESSONS, []).query, "t=7", "no timeline has this one");
});

test("the same place may be written in two ways", () => {
  const one = { lesson: "add_noise", query: "a=1+2&b=%3A" };
  assert.ok(isSame(one, { lesson: "add_noise", query: "b=:&a=1%202" }));
  for (const other of ["", "a=1+2", "a=1+2&b=%3B"]) assert.ok(!isSame(one, { ...one, query: other }));
  assert.ok(!isSame(one, { ...one, lesson: "posterior" }));
});

test("a code is read as somebody types it, and shown in two halves", () => {
  for (const typed of ["abc234", "ABC 234", " abc-234\n"]) assert.equal(readCode(typed), "ABC234");
  assert.equal(readCode("<b>"), "B");
  assert.deepEqual([spelled("ABC234"), spelled("ABC")], ["ABC 234", "ABC"]);
});

test("those who are lost are counted at one of eleven places", () => {
  const positions = [...Array(1001).keys()];
  assert.deepEqual(new Set(positions.map((p) => about(positions, p))).size, 11);
  assert.deepEqual([about(positions, 349), about(positions, 351), about(positions, 1000)], [300, 400, 1000]);
  assert.deepEqual([about([0.5], 0), about([0, 3], 1)], [0.5, 3]);
});

test("the newest is sent alone, ten times a second at most, one question at a time, and again if it failed", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {((told: any) => void)[]} */
  const questions = [];
  let shown = 0;
  /** @type {number[]} */
  const sent = [];
  const sender = new Sender(() => {
    sent.push(shown);
    return new Promise((answer) => questions.push(answer));
  });
  const settle = async (/** @type {object} */ told) => {
    questions.shift()?.(told);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  for (shown = 1; shown < 5; shown++) sender.soon();
  assert.deepEqual(sent, [1], "one is on its way");
  await settle({ answer: {}, refused: null });
  mock.timers.tick(99);
  assert.deepEqual(sent, [1]);
  mock.timers.tick(1);
  assert.deepEqual(sent, [1, 5], "the newest");
  await settle({ answer: null, refused: "network" });
  mock.timers.tick(1000);
  assert.deepEqual(sent, [1, 5, 5], "again");
  await settle({ answer: {}, refused: null });
  mock.timers.tick(5000);
  assert.deepEqual(sent, [1, 5, 5], "nothing new, nothing sent");
  sender.soon();
  assert.equal(sent.length, 4, "at once");
  sender.stop();
  mock.timers.reset();
});

test("an address of this computer alone is no address for a class", () => {
  for (const here of ["localhost", "127.0.0.1", "[::1]", "a.localhost"]) assert.ok(isLocal(here), here);
  for (const there of ["192.168.1.7", "example.org", "mylocalhost", "10.0.0.127"]) assert.ok(!isLocal(there), there);
});
