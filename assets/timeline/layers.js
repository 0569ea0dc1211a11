// The layers of a plane: densities, fields, and the way of a point.

/**
 * @import { DensityFramesSpec, DensitySpec, FieldSpec, Interval, Layer, LayerSpec, PathSpec, PlaneView, Stage, Values
 *   } from "./types.d.ts"
 */

import { contextOf, h } from "./dom.js";
import { Mixture } from "./mixture.js";
import { pointsLayer } from "./points.js";
import { stepLayer } from "./step.js";
import { withAlpha } from "./theme.js";

const RASTER = 96; // cells of a density on each side
const ARROWS = 17; // arrows of a field on each side

/** @returns {Layer} */
export function makeLayer(/** @type {LayerSpec} */ spec, /** @type {Stage} */ stage, /** @type {Interval} */ domain) {
  switch (spec.kind) {
    case "density":
      return densityLayer(spec, stage, domain);
    case "density_frames":
      return densityFramesLayer(spec, stage);
    case "field":
      return fieldLayer(spec, stage, domain);
    case "points":
      return pointsLayer(spec, stage);
    case "path":
      return pathLayer(spec, stage);
    case "step":
      return stepLayer(spec, stage);
  }
}

/**
 * A raster of densities, brightest at `most` or where it is largest; the square root keeps thin parts in sight.
 * @param {Stage} stage
 * @param {number | null} most
 */
function raster(stage, most = null) {
  /** @type {{ held: HTMLCanvasElement, image: ImageData, words: Uint32Array } | null} */
  let sheet = null;
  return (/** @type {Values} */ values, /** @type {number} */ G, /** @type {PlaneView} */ { context, width }) => {
    if (sheet?.held.width !== G) sheet = rasterSheet(G);
    const { held, image, words } = sheet;
    let top = most ?? 0;
    if (most === null) for (const value of values) top = Math.max(top, value);
    const { ramp } = stage.theme;
    for (let j = 0; j < G; j++) {
      for (let i = 0; i < G; i++) {
        const share = top > 0 ? Math.min(1, Math.max(0, values[j * G + i]) / top) : 0;
        words[(G - 1 - j) * G + i] = ramp[Math.round(255 * Math.sqrt(share))];
      }
    }
    contextOf(held).putImageData(image, 0, 0);
    context.imageSmoothingQuality = "low"; // bilinear: between cells that is enough, and several times faster
    context.drawImage(held, 0, 0, width, width);
  };
}

/** A canvas of G x G cells, and the words of its picture. */
function rasterSheet(/** @type {number} */ G) {
  const image = new ImageData(G, G);
  return { held: h("canvas", { width: G, height: G }), image, words: new Uint32Array(image.data.buffer) };
}

/** @returns {Layer} */
function densityLayer(
  /** @type {DensitySpec} */ spec,
  /** @type {Stage} */ stage,
  /** @type {Interval} */ [low, high],
) {
  const mixture = new Mixture(spec.mixture, stage.arrays);
  const paint = raster(stage);
  let density = new Float64Array(0);
  return {
    below: true,
    draw: (p, view) => {
      density = mixture.plane(p, low, high, RASTER);
      paint(density, RASTER, view);
    },
    numbers: () => ({ density }),
  };
}

/** @returns {Layer} */
function densityFramesLayer(/** @type {DensityFramesSpec} */ spec, /** @type {Stage} */ stage) {
  const { data, shape } = stage.arrays[spec.values];
  const [count, G] = shape;
  const size = data.length / count;
  const paint = raster(stage, spec.top);
  /** @type {Values} */
  let density = new Float64Array(0);
  return {
    below: true,
    draw: (p, view) => {
      density = data.subarray(p * size, (p + 1) * size);
      paint(density, G, view);
    },
    numbers: () => ({ density }),
  };
}

/** @returns {Layer} */
function fieldLayer(/** @type {FieldSpec} */ spec, /** @type {Stage} */ stage, /** @type {Interval} */ domain) {
  const { g, at } = vectors(spec, stage, domain);
  /** @type {Values} */
  let field = new Float64Array(0);

  function draw(/** @type {number} */ p, /** @type {PlaneView} */ { context, width }) {
    field = at(p);
    context.lineWidth = 1.4;
    context.lineJoin = context.lineCap = "round";
    context.strokeStyle = withAlpha(spec.color, 0.6);
    context.stroke(arrows(field, g, width));
  }
  return { draw, numbers: () => ({ field }) };
}

/**
 * The vectors of a field at p, and how many there are on each side.
 * @param {FieldSpec} spec
 * @param {Stage} stage
 * @param {Interval} domain
 * @returns {{ g: number, at: (p: number) => Values }}
 */
function vectors(spec, stage, [low, high]) {
  if (spec.mixture) {
    const mixture = new Mixture(spec.mixture, stage.arrays);
    return { g: ARROWS, at: (p) => mixture.field(p, low, high, ARROWS) };
  }
  const { data, shape } = stage.arrays[spec.values ?? ""];
  const g = shape[1];
  return { g, at: (p) => data.subarray(p * g * g * 2, (p + 1) * g * g * 2) };
}

/**
 * Arrows that grow with their vectors and level off before they reach their neighbours.
 * @param {Values} field
 * @param {number} g
 * @param {number} width
 */
function arrows(field, g, width) {
  const path = new Path2D();
  const cell = width / g;
  for (let k = 0; k < g * g; k++) {
    const [u, v] = [field[2 * k], field[2 * k + 1]];
    const norm = Math.hypot(u, v);
    if (norm < 1e-3) continue;
    const length = cell * 0.92 * Math.tanh(norm / 1.5);
    const [dx, dy] = [(u / norm) * length, (-v / norm) * length];
    const [cx, cy] = [((k % g) + 0.5) * cell, width - (Math.floor(k / g) + 0.5) * cell];
    const [tx, ty] = [cx + dx / 2, cy + dy / 2];
    path.moveTo(cx - dx / 2, cy - dy / 2);
    path.lineTo(tx, ty);
    path.lineTo(tx - 0.32 * dx + 0.2 * dy, ty - 0.32 * dy - 0.2 * dx);
    path.moveTo(tx, ty);
    path.lineTo(tx - 0.32 * dx - 0.2 * dy, ty - 0.32 * dy + 0.2 * dx);
  }
  return path;
}

/**
 * The way of the picked point: all of it faint, what lies behind it strong.
 * @param {PathSpec} spec
 * @param {Stage} stage
 * @returns {Layer}
 */
function pathLayer(spec, stage) {
  const points = stage.tracks.get(spec.track);
  const count = stage.positions.length;
  let [pick, way] = [-1, new Float64Array(0)];

  function draw(/** @type {number} */ p, /** @type {PlaneView} */ { context, x, y }) {
    if (pick !== stage.pick) {
      pick = stage.pick;
      way = Float64Array.from({ length: 2 * count }, (_, i) => points.value(i >> 1, 2 * pick + (i & 1)));
    }
    for (const [until, alpha] of [
      [count - 1, 0.3],
      [p, 1],
    ]) {
      context.beginPath();
      for (let k = 0; k <= until; k++) context.lineTo(x(way[2 * k]), y(way[2 * k + 1]));
      context.strokeStyle = withAlpha(spec.color, alpha);
      context.lineWidth = 2;
      context.lineJoin = "round";
      context.stroke();
    }
  }
  return { draw, numbers: () => ({ path: way }) };
}
