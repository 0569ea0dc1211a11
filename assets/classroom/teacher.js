// A teacher: where the lesson, its controls and its timelines are goes to the class as they move.

/** @import { Place } from "./place.js" */
/** @import { Counts, Page, Started } from "./types.d.ts" */

import { podium } from "../timeline/podium.js";
import { atRest, LOOK } from "./document.js";
import { seat } from "./kept.js";
import { isSame, placeOf } from "./place.js";
import { GONE, post } from "./post.js";
import { Sender } from "./sender.js";
import { Wire } from "./wire.js";

const MOST = 12; // timelines: the hub takes no more

/** What is shown on a page now, at a place. */
export function stateAt(/** @type {Place} */ place) {
  const timelines = [...podium().timelines].slice(0, MOST);
  return { ...place, shown: Object.fromEntries(timelines.map((led) => [led.key(), led.lie()])) };
}

export class Teacher {
  /**
   * @param {Started} started
   * @param {Page} page
   */
  constructor(started, page) {
    this.started = started;
    this.page = page;
    this.connected = true;
    /** Why the class does not see the place, if so. */
    this.refused = "";
    /** @type {Counts} */
    this.counts = { here: 0, following: 0, lost: [], ended: false };
    /** @type {Place | null} */
    this.place = null;
    this.seen = this.here();
    this.sender = new Sender(() => this.steer());
    this.wire = new Wire(`class/stream?code=${started.code}&seat=${seat()}`, {
      heard: (counts) => this.hear(counts),
      changed: (connected) => {
        const before = this.connected;
        this.connected = connected;
        if (before !== connected) page.draw();
      },
      again: () => this.steer(),
      gone: () => page.over("over"),
    });
  }

  begin() {
    podium().hear = (what) => {
      if (what !== "touched") this.sender.soon();
    };
    this.timer = setInterval(() => this.look(), LOOK);
    this.wire.open();
  }

  stop() {
    this.wire.close();
    this.sender.stop();
    clearInterval(this.timer);
    podium().hear = () => {};
  }

  here() {
    return placeOf(location.href, this.page.lessons(), podium().timelines);
  }

  /** A new place is told when it has stood for a while: on the way there the address says this and that. */
  look() {
    const here = this.here();
    const stands = isSame(here, this.seen) && atRest();
    this.seen = here;
    if (!stands || (this.place && isSame(here, this.place))) return;
    this.place = here;
    this.sender.soon();
  }

  async steer() {
    const { code, secret } = this.started;
    const told = await post("steer", { code, secret, state: stateAt(this.place ?? this.seen) });
    const word = told.refused ?? "";
    if (GONE.includes(word)) this.page.over("over");
    const why = ["field", "large"].includes(word) ? word : "";
    if (why !== this.refused) {
      this.refused = why;
      this.page.draw();
    }
    return told;
  }

  hear(/** @type {Counts} */ counts) {
    if (counts.ended) {
      this.page.over("ended");
      return;
    }
    this.counts = counts;
    this.page.draw();
  }

  async end() {
    const { code, secret } = this.started;
    const { refused } = await post("end", { code, secret });
    if (!refused) this.page.over("ended");
    return refused;
  }
}
