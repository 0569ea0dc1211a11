// What stands beside a swatch of colour: entries of a legend, rows of a table.

import { h } from "./dom.js";
import { mathText } from "./math.js";

/**
 * A line of a legend or of a table: a swatch of a colour, a label, and what stands behind it.
 * @param {{ label: string, color: string }} what
 * @param {"" | "dash" | "dot"} look of the swatch
 * @param {...Element} rest
 */
export function entry({ label, color }, look, ...rest) {
  const swatch = h("span", { class: look ? `swatch ${look}` : "swatch", style: `--color:${color}` });
  return h("div", { class: "entry" }, swatch, mathText(label), ...rest);
}
