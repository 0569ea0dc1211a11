// A panel: a title, a legend, a frame, and in it what its kind draws.

/** @import { Panel, PanelSpec, Stage } from "./types.d.ts" */

import { curvesPanel } from "./curves.js";
import { diagramPanel } from "./diagram.js";
import { h } from "./dom.js";
import { formulaPanel, numbersPanel } from "./formula.js";
import { histogramPanel } from "./histogram.js";
import { imagesPanel } from "./images.js";
import { entry } from "./legend.js";
import { linesPanel } from "./lines.js";
import { mathText } from "./math.js";
import { planePanel } from "./plane.js";
import { sharesPanel } from "./shares.js";
import { waterfallPanel } from "./waterfall.js";

/**
 * Mount a panel at the end of the grid, below the name of its side if that has one.
 * @param {PanelSpec} spec
 * @param {Stage} stage
 * @param {HTMLElement} grid
 * @param {{ side: number, name: string }} of
 */
export function mountPanel(spec, stage, grid, { side, name }) {
  const frame = h("div", { class: "frame" });
  const legend = h("div", { class: "legend" });
  const weight = "weight" in spec ? spec.weight : 1;
  const panel = h("section", { class: `panel ${spec.kind}`, style: `--weight:${weight}` });
  panel.style.setProperty("--side", String(side + 1));
  if (spec.title || name) panel.append(h("h3", {}, nameTag(name, side), mathText(spec.title ?? "")));
  panel.append(legend, h("div", { class: "slot" }, frame));
  grid.append(panel);
  for (const layer of "layers" in spec ? spec.layers : []) {
    if ("label" in layer && layer.label) legend.append(entry({ label: layer.label, color: layer.color }, "dot"));
  }
  const drawn = draws(spec, stage, frame, legend);
  const canvas = frame.querySelector("[role=img]");
  if (name && canvas) canvas.setAttribute("aria-label", `${name}: ${canvas.getAttribute("aria-label")}`);
  return drawn;
}

/** Which of two pictures it belongs to. */
function nameTag(/** @type {string} */ name, /** @type {number} */ side) {
  return name && h("span", { class: `side ${"ab"[side]}` }, mathText(name));
}

/**
 * @param {PanelSpec} spec
 * @param {Stage} stage
 * @param {HTMLElement} frame
 * @param {HTMLElement} legend
 * @returns {Panel}
 */
function draws(spec, stage, frame, legend) {
  switch (spec.kind) {
    case "plane":
      return planePanel(spec, stage, frame);
    case "images":
      return imagesPanel(spec, stage, frame);
    case "histogram":
      return histogramPanel(spec, stage, frame);
    case "curves":
      return curvesPanel(spec, stage, frame, legend);
    case "lines":
      return linesPanel(spec, stage, frame, legend);
    case "shares":
      return sharesPanel(spec, stage, frame, legend);
    case "waterfall":
      return waterfallPanel(spec, stage, frame, legend);
    case "diagram":
      return diagramPanel(spec, stage, frame);
    case "formula":
      return formulaPanel(spec, stage, frame);
    case "numbers":
      return numbersPanel(spec, stage, frame);
  }
}
