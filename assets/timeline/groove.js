// The groove of the slider under a pointer. The browser's own slider jumps as soon as a finger touches it, so that a
// swipe over the page would move it: here a finger moves it only sideways, or by a tap.

const THUMB = 26; // CSS pixels, as in timeline.css
const STILL = 8; // CSS pixels that a finger may move before it slides

/**
 * The position under a place of the groove.
 * @param {number} x from its left end
 * @param {number} width
 * @param {number} last
 */
export function positionAt(x, width, last) {
  const share = (x - THUMB / 2) / Math.max(1, width - THUMB);
  return Math.round(last * Math.min(1, Math.max(0, share)));
}

/**
 * Which way a finger went: "still", "along" the groove or "across" it.
 * @param {number} dx
 * @param {number} dy
 */
export function wayOf(dx, dy) {
  if (Math.hypot(dx, dy) < STILL) return "still";
  return Math.abs(dx) > Math.abs(dy) ? "along" : "across";
}

/** A pointer on the groove, from where it came down until it is lifted. */
class Hold {
  /**
   * @param {HTMLElement} groove
   * @param {number} last
   * @param {(position: number) => void} slide
   */
  constructor(groove, last, slide) {
    this.groove = groove;
    this.last = last;
    this.slide = slide;
    /** @type {{ x: number, y: number, left: number, width: number } | null} */
    this.start = null;
    this.slides = false;
  }

  begin(/** @type {PointerEvent} */ event) {
    const { left, width } = this.groove.getBoundingClientRect();
    this.start = { x: event.clientX, y: event.clientY, left, width };
    this.slides = false;
    if (event.pointerType !== "touch") this.take(event);
  }

  take(/** @type {PointerEvent} */ event) {
    this.slides = true;
    this.groove.setPointerCapture(event.pointerId);
    this.move(event);
  }

  move(/** @type {PointerEvent} */ event) {
    if (this.start) this.slide(positionAt(event.clientX - this.start.left, this.start.width, this.last));
  }

  follow(/** @type {PointerEvent} */ event) {
    if (!this.start) return;
    const way = wayOf(event.clientX - this.start.x, event.clientY - this.start.y);
    if (this.slides) this.move(event);
    else if (way === "along") this.take(event);
    else if (way === "across") this.start = null;
  }
}

/**
 * Slide under a pointer.
 * @param {HTMLElement} groove
 * @param {HTMLInputElement} slider
 * @param {{ slide: (position: number) => void, release: () => void }} touch
 */
export function slideUnderPointer(groove, slider, { slide, release }) {
  const hold = new Hold(groove, Number(slider.max), slide);
  groove.addEventListener("mousedown", (event) => event.preventDefault()); // the focus goes to the slider
  groove.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    slider.focus({ preventScroll: true });
    hold.begin(event);
  });
  groove.addEventListener("pointermove", (event) => hold.follow(event));
  groove.addEventListener("pointerup", (event) => {
    if (!hold.start) return;
    hold.move(event);
    hold.start = null;
    release();
  });
  groove.addEventListener("pointercancel", () => {
    if (hold.start && hold.slides) release();
    hold.start = null;
  });
}
