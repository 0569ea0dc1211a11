// A diagram of boxes and arrows; what is at work at a position is lit.

/** @import { ArrowSpec, BoxSpec, DiagramSpec, Panel, Stage } from "./types.d.ts" */

import { symbolsOf } from "./math.js";

const SVG = "http://www.w3.org/2000/svg";
const HEAD = 5; // of an arrow, in units of the diagram
const SLANT = 0.2; // how much lower a network's narrow side is, at each end

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(string | Element)} children
 */
function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * @param {DiagramSpec} spec
 * @param {Stage} stage
 * @param {HTMLElement} frame
 * @returns {Panel}
 */
export function diagramPanel(spec, stage, frame) {
  const [width, height] = spec.size;
  frame.style.setProperty("--ratio", String(width / height));
  const parts = [...spec.arrows.map(arrow), ...spec.boxes.map(box)];
  frame.append(s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": spec.title }, ...parts));
  const phases = [...spec.arrows, ...spec.boxes].map(({ phase }) => phase);
  const lit = (/** @type {string} */ phase, /** @type {number} */ p) =>
    phase ? stage.arrays[spec.phases[phase]].data[p] : 1;
  return {
    draw: (p) => parts.forEach((part, i) => part.setAttribute("style", `--lit:${lit(phases[i], p)}`)),
    numbers: () =>
      Object.fromEntries(Object.keys(spec.phases).map((phase) => [phase, Float64Array.of(lit(phase, stage.position))])),
  };
}

function box(/** @type {BoxSpec} */ { at: [x, y], size, name, note, color, form }) {
  const shape = s("polygon", { points: corners([x, y], size, form).join(" "), style: `--color:${color}` });
  const line = (/** @type {string} */ kind, /** @type {number} */ down, /** @type {string} */ text) =>
    s("text", { class: kind, x, y: y + down }, ...typeset(text));
  const words = note ? [line("name", -3, name), line("note", 13, note)] : [line("name", 5, name)];
  return s("g", { class: "box" }, shape, ...words);
}

/**
 * The corners of a box.
 * @param {number[]} at
 * @param {number[]} size
 * @param {BoxSpec["form"]} form
 */
export function corners([x, y], [width, height], form) {
  const [left, right] = [x - width / 2, x + width / 2];
  const low = (/** @type {boolean} */ slanted) => (0.5 - (slanted ? SLANT : 0)) * height;
  const [before, after] = [low(form === "wide"), low(form === "narrow")];
  return [
    [left, y - before],
    [right, y - after],
    [right, y + after],
    [left, y + before],
  ].map((corner) => corner.join(","));
}

function arrow(/** @type {ArrowSpec} */ { points, label, dash }) {
  const [[x0, y0], [x1, y1]] = points.slice(-2);
  const far = Math.hypot(x1 - x0, y1 - y0) || 1;
  const [u, v] = [(HEAD * (x1 - x0)) / far, (HEAD * (y1 - y0)) / far];
  const head = [
    [x1, y1],
    [x1 - 1.5 * u - 0.8 * v, y1 - 1.5 * v + 0.8 * u],
    [x1 - 1.5 * u + 0.8 * v, y1 - 1.5 * v - 0.8 * u],
  ];
  const middle = points[Math.floor((points.length - 1) / 2)];
  const next = points[Math.floor((points.length - 1) / 2) + 1];
  const way = s("polyline", { points: points.map((point) => point.join(",")).join(" "), class: dash ? "dash" : "" });
  const place = { class: "note", x: (middle[0] + next[0]) / 2, y: (middle[1] + next[1]) / 2 - 5 };
  const words = label ? [s("text", place, ...typeset(label))] : [];
  return s(
    "g",
    { class: "arrow" },
    way,
    s("polygon", { points: head.map((point) => point.join(",")).join(" ") }),
    ...words,
  );
}

/**
 * A text with its symbols set as mathematics sets them.
 * @param {string} text
 * @returns {(string | Element)[]}
 */
function typeset(text) {
  return symbolsOf(text).flatMap((piece) => (typeof piece === "string" ? [piece] : tspans(piece)));
}

/**
 * @param {import("./math.js").Symbolic} symbolic
 * @returns {(string | Element)[]}
 */
function tspans({ letter, marks, index, power }) {
  const shifted = (/** @type {string} */ words, /** @type {number} */ down) =>
    words
      ? [s("tspan", { class: "index", dy: `${down}em` }, words), s("tspan", { dy: `${-0.7 * down}em` }, "\u200b")]
      : [];
  return [s("tspan", { class: "symbol" }, letter + marks), ...shifted(index, 0.35), ...shifted(power, -0.5)];
}
