// A plane: layers over a square of equal axes; a click picks the nearest point.

/** @import { Dots, Panel, PlaneSpec, PlaneView, Stage, Theme } from "./types.d.ts" */

import { makeCanvas } from "./dom.js";
import { formatTick, ticks } from "./format.js";
import { makeLayer } from "./layers.js";
import { pickable } from "./pick.js";

/**
 * @param {PlaneSpec} spec
 * @param {Stage} stage
 * @param {HTMLElement} frame
 * @returns {Panel}
 */
export function planePanel(spec, stage, frame) {
  const { canvas, size } = makeCanvas(frame);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", spec.title);
  canvas.removeAttribute("aria-hidden");
  const layers = spec.layers.map((layer) => makeLayer(layer, stage, spec.domain));
  const dots = layers.flatMap((layer) => layer.dots ?? []);
  const [low, high] = spec.domain;

  function draw(/** @type {number} */ p) {
    const { context, width } = size();
    if (width === 0) return;
    const x = (/** @type {number} */ v) => ((v - low) / (high - low)) * width;
    const y = (/** @type {number} */ v) => ((high - v) / (high - low)) * width;
    const view = { context, width, low, high, x, y };
    for (const layer of layers) if (layer.below) layer.draw(p, view);
    cross(view, stage.theme);
    for (const layer of layers) if (!layer.below) layer.draw(p, view);
    rim(view, stage.theme);
    if (stage.picks("point")) for (const one of dots) ring(view, stage, one, p);
  }

  if (dots.length && stage.picks("point")) {
    const { points } = dots[0];
    pickable(frame, stage, {
      at: (x, y) => nearestPoint(points.at(stage.position), low + x * (high - low), high - y * (high - low)),
      step: (dx, dy) => (stage.pick + dx + dy + points.shape[0]) % points.shape[0],
    });
  }
  return { draw, numbers: () => Object.assign({}, ...layers.map((layer) => layer.numbers())) };
}

/**
 * The picked point, in every plane.
 * @param {PlaneView} view
 * @param {Stage} stage
 * @param {Dots} dots
 * @param {number} p
 */
function ring(view, stage, { points, color }, p) {
  const { context } = view;
  const xy = points.at(p);
  if (2 * stage.pick + 1 >= xy.length) return;
  const [x, y] = [view.x(xy[2 * stage.pick]), view.y(xy[2 * stage.pick + 1])];
  const circle = (/** @type {number} */ radius) => {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
  };
  const { scale } = stage.theme;
  circle(9 * scale);
  context.lineWidth = 6 * scale;
  context.strokeStyle = stage.theme.background;
  context.stroke();
  context.lineWidth = 2.5 * scale;
  context.strokeStyle = stage.theme.text;
  context.stroke();
  circle(4 * scale);
  context.fillStyle = color;
  context.fill();
}

/**
 * The number of the point that is nearest to (x, y).
 * @param {ArrayLike<number>} xy
 * @param {number} x
 * @param {number} y
 */
export function nearestPoint(xy, x, y) {
  let [best, found] = [Infinity, 0];
  for (let i = 0; 2 * i < xy.length; i++) {
    const distance = (xy[2 * i] - x) ** 2 + (xy[2 * i + 1] - y) ** 2;
    if (distance < best) [best, found] = [distance, i];
  }
  return found;
}

/** Thin lines through zero. */
function cross(/** @type {PlaneView} */ { context, width, low, high, x }, /** @type {Theme} */ theme) {
  context.lineWidth = 1;
  context.strokeStyle = theme.faint;
  context.beginPath();
  if (low < 0 && high > 0) {
    const at = Math.round(x(0)) + 0.5;
    context.moveTo(at, 0);
    context.lineTo(at, width);
    context.moveTo(0, at);
    context.lineTo(width, at);
  }
  context.stroke();
}

/** The numbers of the axes, at the rim, legible on anything. */
function rim(/** @type {PlaneView} */ { context, width, low, high, x, y }, /** @type {Theme} */ theme) {
  const write = (/** @type {number} */ value, /** @type {number} */ left, /** @type {number} */ top) => {
    context.strokeText(formatTick(value), left, top);
    context.fillText(formatTick(value), left, top);
  };
  context.font = `${theme.fontSize}px ${theme.font}`;
  context.fillStyle = theme.muted;
  context.strokeStyle = theme.floor;
  context.lineWidth = 4;
  context.lineJoin = "round";
  const values = ticks(low, high, width < 260 * theme.scale ? 2 : 4).filter((v) => v !== 0 && v > low && v < high);
  for (const value of values) {
    context.textAlign = "center";
    context.textBaseline = "bottom";
    write(value, x(value), width - 5);
    context.textAlign = "left";
    context.textBaseline = "middle";
    write(value, 6, y(value));
  }
}
