// Pieces of a sum, one after the other: each begins where the one before it ends, and the last is their sum.

/** @import { ChartView, LineSpec, Panel, PieceSpec, Scales, Stage, Values, WaterfallSpec } from "./types.d.ts" */

import { largest, oneAfterAnother, smallest, valueAxis } from "./arithmetic.js";
import { axes, makeChart, MARGIN, strokeCurve } from "./chart.js";
import { h } from "./dom.js";
import { format } from "./format.js";
import { entry } from "./legend.js";

const SUM = "Σ";
const WIDE = 0.82; // of a piece's share of the width

/** @typedef {LineSpec & { data: Values, output: HTMLOutputElement }} Mark */

/** The axis of all positions: it holds the sums on the way, and the marks. */
function axisOf(/** @type {PieceSpec[][]} */ pieces, /** @type {Mark[]} */ marks) {
  const sums = pieces.flatMap((here) => oneAfterAnother(here).map(({ to }) => to));
  const all = [0, ...sums, ...marks.flatMap(({ data }) => [...data])];
  return { ...valueAxis(all, false), low: smallest(all), high: largest(all) };
}

/**
 * Rows of the legend, of which a position shows those that it has, with what they have in sum.
 * @param {WaterfallSpec["kinds"]} kinds
 * @param {HTMLElement} legend
 */
function makeRows(kinds, legend) {
  const outputs = kinds.map(() => h("output", { class: "value" }));
  const rows = kinds.map((kind, i) => entry(kind, "dot", outputs[i]));
  legend.append(...rows);
  return (/** @type {PieceSpec[]} */ pieces) =>
    rows.forEach((row, kind) => {
      const own = pieces.filter((piece) => piece.kind === kind);
      row.classList.toggle("off", own.length === 0);
      outputs[kind].textContent = format(oneAfterAnother(own).at(-1)?.to ?? 0);
    });
}

/**
 * @param {WaterfallSpec} spec
 * @param {Stage} stage
 * @param {HTMLElement} frame
 * @param {HTMLElement} legend
 * @returns {Panel}
 */
export function waterfallPanel(spec, stage, frame, legend) {
  const { pieces, kinds } = spec;
  const chart = makeChart(frame, stage, spec.title, { ...MARGIN, left: MARGIN.left + 8 });
  const showRows = makeRows(kinds, legend);
  const marks = spec.marks.map((look) => {
    return { ...look, data: stage.arrays[look.values].data, output: h("output", { class: "value" }) };
  });
  legend.append(...marks.map((mark) => entry(mark, "dash", mark.output)));
  const y = axisOf(pieces, marks);
  showRows(pieces[stage.position]);

  function draw(/** @type {number} */ p) {
    showRows(pieces[p]);
    for (const { data, output } of marks) output.textContent = format(data[p]);
    const view = chart.clear();
    if (!view) return;
    const scales = axes(view, { low: 0, high: pieces[p].length + 1, ticks: [] }, y);
    drawPieces(view, scales, pieces[p], kinds);
    for (const { data, color } of marks) {
      const line = new Path2D();
      line.moveTo(view.box.left, scales.toY(data[p]));
      line.lineTo(view.box.right, scales.toY(data[p]));
      strokeCurve(view, line, { color, dash: true, width: 2 });
    }
  }

  const numbers = () => ({
    values: Float64Array.from(pieces[stage.position], ({ value }) => value),
    [SUM]: Float64Array.of(oneAfterAnother(pieces[stage.position]).at(-1)?.to ?? 0),
  });
  return { draw, numbers };
}

/**
 * The pieces, a quiet line from each to the next, and the sum.
 * @param {ChartView} view
 * @param {Scales} scales
 * @param {PieceSpec[]} pieces
 * @param {{ color: string }[]} kinds
 */
function drawPieces(view, { toX, toY }, pieces, kinds) {
  const { context, theme } = view;
  const steps = oneAfterAnother(pieces);
  const bars = [
    ...steps.map((step, i) => ({ ...step, color: kinds[pieces[i].kind].color, label: pieces[i].label })),
    { from: 0, to: steps.at(-1)?.to ?? 0, color: theme.muted, label: SUM },
  ];
  const width = WIDE * (toX(1) - toX(0));
  bars.forEach(({ from, to, color }, i) => {
    const left = toX(i) + (toX(1) - toX(0) - width) / 2;
    const [top, bottom] = [toY(Math.max(from, to)), toY(Math.min(from, to))];
    context.fillStyle = color;
    context.fillRect(left, top - 0.75, width, bottom - top + 1.5);
    context.fillStyle = theme.muted;
    if (i < bars.length - 1) context.fillRect(left + width, toY(to) - 0.5, toX(1) - toX(0) - width, 1);
  });
  context.fillRect(view.box.left, toY(0) - 0.75, view.box.right - view.box.left, 1.5);
  nameBars(
    view,
    { toX, toY },
    bars.map(({ label }) => label),
  );
}

/**
 * Below the axis the labels, if all have room; else the last alone.
 * @param {ChartView} view
 * @param {Scales} scales
 * @param {string[]} labels
 */
function nameBars({ context, theme, box }, { toX }, labels) {
  context.font = `${theme.fontSize}px ${theme.font}`;
  context.textAlign = "center";
  context.textBaseline = "top";
  context.fillStyle = theme.muted;
  const room = toX(1) - toX(0);
  const fits = labels.every((label) => context.measureText(label).width < room);
  labels.forEach((label, i) => {
    if (fits || i === labels.length - 1) context.fillText(label, toX(i + 0.5), box.bottom + 8 * theme.scale);
  });
}
