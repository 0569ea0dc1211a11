// A student: sees what the teacher shows, lets go with a touch, and comes back with a press.

/** @import { Led } from "../timeline/types.d.ts" */
/** @import { Place } from "./place.js" */
/** @import { Page, State } from "./types.d.ts" */

import { podium } from "../timeline/podium.js";
import { asks, atRest, LOOK } from "./document.js";
import { keep, seat } from "./kept.js";
import { about, isSame, placeOf } from "./place.js";
import { post } from "./post.js";
import { Wire } from "./wire.js";

const PATIENCE = 6000; // ms that a way to the teacher's place may take
const TRIES = 5;
const SAID = 5000; // ms

export class Student {
  /**
   * @param {{ code: string, follows: boolean }} kept
   * @param {Page} page
   */
  constructor({ code, follows }, page) {
    this.code = code;
    this.follows = follows;
    this.page = page;
    this.connected = true;
    this.saidLost = false;
    /** @type {State | null} */
    this.state = null;
    /** What each timeline was led to last. @type {WeakMap<Led, string>} */
    this.led = new WeakMap();
    /** @type {Place | null} */
    this.arrived = null;
    /** @type {{ place: Place, since: number, tries: number } | null} */
    this.asked = null;
    this.frame = 0;
    this.hand = new AbortController();
    this.wire = new Wire(`class/stream?code=${encodeURIComponent(code)}&seat=${seat()}`, {
      heard: (state) => this.hear(state),
      changed: (connected) => this.show({ connected }),
      again: () => post("join", { code, seat: seat() }),
      gone: () => page.over("over"),
    });
  }

  begin() {
    const { signal } = this.hand;
    podium().hear = (what, led) => {
      if (what === "came" && this.follows) this.lead(led);
      if (what === "touched") this.letGo();
    };
    for (const event of ["pointerdown", "keydown"])
      document.addEventListener(event, (touch) => this.touch(touch), { signal, capture: true });
    document.addEventListener("visibilitychange", () => this.look(), { signal });
    this.timer = setInterval(() => this.goThere(), LOOK);
    this.look();
    this.tell();
  }

  stop() {
    this.wire.close();
    this.hand.abort();
    clearInterval(this.timer);
    cancelAnimationFrame(this.frame);
    podium().hear = () => {};
  }

  /** A tab that nobody sees has no stream: a browser has six for all its tabs. */
  look() {
    if (document.hidden) this.wire.close();
    else this.wire.open();
  }

  hear(/** @type {State} */ state) {
    if (state.ended) {
      this.page.over("ended");
      return;
    }
    this.state = state;
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      if (this.follows) for (const led of podium().timelines) this.lead(led);
    });
  }

  /** Show in a timeline what the teacher's shows, if it is something else than before. */
  lead(/** @type {Led} */ led) {
    const lie = this.state?.shown[led.key()];
    const said = JSON.stringify(lie);
    if (!lie || this.led.get(led) === said) return;
    this.led.set(led, said);
    led.follow(lie);
  }

  /** To the teacher's lesson and controls, once the page stands still; from there one may open what one likes. */
  goThere() {
    const { state, asked, page } = this;
    if (!this.follows || !state || document.hidden || !atRest()) return;
    if (this.arrived && isSame(this.arrived, state)) return;
    const waited = asked && isSame(asked.place, state) ? asked : null;
    if (isSame(this.place(), state) || waited?.tries === TRIES) {
      this.arrived = state;
      return;
    }
    if (waited && performance.now() - waited.since < PATIENCE) return;
    this.asked = { place: state, since: performance.now(), tries: (waited?.tries ?? 0) + 1 };
    page.go({ lesson: state.lesson, query: state.query });
  }

  place() {
    return placeOf(location.href, this.page.lessons(), podium().timelines);
  }

  /** A hand on the page: Python hears where it was led to, and on a control it lets go. */
  touch(/** @type {Event} */ event) {
    const asked = asks(event);
    if (!asked || !this.follows) return;
    for (const led of podium().timelines) led.report();
    if (asked === "control") this.letGo();
  }

  letGo() {
    if (this.follows) this.choose(false);
  }

  again() {
    this.choose(true);
    this.led = new WeakMap();
    this.arrived = this.asked = null;
    for (const led of podium().timelines) this.lead(led);
  }

  choose(/** @type {boolean} */ follows) {
    this.follows = follows;
    for (const led of podium().timelines) led.report();
    keep({ role: "student", code: this.code, follows });
    this.tell();
    this.page.draw();
  }

  tell() {
    void post("follow", { code: this.code, seat: seat(), follows: this.follows });
  }

  async lost() {
    const [first] = podium().timelines;
    const t = first ? about(first.positions(), first.lie().position) : 0;
    const { refused } = await post("lost", { code: this.code, seat: seat(), lesson: this.place().lesson, t });
    this.show({ saidLost: !refused });
    setTimeout(() => this.show({ saidLost: false }), SAID);
  }

  /** Something that the bar says is another. */
  show(/** @type {{ connected?: boolean, saidLost?: boolean }} */ now) {
    const before = [this.connected, this.saidLost].join();
    Object.assign(this, now);
    if (before !== [this.connected, this.saidLost].join()) this.page.draw();
  }
}
