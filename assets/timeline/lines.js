// Curves over t with a moving cursor.

/** @import { ChartView, LinesSpec, LineSpec, Panel, Scales, Stage, Values } from "./types.d.ts" */

import { largest, smallest, timesOf, valueAxis } from "./arithmetic.js";
import { axes, makeChart, MARGIN, strokeCurve } from "./chart.js";
import { contextOf, h } from "./dom.js";
import { axis, format } from "./format.js";
import { entry } from "./legend.js";

/** @typedef {LineSpec & { data: Values }} Series */

/**
 * Curves over t. They are drawn once; the cursor and the values at t are drawn each time.
 * @param {LinesSpec} spec
 * @param {Stage} stage
 * @param {HTMLElement} frame
 * @param {HTMLElement} legend
 * @returns {Panel}
 */
export function linesPanel(spec, stage, frame, legend) {
  const chart = makeChart(frame, stage, spec.title, { ...MARGIN, left: MARGIN.left + 8 });
  const lines = spec.series.map((line) => ({ ...line, data: stage.arrays[line.values].data }));
  const times = timesOf(stage.positions);
  const scale = spec.log_y ? Math.log10 : (/** @type {number} */ v) => v;
  const readouts = lines.map(() => h("output", { class: "value" }));
  lines.forEach((line, i) => legend.append(entry(line, line.dash ? "dash" : "", readouts[i])));
  const back = document.createElement("canvas");
  /** @type {Scales | null} */
  let scales = null;

  const ends = stage.together("t", () => [smallest(times), largest(times)]);
  const values = stage.together("value", () =>
    lines.flatMap((line) => Array.from(line.data, scale).filter(Number.isFinite)),
  );

  function drawBack(/** @type {ChartView} */ view) {
    const x = axis(smallest(ends()), largest(ends()), view.width < 320 ? 2 : 4);
    const drawn = axes(view, x, valueAxis(values(), spec.log_y));
    for (const line of lines) strokeCurve(view, curveOf(line.data, times, scale, drawn), line);
    Object.assign(back, { width: chart.canvas.width, height: chart.canvas.height });
    contextOf(back).drawImage(chart.canvas, 0, 0);
    return drawn;
  }

  function draw(/** @type {number} */ p, /** @type {boolean} */ fresh) {
    lines.forEach(({ data }, i) => (readouts[i].textContent = Number.isFinite(data[p]) ? format(data[p]) : "–"));
    const view = chart.clear();
    if (!view) return;
    const same = back.width === chart.canvas.width && back.height === chart.canvas.height;
    if (scales && same && !fresh) view.context.drawImage(back, 0, 0, view.width, view.height);
    else scales = drawBack(view);
    const dots = lines.map(({ data, color }) => ({ value: scale(data[p]), color }));
    drawCursor(view, scales, times[p], dots);
  }

  const now = (/** @type {Series} */ line) => [line.label, Float64Array.of(line.data[stage.position])];
  return { draw, numbers: () => Object.fromEntries(lines.map(now)) };
}

/**
 * A curve over t, with gaps where it has no value.
 * @param {Values} data
 * @param {number[]} times
 * @param {(value: number) => number} scale
 * @param {Scales} scales
 */
function curveOf(data, times, scale, { toX, toY }) {
  const curve = new Path2D();
  let pen = false;
  for (let k = 0; k < data.length; k++) {
    const y = scale(data[k]);
    if (Number.isFinite(y)) curve[pen ? "lineTo" : "moveTo"](toX(times[k]), toY(y));
    pen = Number.isFinite(y);
  }
  return curve;
}

/**
 * An upright line at t, and a dot on each curve.
 * @param {ChartView} view
 * @param {Scales} scales
 * @param {number} t
 * @param {{ value: number, color: string }[]} dots
 */
function drawCursor({ context, theme, box }, { toX, toY }, t, dots) {
  const x = toX(t);
  context.fillStyle = theme.muted;
  context.fillRect(Math.round(x) - 0.75 * theme.scale, box.top, 1.5 * theme.scale, box.bottom - box.top);
  for (const { value, color } of dots) {
    if (!Number.isFinite(value)) continue;
    context.beginPath();
    context.arc(x, toY(value), 6 * theme.scale, 0, 2 * Math.PI);
    context.fillStyle = color;
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = theme.background;
    context.stroke();
  }
}
