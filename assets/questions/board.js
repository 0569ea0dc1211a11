// The board: a sketch as SVG, with its axes, and room to draw on.

/** @import { Interval, Look, Place, Sketch } from "./types.d.ts" */

import { formatTick, ticks } from "../timeline/format.js";

const SVG = "http://www.w3.org/2000/svg";
export const SIZE = { width: 480, height: 300, left: 42, bottom: 26, rim: 8 };

/**
 * An element of SVG.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(string | Element)} children
 */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** From numbers to places on the board, and back. */
export function scalesOf(/** @type {{ x: Interval, y: Interval }} */ { x, y }) {
  const { width, height, left, bottom, rim } = SIZE;
  const across = (width - left - rim) / (x[1] - x[0]);
  const down = (height - bottom - rim) / (y[1] - y[0]);
  return {
    toX: (/** @type {number} */ value) => left + (value - x[0]) * across,
    toY: (/** @type {number} */ value) => height - bottom - (value - y[0]) * down,
    fromX: (/** @type {number} */ place) => x[0] + (place - left) / across,
    fromY: (/** @type {number} */ place) => y[0] + (height - bottom - place) / down,
  };
}

/** Even places over an interval. */
export function places(/** @type {Interval} */ [low, high], /** @type {number} */ n) {
  return Array.from({ length: n }, (_, k) => low + ((high - low) * k) / (n - 1));
}

/** The path of heights over even places, with gaps where there is none. */
export function pathOf(/** @type {(number | null)[]} */ heights, /** @type {Sketch} */ sketch) {
  const { toX, toY } = scalesOf(sketch);
  const xs = places(sketch.x, heights.length);
  let path = "";
  heights.forEach((y, k) => {
    if (y === null) return;
    const pen = k > 0 && heights[k - 1] !== null ? "L" : "M";
    path += `${pen}${toX(xs[k]).toFixed(2)} ${toY(y).toFixed(2)}`;
  });
  return path;
}

/** The corners of the band so far above and below a curve. */
export function bandOf(/** @type {number[]} */ heights, /** @type {number} */ within, /** @type {Sketch} */ sketch) {
  const { toX, toY } = scalesOf(sketch);
  const xs = places(sketch.x, heights.length);
  const side = (/** @type {number} */ by) =>
    heights.map((y, k) => `${toX(xs[k]).toFixed(2)},${toY(y + by).toFixed(2)}`);
  return [...side(within), ...side(-within).reverse()].join(" ");
}

/** A board that shows a sketch; what is drawn on it comes last. */
export function board(/** @type {Sketch} */ sketch, /** @type {string} */ label) {
  const { toX, toY } = scalesOf(sketch);
  const root = svg("svg", { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img", "aria-label": label });
  const [x, y] = [sketch.x, sketch.y];
  for (const value of ticks(y[0], y[1], 4)) {
    root.append(svg("line", { class: "grid", x1: toX(x[0]), x2: toX(x[1]), y1: toY(value), y2: toY(value) }));
    root.append(svg("text", { class: "left", x: SIZE.left - 6, y: toY(value) + 4 }, formatTick(value)));
  }
  for (const value of ticks(x[0], x[1], 6)) {
    root.append(svg("text", { class: "below", x: toX(value), y: SIZE.height - 6 }, formatTick(value)));
  }
  for (const one of sketch.curves) {
    root.append(svg("path", { class: "curve", d: pathOf(one.values, sketch), stroke: one.color }));
  }
  for (const one of sketch.points) root.append(dots(one, sketch));
  return root;
}

function dots(/** @type {Look<Place[]>} */ { values, color }, /** @type {Sketch} */ sketch) {
  const { toX, toY } = scalesOf(sketch);
  const radius = values.length > 20 ? 2 : 6;
  return svg("g", { fill: color }, ...values.map(([x, y]) => svg("circle", { cx: toX(x), cy: toY(y), r: radius })));
}

/** Where on a board an event is, in its numbers. */
export function placeOf(/** @type {MouseEvent} */ event, /** @type {Element} */ root, /** @type {Sketch} */ sketch) {
  const box = root.getBoundingClientRect();
  const { fromX, fromY } = scalesOf(sketch);
  const x = fromX(((event.clientX - box.left) / box.width) * SIZE.width);
  const y = fromY(((event.clientY - box.top) / box.height) * SIZE.height);
  return /** @type {Place} */ ([clamp(x, sketch.x), clamp(y, sketch.y)]);
}

export function clamp(/** @type {number} */ value, /** @type {Interval} */ [low, high]) {
  return Math.min(high, Math.max(low, value));
}

/** What a hand does on a board while it is pressed: drawing, dragging. Nothing scrolls meanwhile. */
export function whilePressed(/** @type {Element} */ root, /** @type {(event: PointerEvent) => void} */ act) {
  let pressed = false;
  root.addEventListener("pointerdown", (event) => {
    pressed = true;
    root.setPointerCapture(/** @type {PointerEvent} */ (event).pointerId);
    act(/** @type {PointerEvent} */ (event));
    event.preventDefault();
  });
  root.addEventListener("pointermove", (event) => pressed && act(/** @type {PointerEvent} */ (event)));
  for (const name of ["pointerup", "pointercancel"]) root.addEventListener(name, () => (pressed = false));
}

/** What the arrow keys do on a board: so many steps to the right and upwards. */
export function whenArrows(/** @type {Element} */ root, /** @type {(dx: number, dy: number) => void} */ act) {
  /** @type {Record<string, [number, number]>} */
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  root.setAttribute("tabindex", "0");
  root.setAttribute("role", "slider");
  root.addEventListener("keydown", (event) => {
    const step = steps[/** @type {KeyboardEvent} */ (event).key];
    if (!step) return;
    event.preventDefault();
    act(...step);
  });
}

/** The names of what is shown, with their colours. */
export function legendOf(/** @type {Sketch} */ { curves, points }) {
  return [...curves, ...points].filter(({ name }) => name);
}
