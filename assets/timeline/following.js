// A timeline that follows another one: the teacher's. Python is not told where it is led, until a hand asks for something.

/** @import { Happening } from "./podium.js" */
/** @import { Showing } from "./showing.js" */
/** @import { Lie } from "./types.d.ts" */

import { apart } from "./player.js";

const RESTED = 400; // ms after which those who listen to the page are told where it was led

export class Following {
  /**
   * @param {Showing} showing
   * @param {boolean} led whether it follows already
   */
  constructor(showing, led) {
    this.showing = showing;
    this.led = led;
    this.settling = 0;
    this.unsaid = false; // handles were moved
    /** @type {(what: Happening) => void} */
    this.happened = () => {};
  }

  /** Where it lies and what it does. @returns {Lie} */
  lie() {
    const { stage, spec, player, controls, sides } = this.showing;
    const { position, pick } = stage;
    const handles = sides[0].tracks.dragged();
    const speed = Number(controls.speed.value);
    return { t: spec.positions[position], position, pick, handles, playing: player.playing, speed };
  }

  /** Lie where another one lies, and play as it does. */
  follow(/** @type {Lie} */ { t, position, pick, handles, playing, speed }) {
    const { stage, spec, player, controls, sides, reporter } = this.showing;
    const there = spec.positions[position] === t ? position : nearest(spec.positions, t);
    this.led = true;
    const before = JSON.stringify(sides[0].tracks.dragged());
    for (const { tracks } of sides) tracks.move(handles);
    this.unsaid ||= before !== JSON.stringify(sides[0].tracks.dragged());
    if (pick < spec.pick_count) stage.pick = pick;
    controls.speed.value = String(speed);
    if (playing && player.playing && !apart(stage.position, there, spec.positions.length, speed)) return;
    player.pause();
    this.showing.draw(there);
    if (playing) player.play();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => reporter.say(), RESTED);
  }

  /** Tell Python where it lies, if it was led there. */
  report() {
    if (!this.led) return;
    const { sides, tell, reporter } = this.showing;
    if (this.unsaid) tell("dragged", { ...sides[0].tracks.dragged(), at: Date.now() });
    this.unsaid = false;
    reporter.now();
  }

  /** A hand: it follows nobody. */
  touch() {
    this.report();
    this.led = false;
    this.happened("touched");
  }
}

/** The place with the value nearest to t. */
export function nearest(/** @type {number[]} */ positions, /** @type {number} */ t) {
  const distances = positions.map((value) => Math.abs(value - t));
  return distances.indexOf(Math.min(...distances));
}
