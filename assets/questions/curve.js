// A curve is drawn: freely with a hand; with keys one place after the other.

/** @import { Asking, CurveForm, Labels, Place, Sketch } from "./types.d.ts" */

import { format } from "../timeline/format.js";
import { board, clamp, pathOf, placeOf, places, scalesOf, svg, whenArrows, whilePressed } from "./board.js";

/**
 * The heights after a stroke from one place to another: all between them lie on the line.
 * @param {(number | null)[]} heights
 * @param {Sketch} sketch
 * @param {Place} from
 * @param {Place} to
 */
export function stroked(heights, sketch, from, to) {
  const xs = places(sketch.x, heights.length);
  const step = (sketch.x[1] - sketch.x[0]) / (heights.length - 1);
  const [low, high] = [Math.min(from[0], to[0]) - step / 2, Math.max(from[0], to[0]) + step / 2];
  return heights.map((old, k) => {
    if (xs[k] < low || xs[k] > high) return old;
    const share = to[0] === from[0] ? 1 : (xs[k] - from[0]) / (to[0] - from[0]);
    return from[1] + (to[1] - from[1]) * Math.min(1, Math.max(0, share));
  });
}

/** With gaps between drawn places filled by lines, and the ends held: what is answered. */
export function whole(/** @type {(number | null)[]} */ heights) {
  const known = heights.flatMap((y, k) => (y === null ? [] : [{ y, k }]));
  if (!known.length) return null;
  return heights.map((_, k) => {
    const left = known.findLast((one) => one.k <= k) ?? known[0];
    const right = known.find((one) => one.k >= k) ?? known[known.length - 1];
    return left.k === right.k ? left.y : left.y + ((right.y - left.y) * (k - left.k)) / (right.k - left.k);
  });
}

/** To who hears and does not see: where the keys are, and what is drawn there. */
function tell(/** @type {Element} */ root, /** @type {number} */ x, /** @type {number | null} */ y) {
  root.setAttribute("aria-valuenow", String(y ?? 0));
  root.setAttribute("aria-valuetext", `x = ${format(x, 3)}, y = ${y === null ? "–" : format(y, 3)}`);
}

/** @returns {Asking} */
export function askCurve(
  /** @type {CurveForm} */ { shown, places: n },
  /** @type {Labels} */ labels,
  /** @type {() => void} */ changed,
) {
  const root = board(shown, labels.draw);
  const [line, mark] = [svg("path", { class: "curve yours" }), svg("circle", { class: "mark", r: 6, cx: -9 })];
  root.append(line, mark);
  const xs = places(shown.x, n);
  const { toX, toY } = scalesOf(shown);
  /** @type {(number | null)[]} */
  let heights = Array(n).fill(null);
  /** @type {Place | null} */
  let pen = null;
  let at = n >> 1;

  function draw() {
    line.setAttribute("d", pathOf(whole(heights) ?? heights, shown));
    tell(root, xs[at], heights[at]);
    changed();
  }

  whilePressed(root, (event) => {
    const place = placeOf(event, root, shown);
    heights = stroked(heights, shown, event.type === "pointerdown" || !pen ? place : pen, place);
    pen = place;
    draw();
  });
  whenArrows(root, (dx, dy) => {
    at = clamp(at + dx, [0, n - 1]);
    const here = whole(heights)?.[at] ?? (shown.y[0] + shown.y[1]) / 2;
    const y = clamp(here + (dy * (shown.y[1] - shown.y[0])) / 40, shown.y);
    if (dy) heights[at] = y;
    mark.setAttribute("transform", `translate(${toX(xs[at]) + 9} ${toY(y)})`);
    draw();
  });
  tell(root, xs[at], null);
  return { element: root, answer: () => whole(heights) };
}
