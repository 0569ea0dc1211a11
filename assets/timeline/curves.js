// Curves over x that change with t: stored ones, and bells. Handles hang from the axis.

/** @import { Handle } from "./handles.js" */
/**
 * @import { Axis, BellSpec, Box, ChartView, CurvesSpec, CurveSpec, HandleSpec, LookSpec, Panel, Scales, Stage, Values
 *   } from "./types.d.ts"
 */

import { bell, fit, largest, smallest } from "./arithmetic.js";
import { axes, makeChart, MARGIN, strokeCurve } from "./chart.js";
import { axis } from "./format.js";
import { drawGrip, takeHold } from "./handles.js";
import { entry } from "./legend.js";
import { withAlpha } from "./theme.js";

const BELL = 401; // points of a bell
const HANGING = 34; // CSS pixels below the axis, for handles

/** @typedef {LookSpec & { at(p: number): Values }} Series */

/**
 * Curves at p: stored ones on a common scale, bells with their peak at 1.
 * @param {CurvesSpec} spec
 * @param {Stage} stage
 * @param {HTMLElement} frame
 * @param {HTMLElement} legend
 * @returns {Panel}
 */
export function curvesPanel(spec, stage, frame, legend) {
  const bells = spec.series.every((one) => "mean" in one);
  const handles = spec.handles.map((one) => ({ ...one, node: stage.tracks.get(one.track) }));
  /** @type {{ scales: Scales, box: Box, x: Axis } | null} */
  let drawn = null; // the axis as drawn last
  const held = takeHold(frame, stage, handles, () => drawn);
  const domain = makeDomain(spec, stage, handles, held);
  const series = spec.series.map((one) => makeSeries(one, stage, domain));
  const chart = makeChart(frame, stage, spec.title, marginOf(bells, handles));
  for (const one of series) legend.append(entry(one, one.dash ? "dash" : ""));

  const tops = stage.together("top", () => series.map((one) => largest(one.at(stage.position))));

  function draw(/** @type {number} */ p) {
    const curves = series.map((one) => one.at(p));
    const view = chart.clear();
    if (!view) return;
    const { low, high } = domain();
    const top = bells ? 1.12 : 1.08 * Math.max(...tops(), 0) || 1;
    const x = axis(low, high, view.width < 320 ? 2 : 4);
    const scales = axes(view, x, bells ? { low: 0, high: top, ticks: [[0, ""]] } : axis(0, top, 3));
    drawn = { scales, box: view.box, x };
    curves.forEach((values, k) => drawSeries(view, { scales, x }, values, series[k]));
    for (const one of handles) drawGrip(view, one, scales.toX(one.node.value(p, 0)));
  }

  function numbers() {
    const p = stage.position;
    const curves = series.map((one) => [one.label, Float64Array.from(one.at(p))]);
    const { low, high } = domain();
    return { domain: Float64Array.of(low, high), ...Object.fromEntries(curves) };
  }
  return { draw, numbers };
}

/**
 * The ends of the axis now: stored ones, or such that all bells and handles lie between them; of two panels beside each
 * other the outer ones. They stand still while a hand holds a handle: it would run away from the hand.
 * @param {CurvesSpec} spec
 * @param {Stage} stage
 * @param {Handle[]} handles
 * @param {() => boolean} held
 * @returns {() => { low: number, high: number }}
 */
function makeDomain(spec, stage, handles, held) {
  const ends = stage.together("x", ownEnds(spec, stage, handles));
  /** @type {{ low: number, high: number } | null} */
  let last = null;
  return () => {
    if (!last || !held()) last = { low: smallest(ends()), high: largest(ends()) };
    return last;
  };
}

/**
 * Both ends, as this panel wants them now.
 * @param {CurvesSpec} spec
 * @param {Stage} stage
 * @param {Handle[]} handles
 * @returns {() => number[]}
 */
function ownEnds(spec, stage, handles) {
  if (typeof spec.domain === "string") {
    const { data } = stage.arrays[spec.domain];
    return () => Array.from(data.slice(2 * stage.position, 2 * stage.position + 2));
  }
  const { reach } = spec.domain;
  const { get } = stage.tracks;
  const bells = spec.series.flatMap((one) =>
    "mean" in one ? [{ mean: get(one.mean), variance: get(one.variance) }] : [],
  );
  return () => {
    const p = stage.position;
    const { low, high } = fit(
      bells.map(({ mean, variance }) => ({ mean: mean.value(p, 0), variance: variance.value(p, 0) })),
      handles.map(({ node }) => node.value(p, 0)),
      reach,
    );
    return [low, high];
  };
}

/** Bells need no numbers on the left; handles need room below. */
function marginOf(/** @type {boolean} */ bells, /** @type {HandleSpec[]} */ handles) {
  const left = bells ? MARGIN.right : MARGIN.left;
  return { ...MARGIN, left, bottom: MARGIN.bottom + (handles.length ? HANGING : 0) };
}

/**
 * @param {CurveSpec | BellSpec} one
 * @param {Stage} stage
 * @param {() => { low: number, high: number }} domain
 * @returns {Series}
 */
function makeSeries(one, stage, domain) {
  if ("values" in one) {
    const { data, shape } = stage.arrays[one.values];
    const M = shape[1];
    return { ...one, at: (p) => data.subarray(p * M, (p + 1) * M) };
  }
  const [mean, variance] = [stage.tracks.get(one.mean), stage.tracks.get(one.variance)];
  const out = new Float64Array(BELL);
  return { ...one, at: (p) => bell(out, domain(), mean.value(p, 0), variance.value(p, 0)) };
}

/**
 * A curve, and a breath of its colour below it.
 * @param {ChartView} view
 * @param {{ scales: Scales, x: Axis }} drawn
 * @param {Values} values
 * @param {Series} look
 */
function drawSeries(view, { scales: { toX, toY }, x: { low, high } }, values, { color, dash }) {
  const curve = new Path2D();
  values.forEach((value, i) => curve.lineTo(toX(low + ((high - low) * i) / (values.length - 1)), toY(value)));
  const area = new Path2D(curve);
  for (const end of [high, low]) area.lineTo(toX(end), toY(0));
  view.context.fillStyle = withAlpha(color, dash ? 0 : 0.12);
  view.context.fill(area);
  strokeCurve(view, curve, { color, dash });
}
