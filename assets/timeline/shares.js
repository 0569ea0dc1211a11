// A bar of shares that always fills to 1.

/** @import { Panel, SharesSpec, Stage } from "./types.d.ts" */

import { h } from "./dom.js";
import { format } from "./format.js";
import { entry } from "./legend.js";

/**
 * @param {SharesSpec} spec
 * @param {Stage} stage
 * @param {HTMLElement} frame
 * @param {HTMLElement} legend
 * @returns {Panel}
 */
export function sharesPanel(spec, stage, frame, legend) {
  const shares = spec.series.map(({ label, color, values }) => {
    const output = h("output", { class: "value" });
    legend.append(entry({ label, color }, "dot", output));
    const piece = h("span", { style: `background:${color}` });
    frame.append(piece);
    return { label, output, piece, data: stage.arrays[values].data };
  });
  const now = (/** @type {number} */ p) =>
    Object.fromEntries(shares.map(({ label, data }) => [label, Float64Array.of(data[p])]));
  return {
    draw: (p) => {
      for (const { data, output, piece } of shares) {
        output.textContent = format(data[p]);
        piece.style.width = `${100 * data[p]}%`;
      }
    },
    numbers: () => now(stage.position),
  };
}
