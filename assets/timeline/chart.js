// The frame that all charts share: a named canvas, a box with axes, strokes of curves, upright lines.

/** @import { Axis, Box, ChartView, Scales, Stage } from "./types.d.ts" */

import { makeCanvas } from "./dom.js";

export const MARGIN = { left: 46, top: 10, right: 14, bottom: 30 };

/**
 * A chart that fills a frame; `clear` makes it empty and says where its box lies, unless there is no room.
 * @param {HTMLElement} frame
 * @param {Stage} stage
 * @param {string} title
 * @param {Box} margin
 */
export function makeChart(frame, stage, title, margin = MARGIN) {
  const { canvas, size } = makeCanvas(frame);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", title);
  /** @returns {ChartView | null} */
  function clear() {
    const view = size();
    if (view.width === 0) return null;
    const { scale } = stage.theme;
    const [right, bottom] = [view.width - scale * margin.right, view.height - scale * margin.bottom];
    return { ...view, theme: stage.theme, box: { left: scale * margin.left, top: scale * margin.top, right, bottom } };
  }
  return { canvas, clear };
}

/**
 * Axes: quiet lines at the ticks of y, labels below and to the left.
 * @param {ChartView} view
 * @param {Axis} x
 * @param {Axis} y
 * @returns {Scales}
 */
export function axes({ context, theme, box }, x, y) {
  const toX = (/** @type {number} */ value) =>
    box.left + ((value - x.low) / (x.high - x.low || 1)) * (box.right - box.left);
  const toY = (/** @type {number} */ value) =>
    box.bottom - ((value - y.low) / (y.high - y.low || 1)) * (box.bottom - box.top);
  context.font = `${theme.fontSize}px ${theme.font}`;
  context.lineWidth = 1;
  context.strokeStyle = theme.faint;
  context.fillStyle = theme.muted;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const [value, label] of y.ticks) {
    const at = Math.round(toY(value)) + 0.5;
    context.beginPath();
    context.moveTo(box.left, at);
    context.lineTo(box.right, at);
    context.stroke();
    context.fillText(label, box.left - 8 * theme.scale, at);
  }
  context.textBaseline = "top";
  for (const [value, label] of x.ticks) {
    const at = toX(value);
    const half = context.measureText(label).width / 2;
    context.textAlign = "center";
    context.fillText(
      label,
      Math.min(box.right + 12 * theme.scale - half, Math.max(half, at)),
      box.bottom + 8 * theme.scale,
    );
  }
  return { toX, toY };
}

/**
 * Stroke a curve in its own colour.
 * @param {ChartView} view
 * @param {Path2D} curve
 * @param {{ color: string, dash?: boolean, width?: number }} look
 */
export function strokeCurve({ context, theme }, curve, { color, dash = false, width = 2.5 }) {
  context.setLineDash(dash ? [7 * theme.scale, 5 * theme.scale] : []);
  context.strokeStyle = color;
  context.lineWidth = width * theme.scale;
  context.lineJoin = "round";
  context.stroke(curve);
  context.setLineDash([]);
}

/** An upright line at x. */
export function upright(/** @type {ChartView} */ { context, theme, box }, /** @type {number} */ x) {
  if (x < box.left || x > box.right) return;
  for (const [half, color] of /** @type {[number, string][]} */ ([
    [2.5, theme.background],
    [1.25, theme.text],
  ])) {
    context.fillStyle = color;
    context.fillRect(x - half * theme.scale, box.top, 2 * half * theme.scale, box.bottom - box.top);
  }
}
