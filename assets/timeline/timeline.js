// The timeline: one slider over the positions, and panels that are drawn at once, here in the browser, whenever it
// moves. Its ear, and so Python, hears of a change only when a hand lets go (`change`), a step is made, or the play ends.

/** @import { Led, Mounting } from "./types.d.ts" */

import { readBlob } from "./blob.js";
import { channelOf } from "./channel.js";
import { settle, sitDown } from "./desk.js";
import { dock, watch } from "./dock.js";
import { h } from "./dom.js";
import { mathFont } from "./font.js";
import { podium } from "./podium.js";
import { Showing } from "./showing.js";

const DAMAGED = "The data of this picture arrived damaged; reload the page. 图像数据已损坏，请刷新页面。";
const NARROW = 620; // CSS pixels: a phone

/** @type {WeakMap<HTMLElement, Timeline>} */
const mounted = new WeakMap();

/**
 * Streamlit calls this at mounting and again when data or theme change.
 * @param {Mounting<Uint8Array>} mounting
 */
export default function mount({ parentElement, data }) {
  const timeline = mounted.get(parentElement) ?? new Timeline(parentElement);
  mounted.set(parentElement, timeline);
  timeline.update(data);
  return () => {
    timeline.destroy();
    mounted.delete(parentElement);
  };
}

/** What is mounted at one place of the page, whatever it shows. */
class Timeline {
  constructor(/** @type {HTMLElement} */ parent) {
    this.root = h("div", { class: "timeline" });
    const sentinel = h("div");
    parent.append(sentinel, this.root);
    this.measure(parent.clientWidth);
    /** @type {Uint8Array | null} */
    this.data = null;
    /** @type {Showing | null} */
    this.current = null;
    this.leavePodium = () => {};
    // A change of size redraws at once: the observer runs before the browser paints.
    this.observer = new ResizeObserver(([{ contentRect }]) => {
      this.measure(contentRect.width);
      this.current?.resize();
    });
    this.observer.observe(this.root);
    mathFont()?.then(() => this.current?.refresh());
    const seat = {
      root: this.root,
      seen: false,
      above: false,
      dock: (/** @type {boolean} */ docked) => dock(this.root, docked && !this.root.closest("dialog")),
      act: (/** @type {import("./keys.js").Action} */ action) => this.current?.act(action) ?? false,
    };
    this.unwatch = watch(this.root, sentinel, (is) => {
      Object.assign(seat, is);
      settle();
    });
    this.standUp = sitDown(seat);
  }

  measure(/** @type {number} */ width) {
    this.root.style.setProperty("--width", `${width}px`);
    this.root.classList.toggle("narrow", width <= NARROW);
  }

  update(/** @type {Uint8Array} */ bytes) {
    if (bytes === this.data) {
      this.current?.refresh(); // another theme
      return;
    }
    this.data = bytes;
    const before = this.current?.leave() ?? null;
    try {
      const contents = readBlob(bytes);
      const current = new Showing(this.root, contents, before, channelOf(contents.spec.key).tell);
      this.current = current;
      current.begin();
      this.standAtPodium(current);
    } catch (error) {
      console.warn(error);
      this.current = null;
      this.root.replaceChildren(h("p", { class: "damaged", role: "alert" }, DAMAGED));
    }
  }

  /** Let a class lead it, and hear of it. */
  standAtPodium(/** @type {Showing} */ showing) {
    this.leavePodium();
    /** @type {Led} */
    const led = {
      key: () => showing.spec.key,
      names: () => showing.spec.names,
      positions: () => showing.spec.positions,
      lie: () => showing.following.lie(),
      follow: (lie) => showing.following.follow(lie),
      report: () => showing.following.report(),
    };
    const { timelines } = podium();
    timelines.add(led);
    showing.following.happened = (what) => podium().hear(what, led);
    this.leavePodium = () => void timelines.delete(led);
    showing.following.happened("came");
  }

  destroy() {
    this.leavePodium();
    this.observer.disconnect();
    this.unwatch();
    this.standUp();
    this.current?.leave();
    this.current = null;
    (this.root.closest("dialog") ?? this.root).remove();
  }
}
