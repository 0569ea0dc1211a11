// Tells Python what is shown, once a hand lets go: each value sent is a run of the script.

/** @import { Sent, Tell } from "./types.d.ts" */

const QUIET = 150; // ms without a change before Python hears of it

/**
 * What is on the screen.
 * @typedef {object} Shown
 * @property {number[]} positions
 * @property {() => { position: number, pick: number }} now
 * @property {() => boolean} busy it is playing: nothing is said
 * @property {(position: number) => void} say to those who listen to the page
 */

export class Reporter {
  /**
   * @param {Shown} shown
   * @param {Sent} sent what Python knows
   * @param {Tell} tell
   */
  constructor(shown, sent, tell) {
    this.shown = shown;
    this.sent = sent;
    this.tell = tell;
    this.timer = 0;
  }

  soon() {
    this.cancel();
    this.timer = setTimeout(() => this.now(), QUIET);
  }

  cancel() {
    clearTimeout(this.timer);
  }

  /** Say where it lies, to those who listen to the page alone. */
  say() {
    if (!this.shown.busy()) this.shown.say(this.shown.now().position);
  }

  /** Only what changed is sent. */
  now() {
    this.cancel();
    if (this.shown.busy()) return;
    const { position, pick } = this.shown.now();
    this.shown.say(position);
    for (const [name, value] of changes(this.shown.positions, this.sent, position, pick)) {
      this.sent[name] = value;
      this.tell(name, value);
    }
  }
}

/**
 * What Python does not know yet. A place that follows from t goes unsaid: it is the one said before, or the first
 * with that t.
 * @param {number[]} positions
 * @param {Sent} sent
 * @param {number} position
 * @param {number} pick
 */
export function changes(positions, sent, position, pick) {
  const t = positions[position];
  const understood = positions[sent.position] === t ? sent.position : positions.indexOf(t);
  /** @type {[keyof Sent, number][]} */
  const now = [
    ["position", understood === position ? sent.position : position],
    ["pick", pick],
    ["t", t],
  ];
  return now.filter(([name, value]) => value !== sent[name]);
}
