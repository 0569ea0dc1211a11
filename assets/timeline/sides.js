// Two pictures beside each other under one slider: which panels are mates, and what they have in common.

/** @import { Common, PanelSpec, Side, Stage } from "./types.d.ts" */

import { makeTracks } from "./tracks.js";

/**
 * A panel of a picture, and where its mate stands in the order of all.
 * @typedef {{ side: number, spec: PanelSpec, mate: number | null }} Cell
 */

/**
 * All panels in their order. What shows the same in both pictures stands side by side: the one with the same title;
 * or the first of the same kind, where the title says what differs.
 * @param {Pick<Side, "spec">[]} sides
 * @returns {Cell[]}
 */
export function cellsOf([first, second]) {
  const left = second ? [...second.spec.panels] : [];
  const titles = first.spec.panels.map(({ title }) => title);
  /** @type {Cell[]} */
  const cells = [];
  for (const spec of first.spec.panels) {
    const alike = left.filter(({ kind }) => kind === spec.kind);
    const mate =
      alike.find(({ title }) => title === spec.title) ?? alike.find(({ title }) => title && !titles.includes(title));
    cells.push({ side: 0, spec, mate: mate ? cells.length + 1 : null });
    if (mate) cells.push({ side: 1, spec: mate, mate: cells.length - 1 });
    if (mate) left.splice(left.indexOf(mate), 1);
  }
  return [...cells, ...left.map((spec) => ({ side: 1, spec, mate: null }))];
}

/** The stage as a side sees it: its own numbers, at its own place. */
export function stageOf(/** @type {Common} */ stage, /** @type {Side} */ { spec, arrays, places }) {
  /** @type {Stage} */
  const own = Object.create(stage, {
    position: { get: () => places?.[stage.position] ?? stage.position },
  });
  return Object.assign(own, {
    arrays,
    positions: spec.positions,
    tracks: makeTracks(spec.tracks, arrays, spec.positions.length),
  });
}

/**
 * The stage of each panel: mates have their scales together.
 * @param {Cell[]} cells
 * @param {Stage[]} stages of the sides
 * @returns {Stage[]}
 */
export function stagesOf(cells, stages) {
  /** @type {Map<string, (() => number[])[]>} */
  const scales = new Map();
  return cells.map(({ side, mate }, i) => {
    const pair = mate === null ? i : Math.min(i, mate);
    const together = (/** @type {string} */ axis, /** @type {() => number[]} */ own) => {
      const all = scales.get(`${pair} ${axis}`) ?? [];
      scales.set(`${pair} ${axis}`, [...all, own]);
      return () => (scales.get(`${pair} ${axis}`) ?? []).flatMap((one) => one());
    };
    return Object.assign(Object.create(stages[side]), { together });
  });
}
