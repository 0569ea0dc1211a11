// Between a picture and its ear: two scripts on one page, so what they share hangs on the page. The picture tells; the
// ear listens, and until it does, what is told waits.

/** @import { Tell } from "./types.d.ts" */

/** @typedef {{ tell: Tell, listen: (listener: Tell) => () => void }} Channel */

const CHANNELS = Symbol.for("timeline channels");

/** @returns {Map<string, Channel>} */
function channels() {
  const page = /** @type {Record<symbol, Map<string, Channel>>} */ (/** @type {unknown} */ (globalThis));
  return (page[CHANNELS] ??= new Map());
}

/** @returns {Channel} */
function makeChannel() {
  /** @type {[string, unknown][]} */
  const waiting = [];
  /** @type {Tell | null} */
  let heard = null;
  return {
    tell: (name, value) => (heard ? heard(name, value) : void waiting.push([name, value])),
    listen: (listener) => {
      heard = listener;
      for (const [name, value] of waiting.splice(0)) listener(name, value);
      return () => {
        if (heard === listener) heard = null;
      };
    },
  };
}

/**
 * The channel of one timeline.
 * @param {string} key
 */
export function channelOf(key) {
  const all = channels();
  const channel = all.get(key) ?? makeChannel();
  all.set(key, channel);
  return channel;
}
