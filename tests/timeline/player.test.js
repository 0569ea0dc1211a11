import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Player, seconds, stopBeside } from "../../assets/timeline/player.js";

mock.method(performance, "now", () => 0); // the clock stands still but for the screen

/** Play all positions with a screen that draws every so many ms; returns what happened. */
function play({ count, every, speed = 1, from = 0, stops = [], until = Infinity }) {
  let [next, position, time] = [null, from, 0];
  globalThis.requestAnimationFrame = (callback) => (next = callback);
  globalThis.cancelAnimationFrame = () => (next = null);
  const [drawn, heard] = [[], []];
  const player = new Player({
    count,
    position: () => position,
    speed: () => speed,
    stops,
    draw: (p) => drawn.push((position = p)),
    changed: (playing) => heard.push(playing),
    ended: () => heard.push("ended"),
  });
  player.play();
  while (next && time < until) {
    const callback = next;
    next = null;
    time += every;
    callback(time);
  }
  return { drawn, heard, time, player };
}

test("a play lasts as long on any screen, and comes to the end once", () => {
  for (const every of [5, 16, 80]) {
    const { drawn, heard, time } = play({ count: 51, every });
    assert.ok(Math.abs(time - 1000 * seconds(51)) <= every, `${time} ms`);
    assert.equal(drawn[drawn.length - 1], 50);
    assert.deepEqual(heard, [true, false, "ended"]);
    assert.ok(drawn.every((p, i) => i === 0 || p > drawn[i - 1]));
  }
});

test("it halts at the next stop, and goes on from there to the one after", () => {
  const stops = [0, 20, 31];
  for (const [from, halt] of [
    [0, 20],
    [20, 31],
    [31, 50],
    [50, 20],
  ]) {
    const { drawn, heard } = play({ count: 51, every: 70, from, stops });
    assert.equal(drawn.at(-1), halt);
    assert.deepEqual(heard, [true, false, "ended"]);
  }
});

test("a remote goes to the stop beside, or, without stops, a tenth of the way", () => {
  const played = { count: 101, stops: [10, 50] };
  assert.deepEqual(
    [0, 10, 49, 50].map((p) => stopBeside(played, p, 1)),
    [10, 50, 50, 100],
  );
  assert.deepEqual(
    [100, 50, 11, 10].map((p) => stopBeside(played, p, -1)),
    [50, 10, 10, 0],
  );
  assert.deepEqual(
    [stopBeside({ count: 101, stops: [] }, 95, 1), stopBeside({ count: 4, stops: [] }, 2, -1)],
    [100, 1],
  );
});

test("at twice the speed it takes half as long", () => {
  const [one, two] = [1, 2].map((speed) => play({ count: 51, every: 10, speed }).time);
  assert.ok(Math.abs(one - 2 * two) <= 20);
});

test("from the end it starts over; elsewhere it goes on", () => {
  assert.equal(play({ count: 11, every: 10, from: 10, until: 500 }).drawn[0], 0);
  assert.equal(play({ count: 11, every: 10, from: 5, until: 500 }).drawn[0], 6);
});

test("a page that slept goes on where it was", () => {
  assert.deepEqual(play({ count: 1001, every: 60_000, until: 60_000 }).drawn, [12]);
});

test("a single position is not played, and a pause is a pause", () => {
  assert.deepEqual(play({ count: 1, every: 10 }).heard, []);
  const { heard, player } = play({ count: 51, every: 10, until: 100 });
  player.pause();
  player.pause();
  assert.deepEqual([heard, player.playing], [[true, false], false]);
});

test("a thousand steps take eight seconds, fifty five, a few not less than one and a half", () => {
  assert.deepEqual([2, 9, 50, 51, 1001, 100_000].map(seconds), [1.5, 1.5, 5, 5.1, 8, 8]);
  assert.ok(seconds(300) > 5 && seconds(300) < 8);
});
