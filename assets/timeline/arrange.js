// Where the panels of the stage lie, so that the smallest of them is as large as can be. Nothing is drawn here.

/**
 * What is to be placed. Pictures keep their ratio, charts stretch, tables need a certain room.
 * @typedef {object} Item
 * @property {number | null} ratio width over height, of a picture
 * @property {{ width: number, height: number } | null} need of a table
 * @property {(width: number) => number} above height of title and legend at a width
 * @property {number} [worth] which part of its size counts, 1 by default: a diagram is no larger than its letters
 */

/** @typedef {{ left: number, top: number, width: number, height: number }} Rect */
/** @typedef {{ width: number, height: number }} Size */
/** @typedef {{ rects: Rect[], formula: Rect | null, size: number, score: number }} Plan */

export const SMALLEST = 200; // CSS pixels: a panel that would be smaller is left out, unless it was asked for
const BETWEEN = 18; // between panels
const NARROWEST = 1.2; // width over height of a chart
const WIDEST = 2.2;
const FORMULA = [30, 26, 23, 20]; // CSS pixels of its letters; its numbers are 0.92 of that, and never below 18

/** All ways to cut n things, which stay in order, into rows: the numbers of things in each row. */
export function rowsOf(/** @type {number} */ n) {
  /** @type {number[][]} */
  let ways = [[]];
  for (let k = 0; k < n; k++) {
    ways = ways.flatMap((way) =>
      way.length
        ? [
            [...way.slice(0, -1), (way.at(-1) ?? 0) + 1],
            [...way, 1],
          ]
        : [[1]],
    );
  }
  return ways;
}

/** How large an item is in a cell: the side of a square as large as what is drawn. */
function sideOf(/** @type {Item} */ { ratio, need, above, worth = 1 }, /** @type {Size} */ { width, height }) {
  const room = height - above(width);
  if (need) return width >= need.width && room >= need.height ? Infinity : 0;
  if (room <= 0) return 0;
  const across = Math.min(width, room * (ratio ?? WIDEST));
  const down = ratio ? across / ratio : Math.min(room, across / NARROWEST);
  return worth * Math.sqrt(across * down);
}

/**
 * One way to lay items in rows over an area: widths go by what each can use.
 * @param {Item[]} items
 * @param {number[]} way
 * @param {Rect} area
 */
function lay(items, way, area) {
  /** @type {Rect[]} */
  const rects = [];
  const height = (area.height - BETWEEN * (way.length - 1)) / way.length;
  let [first, top, score] = [0, area.top, Infinity];
  for (const count of way) {
    const row = items.slice(first, first + count);
    const wishes = row.map(({ ratio, need, above }) => {
      const room = Math.max(40, height - above(area.width / count));
      return need?.width ?? room * (ratio ?? NARROWEST);
    });
    const free = area.width - BETWEEN * (count - 1);
    const total = wishes.reduce((sum, wish) => sum + wish, 0);
    let left = area.left;
    row.forEach((item, k) => {
      const width = (free * wishes[k]) / total;
      rects.push({ left, top, width, height });
      score = Math.min(score, sideOf(item, { width, height }));
      left += width + BETWEEN;
    });
    first += count;
    top += height + BETWEEN;
  }
  return { rects, score };
}

/** Where a formula can lie, and what it leaves: below, or to the right. */
function cuts(/** @type {Size} */ { width, height }, /** @type {Size | null} */ formula) {
  const whole = { left: 0, top: 0, width, height };
  if (!formula) return [{ area: whole, formula: null }];
  const [down, across] = [height - formula.height - BETWEEN, width - formula.width - BETWEEN];
  return [
    { area: { ...whole, height: down }, formula: { left: 0, top: down + BETWEEN, width, height: formula.height } },
    { area: { ...whole, width: across }, formula: { left: across + BETWEEN, top: 0, width: formula.width, height } },
  ].filter(({ area, formula: rect }) => area.width > 0 && area.height > 0 && rect.width >= formula.width);
}

/**
 * What lies beside the items, and how.
 * @typedef {object} Beside
 * @property {((size: number) => Size) | null} formula its room where its letters have that size
 * @property {number} together so many items in succession stay in one row
 */

/**
 * The best plan for all of these items.
 * @param {Item[]} items
 * @param {Size} area
 * @param {Beside} beside
 * @returns {Plan}
 */
export function arrange(items, area, { formula, together }) {
  /** @type {Plan} */
  let best = { rects: [], formula: null, size: FORMULA[0], score: -1 };
  for (const size of formula ? FORMULA : FORMULA.slice(0, 1)) {
    for (const cut of cuts(area, formula && formula(size))) {
      for (const way of rowsOf(items.length / together)) {
        const counts = way.map((count) => count * together);
        const { rects, score } = lay(items, counts, cut.area);
        if (score > best.score) best = { rects, formula: cut.formula, size, score };
      }
    }
    if (best.score >= 1.3 * SMALLEST) break; // larger letters are worth a little room
  }
  if (best.score >= 0) return best;
  if (items.length) return arrange(items, area, { formula: null, together }); // a phone: a formula has no room beside
  return { ...best, formula: { left: 0, top: 0, ...area }, size: FORMULA[FORMULA.length - 1] };
}

/**
 * The plan for as many of the first items as are not too small then.
 * @param {Item[]} items
 * @param {Size} area
 * @param {Beside} beside
 */
export function arrangeFirst(items, area, beside) {
  for (let count = items.length; count > beside.together; count -= beside.together) {
    const plan = arrange(items.slice(0, count), area, beside);
    if (plan.score >= SMALLEST) return plan;
  }
  return arrange(items.slice(0, beside.together), area, beside);
}
