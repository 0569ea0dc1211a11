// The points of a plane.
// Dots of one colour are a mask of opacity: each is laid over the others by hand, and the mask goes to the canvas at
// once. Thousands of arcs, or of stamped images, take longer than a frame where no graphics card helps.

/** @import { Layer, PlaneView, PointsSpec, Stage } from "./types.d.ts" */

import { contextOf } from "./dom.js";
import { rgb } from "./theme.js";

/**
 * @param {PointsSpec} spec
 * @param {Stage} stage
 * @returns {Layer}
 */
export function pointsLayer(spec, stage) {
  const points = stage.tracks.get(spec.track);
  /** @type {Mask | null} */
  let mask = null;

  function draw(/** @type {number} */ p, /** @type {PlaneView} */ { context, width, low, high }) {
    const side = context.canvas.width;
    const ratio = (side / width) * stage.theme.scale;
    if (mask?.side !== side || mask.ratio !== ratio) mask = new Mask(spec, side, ratio);
    const { rim, sheet } = mask;
    mask.clear();
    const xy = points.at(p);
    const scale = side / (high - low);
    for (let i = 0; i < xy.length; i += 2) mask.lay((xy[i] - low) * scale, (high - xy[i + 1]) * scale);
    mask.put();
    context.drawImage(sheet, rim, rim, side, side, 0, 0, width, width);
  }
  return { draw, dots: { points, color: spec.color }, numbers: () => ({}) };
}

/** A sheet for dots, with a rim as wide as a dot, so that none is cut off. */
class Mask {
  constructor(/** @type {PointsSpec} */ spec, /** @type {number} */ side, /** @type {number} */ ratio) {
    this.side = side;
    this.ratio = ratio;
    this.dot = makeDot(spec.size * ratio, spec.opacity);
    this.rim = Math.sqrt(this.dot.length);
    this.sheet = Object.assign(document.createElement("canvas"), {
      width: side + 2 * this.rim,
      height: side + 2 * this.rim,
    });
    this.image = new ImageData(this.sheet.width, this.sheet.height);
    this.words = new Uint32Array(this.image.data.buffer);
    this.color = rgb(spec.color).reduceRight((word, part) => (word << 8) | part, 0); // transparent, in the dots' colour
  }

  clear() {
    this.words.fill(this.color);
  }

  /** One dot more, its middle at (x, y) of the sheet without its rim. */
  lay(/** @type {number} */ x, /** @type {number} */ y) {
    const { dot, rim, side, image } = this;
    const bytes = image.data;
    const left = Math.round(x + rim / 2);
    const top = Math.round(y + rim / 2);
    if (left < 0 || top < 0 || left > side + rim || top > side + rim) return;
    for (let j = 0, k = 0; j < rim; j++) {
      let at = 4 * ((top + j) * image.width + left) + 3;
      for (let i = 0; i < rim; i++, k++, at += 4) bytes[at] += dot[k] * (255 - bytes[at]);
    }
  }

  put() {
    contextOf(this.sheet).putImageData(this.image, 0, 0);
  }
}

/**
 * A disc as opacities, row by row, smooth at its rim.
 * @param {number} diameter pixels
 * @param {number} opacity
 */
export function makeDot(diameter, opacity) {
  const side = Math.ceil(diameter) + 1;
  const middle = (side - 1) / 2;
  return Float32Array.from({ length: side * side }, (_, k) => {
    const radius = Math.hypot((k % side) - middle, Math.floor(k / side) - middle);
    return opacity * Math.min(1, Math.max(0, diameter / 2 + 0.5 - radius));
  });
}
