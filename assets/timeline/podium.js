// The podium: where another script of the page, a class, meets its timelines. What they share hangs on the page.

/** @import { Led } from "./types.d.ts" */

/**
 * What happened to a timeline: it came, something of it is another, a hand touched it.
 * @typedef {"came" | "moved" | "touched"} Happening
 */

/** @typedef {{ timelines: Set<Led>, hear: (what: Happening, led: Led) => void }} Podium */

const PODIUM = Symbol.for("timeline podium");

/** @returns {Podium} */
export function podium() {
  const page = /** @type {Record<symbol, Podium>} */ (/** @type {unknown} */ (globalThis));
  return (page[PODIUM] ??= { timelines: new Set(), hear: () => {} });
}
