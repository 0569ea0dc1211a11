// Live numbers: a formula in MathML whose {{name}} are text nodes, replaced in place; and a small table.

/** @import { FormulaSpec, NumbersSpec, Panel, ProbeSpec, Stage } from "./types.d.ts" */

import { h } from "./dom.js";
import { format, rounded } from "./format.js";
import { entry } from "./legend.js";
import { placeOf } from "./tracks.js";

/**
 * A live number in the document.
 * @typedef {object} Live
 * @property {string} name
 * @property {Element} element
 * @property {(p: number) => number} read
 * @property {(value: number, p: number) => string} text
 */

/**
 * What stands behind a name: a track, or a track at what is picked.
 * @param {string} name
 * @param {Element} element
 * @param {ProbeSpec} probe
 * @param {Stage} stage
 * @returns {Live}
 */
function makeLive(name, element, probe, stage) {
  const node = stage.tracks.get(probe.track);
  const decimals = probe.decimals && stage.tracks.get(probe.decimals);
  const plain = node.whole ? String : format;
  return {
    name,
    element,
    read: (p) => node.value(p, placeOf(node, stage.pick, stage.kind, probe.component)),
    text: (value, p) => (decimals ? rounded(value, decimals.value(p, 0)) : plain(value)),
  };
}

/**
 * @param {Live[]} live
 * @param {Stage} stage
 * @returns {Panel}
 */
function livePanel(live, stage) {
  return {
    draw: (p) => {
      for (const { element, read, text } of live) {
        const value = read(p);
        element.textContent = text(value, p);
        element.setAttribute("data-value", String(value));
      }
    },
    numbers: () => Object.fromEntries(live.map(({ name, read }) => [name, Float64Array.of(read(stage.position))])),
  };
}

/**
 * @param {FormulaSpec} spec
 * @param {Stage} stage
 * @param {HTMLElement} frame
 */
export function formulaPanel(spec, stage, frame) {
  frame.innerHTML = [spec.mathml].flat().join("");
  const live = [];
  for (const element of frame.querySelectorAll("mn")) {
    const name = element.textContent.match(/^\s*\{\{(.+)\}\}\s*$/)?.[1];
    if (name === undefined) continue;
    element.setAttribute("data-name", name);
    live.push(makeLive(name, element, spec.values[name], stage));
  }
  frame.tabIndex = 0; // so that a keyboard can scroll it
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", spec.title ?? "");
  const panel = livePanel(live, stage);
  return typeof spec.mathml === "string" ? panel : onePage(panel, frame);
}

/**
 * Of several formulas, one for each position, the first holds what the one of its position holds.
 * @param {Panel} panel
 * @param {HTMLElement} frame
 * @returns {Panel}
 */
function onePage(panel, frame) {
  const [shown, ...others] = frame.querySelectorAll("math");
  const pages = [shown, ...others].map((math) => [...math.childNodes]);
  for (const other of others) other.remove();
  return {
    ...panel,
    draw: (p, fresh) => {
      shown.replaceChildren(...pages[p]);
      panel.draw(p, fresh);
    },
  };
}

/**
 * @param {NumbersSpec} spec
 * @param {Stage} stage
 * @param {HTMLElement} frame
 */
export function numbersPanel(spec, stage, frame) {
  const live = spec.rows.map(({ label, value, color }) => {
    const output = h("output", { class: "value" });
    frame.append(entry({ label, color: color ?? "transparent" }, "", output));
    return makeLive(label, output, value, stage);
  });
  return livePanel(live, stage);
}
