// The desk: all timelines of one page, which of them the keys mean, and whose bar stays in sight.

import { actionOf } from "./keys.js";

/**
 * A timeline at the desk.
 * @typedef {object} Seat
 * @property {HTMLElement} root
 * @property {boolean} seen something of it is in sight
 * @property {boolean} above its bar was scrolled out of sight, upwards
 * @property {(docked: boolean) => void} dock hold the bar in sight, or let it go back to its place
 * @property {(action: import("./keys.js").Action) => boolean} act do it; false: it means nothing now
 */

/** @typedef {{ seats: Seat[], last: Seat | null, listen: (event: KeyboardEvent) => void }} Desk */

const DESK = Symbol.for("timeline desk");

/** @returns {Desk} */
function desk() {
  const page = /** @type {Record<symbol, Desk>} */ (/** @type {unknown} */ (globalThis));
  return (page[DESK] ??= { seats: [], last: null, listen });
}

/** What of the page holds it: its root lies in the shadow of a component. */
function hostOf(/** @type {Seat} */ { root }) {
  const tree = root.getRootNode();
  return tree instanceof ShadowRoot ? tree.host : root;
}

/** Whether another element comes after one. */
function follows(/** @type {Element} */ one, /** @type {Element} */ other) {
  return (one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
}

/** Take a seat, in the order of the page; what is returned gives it back. */
export function sitDown(/** @type {Seat} */ seat) {
  const { seats } = desk();
  if (!seats.length) window.addEventListener("keydown", desk().listen, true);
  seats.push(seat);
  seats.sort((one, other) => (follows(hostOf(one), hostOf(other)) ? -1 : 1));
  const touched = () => void (desk().last = seat);
  for (const event of ["pointerdown", "focusin"]) seat.root.addEventListener(event, touched);
  return () => {
    seats.splice(seats.indexOf(seat), 1);
    if (desk().last === seat) desk().last = null;
    if (!seats.length) window.removeEventListener("keydown", desk().listen, true);
    settle();
  };
}

/** Held is the bar of the picture that one looks at, if it is out of sight; where one looks at none, the first bar. */
export function settle() {
  const { seats } = desk();
  const looked = seats.filter((seat) => seat.seen);
  const held = looked.length ? looked.findLast((seat) => seat.above) : seats[0];
  for (const seat of seats) seat.dock(seat === held && seat.above);
}

/** A key means the timeline that has the focus, else one that is in sight, of these the one touched last; else the first. */
function listen(/** @type {KeyboardEvent} */ event) {
  const path = event.composedPath();
  const { seats, last } = desk();
  const seat =
    seats.find(({ root }) => path.includes(root)) ??
    (last?.seen ? last : seats.find((one) => one.seen)) ??
    last ??
    seats[0];
  const action = actionOf(event, path);
  if (!action || !seat.act(action)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}
