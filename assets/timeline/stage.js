// The stage: what all panels share. A panel changes what is picked or where a handle lies, and all draw again.

/** @import { Common, Contents, Theme } from "./types.d.ts" */

import { stageOf } from "./sides.js";

/**
 * The stage of each side of what is shown.
 * @param {Contents} contents
 * @param {{ position: number, pick: number, theme: Theme }} start
 * @param {object} after what follows a touch
 * @param {() => void} after.redraw
 * @param {() => void} after.picked
 * @param {(values: Record<string, number>) => void} after.dropped
 */
export function makeStages({ spec, sides }, start, { redraw, picked, dropped }) {
  /** @type {Common} */
  const stage = {
    ...start,
    labels: spec.labels,
    kind: spec.pick_kind,
    picks: (kind) => spec.pick_kind === kind,
    setPick(pick) {
      stage.pick = pick;
      redraw();
      picked();
    },
    drag(track, value) {
      for (const { tracks } of stages) tracks.move({ [track]: value });
      redraw();
    },
    drop() {
      redraw(); // what was held still while a hand was at work
      dropped({ ...stages[0].tracks.dragged(), at: Date.now() }); // the same values are news again
    },
  };
  const stages = sides.map((side) => stageOf(stage, side));
  return { stage, stages };
}
