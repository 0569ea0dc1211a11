// The ear of a timeline: it draws nothing, and hands to Python what the picture tells.

/** @import { Mounting, Tell } from "./types.d.ts" */

import { channelOf } from "./channel.js";

/**
 * Streamlit calls this at mounting and again after each run.
 * @param {Mounting<{ key: string }>} mounting
 */
export default function mount({ data, setStateValue }) {
  /** @type {Tell} */
  const hear = (name, value) => setStateValue(name, value);
  return channelOf(data.key).listen(hear);
}
