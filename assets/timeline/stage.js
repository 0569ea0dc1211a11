// The stage: what all panels share. A panel changes what is picked or where a handle lies, and all draw again.

/** @import { Contents, Stage, Theme } from "./types.d.ts" */

import { makeTracks } from "./tracks.js";

/**
 * @param {Contents} contents
 * @param {{ position: number, pick: number, theme: Theme }} start
 * @param {object} after what follows a touch
 * @param {() => void} after.redraw
 * @param {() => void} after.picked
 * @param {(values: Record<string, number>) => void} after.dropped
 */
export function makeStage({ spec, arrays }, start, { redraw, picked, dropped }) {
  /** @type {Stage} */
  const stage = {
    ...start,
    arrays,
    positions: spec.positions,
    labels: spec.labels,
    tracks: makeTracks(spec.tracks, arrays, spec.positions.length),
    kind: spec.pick_kind,
    picks: (kind) => spec.pick_kind === kind,
    setPick(pick) {
      stage.pick = pick;
      redraw();
      picked();
    },
    drag(track, value) {
      stage.tracks.get(track).set?.(value);
      redraw();
    },
    drop() {
      redraw(); // what was held still while a hand was at work
      dropped({ ...stage.tracks.dragged(), at: Date.now() }); // the same values are news again
    },
  };
  return stage;
}
