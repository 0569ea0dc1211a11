// A histogram under its exact curve.

/** @import { ChartView, HistogramSpec, Panel, Scales, Stage, TrackNode, Values } from "./types.d.ts" */

import { Bins, largest } from "./arithmetic.js";
import { axes, makeChart, MARGIN, strokeCurve, upright } from "./chart.js";
import { axis } from "./format.js";
import { Mixture } from "./mixture.js";
import { pickable } from "./pick.js";
import { withAlpha } from "./theme.js";
import { placeOf } from "./tracks.js";

/**
 * The histogram of a track at p, normalised as a density; the curve is the exact expected height of a bin.
 * @param {HistogramSpec} spec
 * @param {Stage} stage
 * @param {HTMLElement} frame
 * @returns {Panel}
 */
export function histogramPanel(spec, stage, frame) {
  const chart = makeChart(frame, stage, spec.title);
  const node = stage.tracks.get(spec.track);
  const mixture = spec.mixture && new Mixture(spec.mixture, stage.arrays);
  const mark = spec.mark && stage.tracks.get(spec.mark);
  const given = spec.top === null ? null : stage.arrays[spec.top].data;
  const bins = new Bins(spec, node.width);
  /** @type {Values} */
  let curve = new Float64Array(0);

  const tops = stage.together("top", () => {
    const p = stage.position;
    bins.count(node.at(p));
    if (mixture) curve = bins.expected(mixture, p);
    return [given ? given[p] : 1.08 * Math.max(largest(bins.heights), largest(curve))];
  });

  function draw(/** @type {number} */ p) {
    const top = Math.max(...tops()) || 1;
    const view = chart.clear();
    if (!view) return;
    const scales = axes(view, axis(bins.low, bins.high, 4), axis(0, top, 3));
    drawBars(view, scales, bins, spec.color);
    drawCurve(view, scales, bins, curve);
    if (mark) upright(view, scales.toX(mark.value(p, 0)));
    if (stage.kind) flag(view, scales.toX(node.value(p, placeOf(node, stage.pick, stage.kind, bins.first))));
  }

  if (stage.picks("point")) pickableBars(frame, stage, node, bins);
  const top = () => given && { top: given.slice(stage.position, stage.position + 1) };
  return { draw, numbers: () => ({ heights: bins.heights, ...(mixture && { curve }), ...top() }) };
}

/**
 * A click picks the point whose value is nearest.
 * @param {HTMLElement} frame
 * @param {Stage} stage
 * @param {TrackNode} node
 * @param {Bins} bins
 */
function pickableBars(frame, stage, node, bins) {
  const { low, high } = bins;
  const count = node.shape[0] ?? 1;
  const at = (/** @type {number} */ x) => {
    const [left, right] = [MARGIN.left, MARGIN.right].map((side) => side * stage.theme.scale);
    const share = (x * frame.clientWidth - left) / (frame.clientWidth - left - right);
    return Math.floor(bins.nearest(node.at(stage.position), low + share * (high - low)) / node.width);
  };
  pickable(frame, stage, { at, step: (dx, dy) => (stage.pick + dx + dy + count) % count });
}

/**
 * @param {ChartView} view
 * @param {Scales} scales
 * @param {Bins} bins
 * @param {string} color
 */
function drawBars({ context, theme, box }, { toX, toY }, { low, width, heights }, color) {
  context.beginPath();
  context.moveTo(box.left, box.bottom);
  for (let k = 0; k < heights.length; k++) {
    context.lineTo(toX(low + k * width), toY(heights[k]));
    context.lineTo(toX(low + (k + 1) * width), toY(heights[k]));
  }
  context.lineTo(box.right, box.bottom);
  context.fillStyle = withAlpha(color, theme.dark ? 0.75 : 0.55);
  context.fill();
}

/**
 * @param {ChartView} view
 * @param {Scales} scales
 * @param {Bins} bins
 * @param {Values} curve
 */
function drawCurve(view, { toX, toY }, bins, curve) {
  const path = new Path2D();
  for (let i = 0; i < curve.length; i++) path.lineTo(toX(bins.placeOnCurve(i)), toY(curve[i]));
  strokeCurve(view, path, { color: view.theme.text, width: 2 });
}

/** Where the picked value lies. */
function flag(/** @type {ChartView} */ { context, theme, box }, /** @type {number} */ x) {
  if (x < box.left || x > box.right) return;
  context.beginPath();
  context.moveTo(x, box.bottom + 1);
  context.lineTo(x - 6 * theme.scale, box.bottom + 10 * theme.scale);
  context.lineTo(x + 6 * theme.scale, box.bottom + 10 * theme.scale);
  context.closePath();
  context.fillStyle = theme.text;
  context.fill();
}
