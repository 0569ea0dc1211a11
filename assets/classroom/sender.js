// Tells the class where its teacher is: the newest alone, so often at most, and one question at a time.

/** @import { Told } from "./post.js" */

const APART = 100; // ms: ten a second
const LATER = 1000; // ms after which what did not arrive is said again

export class Sender {
  /** @param {() => Promise<Told>} send sends what is shown then */
  constructor(send) {
    this.send = send;
    this.due = false;
    this.busy = false;
    this.timer = 0;
  }

  /** Something is another. */
  soon() {
    this.due = true;
    if (!this.busy && !this.timer) void this.now();
  }

  async now() {
    this.timer = 0;
    if (!this.due) return;
    this.due = false;
    this.busy = true;
    const { refused } = await this.send();
    this.busy = false;
    if (refused) this.due = true;
    this.timer = setTimeout(() => this.now(), refused ? LATER : APART);
  }

  stop() {
    clearTimeout(this.timer);
    this.send = async () => ({ answer: {}, refused: null });
  }
}
