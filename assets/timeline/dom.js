// Small tools for the document: elements, crisp canvases.

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
