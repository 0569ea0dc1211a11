// One step of the way back, drawn for the picked point: where it stands, where it is thought to end, the mean of the
// step, how far the noise may carry it, and where it went.

/** @import { Layer, PlaneView, Stage, StepSpec, TrackNode } from "./types.d.ts" */

import { withAlpha } from "./theme.js";

const PARTS = /** @type {const} */ (["x_t", "x0_hat", "mean", "x_s"]);

/** @returns {Layer} */
export function stepLayer(/** @type {StepSpec} */ spec, /** @type {Stage} */ stage) {
  const tracks = PARTS.map((part) => stage.tracks.get(spec[part]));
  const sigma = stage.tracks.get(spec.sigma);
  const last = stage.positions.length - 1;
  const pointOf = (/** @type {TrackNode} */ track, /** @type {number} */ p) =>
    Float64Array.of(track.value(p, 2 * stage.pick), track.value(p, 2 * stage.pick + 1));

  function draw(/** @type {number} */ p, /** @type {PlaneView} */ view) {
    if (p === last) return; // no step begins at the end
    const [from, guess, mean, to] = tracks.map((track) => onScreen(pointOf(track, p), view));
    const { context } = view;
    context.lineWidth = 2;
    context.strokeStyle = spec.colors[1];
    line(context, from, guess, [5, 5]);
    context.strokeStyle = context.fillStyle = spec.colors[2];
    line(context, from, mean, []);
    dot(context, mean, 3.5);
    context.strokeStyle = spec.colors[0];
    dot(context, from, 4.5, false);
    context.strokeStyle = spec.colors[2];
    const radius = sigma.value(p, sigma.size > 1 ? 2 * stage.pick : 0) * (view.width / (view.high - view.low));
    context.fillStyle = withAlpha(spec.colors[2], 0.16);
    dot(context, mean, radius);
    context.stroke();
    context.fillStyle = spec.colors[0];
    dot(context, to, 4.5);
  }
  const numbers = () => {
    const p = stage.position;
    const at = PARTS.map((part, k) => [`step.${part}`, pointOf(tracks[k], p)]);
    return p === last ? {} : Object.fromEntries(at);
  };
  return { draw, numbers };
}

/** @returns {[number, number]} in CSS pixels */
function onScreen(/** @type {Float64Array} */ [x, y], /** @type {PlaneView} */ view) {
  return [view.x(x), view.y(y)];
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {[number, number]} from
 * @param {[number, number]} to
 * @param {number[]} dashes
 */
function line(context, from, to, dashes) {
  context.setLineDash(dashes);
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
  context.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {[number, number]} center
 * @param {number} radius
 * @param {boolean} filled
 */
function dot(context, [x, y], radius, filled = true) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  if (filled) context.fill();
  else context.stroke();
}
