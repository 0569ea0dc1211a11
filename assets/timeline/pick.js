// Picking: by a click, or by the arrow keys.

/** @import { Stage } from "./types.d.ts" */

/** @type {Record<string, [number, number]>} */
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Make a frame pick.
 * @param {HTMLElement} frame
 * @param {Stage} stage
 * @param {object} panel
 * @param {(x: number, y: number) => number} panel.at what lies at a place, 0..1 from the upper left
 * @param {(dx: number, dy: number) => number} panel.step what lies beside the pick
 */
export function pickable(frame, stage, { at, step }) {
  const share = (/** @type {number} */ place, /** @type {number} */ of) => Math.min(0.9999, Math.max(0, place / of));
  frame.classList.add("pickable");
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", stage.labels.pick);
  frame.title = stage.labels.pick;
  frame.addEventListener("click", (event) => {
    const box = frame.getBoundingClientRect();
    stage.setPick(at(share(event.clientX - box.left, box.width), share(event.clientY - box.top, box.height)));
  });
  frame.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    stage.setPick(step(...move));
  });
}
