// A point is dragged to its place, or moved there by keys.

/** @import { Asking, Labels, Place, PointForm } from "./types.d.ts" */

import { format } from "../timeline/format.js";
import { board, clamp, placeOf, scalesOf, svg, whenArrows, whilePressed } from "./board.js";

/** @returns {Asking} */
export function askPoint(
  /** @type {PointForm} */ { shown },
  /** @type {Labels} */ labels,
  /** @type {() => void} */ changed,
) {
  const root = board(shown, labels.drag);
  const { toX, toY } = scalesOf(shown);
  const middle = (/** @type {[number, number]} */ [low, high]) => (low + high) / 2;
  const dot = svg("circle", { class: "mark yours", r: 9 });
  root.append(dot);
  /** @type {Place} */
  let place = [middle(shown.x), middle(shown.y)];
  let moved = false;

  function move(/** @type {Place} */ to) {
    place = to;
    dot.setAttribute("cx", String(toX(to[0])));
    dot.setAttribute("cy", String(toY(to[1])));
    root.setAttribute("aria-valuenow", String(to[0]));
    root.setAttribute("aria-valuetext", `${format(to[0], 3)}, ${format(to[1], 3)}`);
    changed();
  }

  whilePressed(root, (event) => {
    moved = true;
    move(placeOf(event, root, shown));
  });
  whenArrows(root, (dx, dy) => {
    const step = (shown.x[1] - shown.x[0]) / 60;
    moved = true;
    move([clamp(place[0] + dx * step, shown.x), clamp(place[1] + dy * step, shown.y)]);
  });
  move(place);
  return { element: root, answer: () => (moved ? place : null) };
}
