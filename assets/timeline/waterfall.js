// Pieces of a sum, one after the other: each begins where the one before it ends, and the last is their sum.

/** @import { ChartView, Panel, PieceSpec, Scales, Stage, WaterfallSpec } from "./types.d.ts" */

import { largest, oneAfterAnother, smallest, valueAxis } from "./arithmetic.js";
import { axes, makeChart, MARGIN, strokeCurve } from "./chart.js";
import { h } from "./dom.js";
import { format } from "./format.js";
import { entry } from "./legend.js";

const SUM = "Σ";
const WIDE = 0.82; // of a piece's share of the width

/** The sums on the way, at all positions: all of them have one axis. */
function levels(/** @type {WaterfallSpec} */ { pieces }) {
  return [0, ...pieces.flatMap((here) => oneAfterAnother(here).map(({ to }) => to))];
}

/** What each kind has in sum; a kind that has no piece is left out. */
function byKind(/** @type {PieceSpec[]} */ pieces, /** @type {number} */ kinds) {
  return Array.from({ length: kinds }, (_, kind) => {
    const own = pieces.filter((piece) => piece.kind === kind);
    return own.length ? own.reduce((sum, { value }) => sum + value, 0) : null;
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
  const { pieces, kinds, mark } = spec;
  const chart = makeChart(frame, stage, spec.title, { ...MARGIN, left: MARGIN.left + 8 });
  const outputs = kinds.map(() => h("output", { class: "value" }));
  const entries = kinds.map((kind, i) => entry(kind, "dot", outputs[i]));
  legend.append(...entries);
  const marked = mark && { look: mark, data: stage.arrays[mark.values].data, output: h("output", { class: "value" }) };
  if (marked) legend.append(entry(marked.look, "dash", marked.output));
  const all = [...levels(spec), ...(marked ? marked.data : [])];
  const y = { ...valueAxis(all, false), low: smallest(all), high: largest(all) };

  function draw(/** @type {number} */ p) {
    byKind(pieces[p], kinds.length).forEach((sum, i) => {
      entries[i].classList.toggle("off", sum === null);
      outputs[i].textContent = sum === null ? "" : format(sum);
    });
    if (marked) marked.output.textContent = format(marked.data[p]);
    const view = chart.clear();
    if (!view) return;
    const scales = axes(view, { low: 0, high: pieces[p].length + 1, ticks: [] }, y);
    drawPieces(view, scales, pieces[p], kinds);
    if (marked) {
      const line = new Path2D();
      line.moveTo(view.box.left, scales.toY(marked.data[p]));
      line.lineTo(view.box.right, scales.toY(marked.data[p]));
      strokeCurve(view, line, { color: marked.look.color, dash: true, width: 2 });
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
  const total = { from: 0, to: steps.at(-1)?.to ?? 0, color: theme.muted, label: SUM };
  const bars = [
    ...steps.map((step, i) => ({ ...step, color: kinds[pieces[i].kind].color, label: pieces[i].label })),
    total,
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

/** Below the axis, as many of the labels as have room: all, or the last alone. */
function nameBars(
  /** @type {ChartView} */ { context, theme, box },
  /** @type {Scales} */ { toX },
  /** @type {string[]} */ labels,
) {
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
