// Small tools for the document: elements, mathematical text, entries of a legend, crisp canvases.

/** @import { CanvasView } from "./types.d.ts" */

/**
 * An element with attributes (functions become listeners) and children.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | ((event: any) => void) | undefined>} [attributes]
 * @param {...(string | Element)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/** Text in which a letter with an underscore (x_t) becomes a variable with its index. */
export function mathText(/** @type {string} */ text) {
  const pieces = h("span");
  let end = 0;
  for (const match of text.matchAll(/(?<!\p{L})(\p{L}\p{M}*)_([\p{L}\d]+)/gu)) {
    pieces.append(text.slice(end, match.index), h("i", {}, match[1]), h("sub", {}, match[2]));
    end = match.index + match[0].length;
  }
  pieces.append(text.slice(end));
  return pieces;
}

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

/** What draws on a canvas. */
export function contextOf(/** @type {HTMLCanvasElement} */ canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/** A canvas that fills its host; `size()` makes it crisp and empty. */
export function makeCanvas(/** @type {HTMLElement} */ host) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  host.append(canvas);
  /** @returns {CanvasView} */
  function size() {
    const [width, height, ratio] = [host.clientWidth, host.clientHeight, window.devicePixelRatio || 1];
    const [w, t] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== t) Object.assign(canvas, { width: w, height: t });
    const context = contextOf(canvas);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return { context, width, height };
  }
  return { canvas, size };
}
