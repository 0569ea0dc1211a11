// Plays the positions one after the other, at a pace that does not depend on how fast the screen is.

const LONGEST = 100; // ms that a frame may count for, so that a page that slept does not jump

/**
 * What is played.
 * @typedef {object} Played
 * @property {number} count positions
 * @property {() => number} position the one on the screen
 * @property {() => number} speed how many times faster than usual
 * @property {(position: number) => void} draw
 * @property {number[]} stops positions where it halts
 * @property {(playing: boolean) => void} changed
 * @property {() => void} ended it came to the last position, or to a stop
 */

export class Player {
  constructor(/** @type {Played} */ played) {
    this.played = played;
    this.playing = false;
    this.frame = 0;
  }

  /** From where the screen is, or again from the start. */
  play() {
    const { count, position, speed, stops } = this.played;
    const last = count - 1;
    if (last === 0) return;
    this.setPlaying(true);
    let [place, earlier] = [position() === last ? 0 : position(), performance.now()];
    const halt = stops.find((stop) => stop > place) ?? last;
    const tick = (/** @type {number} */ now) => {
      place += (Math.min(LONGEST, Math.max(0, now - earlier)) / 1000) * speed() * (last / seconds(count));
      earlier = now;
      if (place >= halt) this.end(halt);
      else {
        if (Math.floor(place) !== position()) this.played.draw(Math.floor(place));
        this.frame = requestAnimationFrame(tick);
      }
    };
    this.frame = requestAnimationFrame(tick);
  }

  pause() {
    cancelAnimationFrame(this.frame);
    if (this.playing) this.setPlaying(false);
  }

  end(/** @type {number} */ halt) {
    this.played.draw(halt);
    this.pause();
    this.played.ended();
  }

  /** For good: nobody is told. */
  stop() {
    cancelAnimationFrame(this.frame);
    this.playing = false;
  }

  setPlaying(/** @type {boolean} */ playing) {
    this.playing = playing;
    this.played.changed(playing);
  }
}

/** How long a play lasts at 1x: five seconds for a chain of fifty steps, eight for a thousand. */
export function seconds(/** @type {number} */ count) {
  if (count <= 51) return Math.max(1.5, count / 10);
  return 5 + 3 * Math.min(1, Math.log(count / 51) / Math.log(1001 / 51));
}

const TOGETHER = 0.3; // seconds

/**
 * Whether two that play are so far apart that it is seen.
 * @param {number} one position
 * @param {number} other
 * @param {number} count
 * @param {number} speed
 */
export function apart(one, other, count, speed) {
  return Math.abs(one - other) > Math.max(1, (TOGETHER * speed * (count - 1)) / seconds(count));
}

/**
 * Where a step of a presenter's remote leads: to the next stop that way, or, where there are none, a tenth of the way.
 * @param {{ count: number, stops: number[] }} played
 * @param {number} position
 * @param {1 | -1} way
 */
export function stopBeside({ count, stops }, position, way) {
  const last = count - 1;
  if (!stops.length) return Math.min(last, Math.max(0, position + way * Math.max(1, Math.round(last / 10))));
  if (way > 0) return stops.find((stop) => stop > position) ?? last;
  return stops.findLast((stop) => stop < position) ?? 0;
}
