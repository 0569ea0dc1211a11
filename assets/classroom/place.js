// Where a reader is, as a class has it: the lesson, and the controls of the URL; not where timelines lie, which is told
// apart, nor what is each reader's own.

/** @import { Led } from "../timeline/types.d.ts" */

/** @typedef {{ lesson: string, query: string }} Place */

const OWN = ["lang", "class", "embed", "embed_options", "view", "panels"]; // state.py has the same
const LENGTH = 6;

/**
 * The place of an address.
 * @param {string} href
 * @param {Iterable<string>} lessons by their names; the start page has none
 * @param {Iterable<Led>} timelines of the page
 * @returns {Place}
 */
export function placeOf(href, lessons, timelines) {
  const url = new URL(href);
  const name = url.pathname.split("/").filter(Boolean).pop() ?? "";
  const query = url.searchParams;
  for (const own of [...OWN, ...[...timelines].flatMap((led) => led.names())]) query.delete(own);
  query.sort();
  return { lesson: [...lessons].includes(name) ? name : "", query: query.toString() };
}

/** Whether two places are the same; how their queries are written does not matter. */
export function isSame(/** @type {Place} */ one, /** @type {Place} */ other) {
  return one.lesson === other.lesson && sorted(one.query) === sorted(other.query);
}

function sorted(/** @type {string} */ query) {
  const read = new URLSearchParams(query);
  read.sort();
  return read.toString();
}

/** A code as somebody types it. */
export function readCode(/** @type {string} */ typed) {
  return typed.toUpperCase().replace(/[^\p{L}\p{N}]/gu, "");
}

/** A code as it is read: in two halves. */
export function spelled(/** @type {string} */ code) {
  return code.length === LENGTH ? `${code.slice(0, 3)} ${code.slice(3)}` : code;
}

/** About where a timeline lies: at one of eleven values, so that those who are lost at one place are counted there. */
export function about(/** @type {number[]} */ positions, /** @type {number} */ position) {
  const last = positions.length - 1;
  return positions[Math.round((Math.round((10 * position) / Math.max(1, last)) * last) / 10)];
}

/** Whether a name stands for the computer that asks, whichever that is. */
export function isLocal(/** @type {string} */ hostname) {
  return /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
