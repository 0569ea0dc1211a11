// A sheet of pictures. The canvas has one pixel for each of theirs; the browser scales it. A click picks a pixel.

/** @import { ImagesSpec, Interval, Panel, Stage, TrackNode, Values } from "./types.d.ts" */

import { contextOf, h } from "./dom.js";
import { pickable } from "./pick.js";
import { Sheet } from "./sheet.js";

const COARSE = 128; // below this many pixels a picture is shown with its pixels visible

/**
 * @param {ImagesSpec} spec
 * @param {Stage} stage
 * @param {HTMLElement} frame
 * @returns {Panel}
 */
export function imagesPanel(spec, stage, frame) {
  const node = stage.tracks.get(spec.track);
  const { width, channels } = spec;
  const sheet = new Sheet(spec, node.size);
  const canvas = sheetCanvas(spec, sheet, frame);
  const context = contextOf(canvas);
  const marker = h("div", { class: "marker" });
  frame.append(canvas, marker);
  if (spec.captions) frame.append(captionGrid(spec.captions, sheet));
  const picture = makePicture(spec);

  function draw(/** @type {number} */ p) {
    const values = node.at(p);
    for (let k = 0; k < sheet.count; k++) {
      const { x, y } = sheet.corner(k);
      context.putImageData(picture(values, k), x, y);
    }
    mark(marker, stage, node, sheet);
  }

  if (stage.picks("element")) {
    pickable(frame, stage, {
      at: (x, y) => sheet.elementAt(x, y, stage.pick),
      step: (dx, dy) => (stage.pick + channels * (dx + dy * width) + node.size) % node.size,
    });
  }
  return { draw, numbers: () => ({}) };
}

/** The canvas of a sheet; its frame keeps the sheet's ratio. */
function sheetCanvas(/** @type {ImagesSpec} */ spec, /** @type {Sheet} */ sheet, /** @type {HTMLElement} */ frame) {
  const size = { width: sheet.width, height: sheet.height };
  const canvas = h("canvas", { ...size, role: "img", "aria-label": spec.title });
  canvas.classList.toggle("coarse", Math.max(spec.width, spec.height) < COARSE);
  frame.style.setProperty("--ratio", String(sheet.width / sheet.height));
  return canvas;
}

function captionGrid(/** @type {string[]} */ captions, /** @type {Sheet} */ { columns, rows }) {
  const style = `--columns:${columns}; --rows:${rows}`;
  return h("div", { class: "captions", style }, ...captions.map((caption) => h("span", {}, caption)));
}

/** A function that paints picture k of a track's values; one ImageData serves all. */
function makePicture(/** @type {ImagesSpec} */ { height, width, channels, value_range: range }) {
  const image = new ImageData(width, height);
  image.data.fill(255);
  const paint = channels === 1 ? greyPainter(image, range) : colorPainter(image, range);
  return (/** @type {Values} */ values, /** @type {number} */ k) => {
    paint(values, k * height * width * channels);
    return image;
  };
}

function greyPainter(/** @type {ImageData} */ image, /** @type {Interval} */ [low, high]) {
  const words = new Uint32Array(image.data.buffer);
  const scale = 255 / (high - low);
  return (/** @type {Values} */ values, /** @type {number} */ from) => {
    for (let i = 0; i < words.length; i++) {
      const level = ((values[from + i] - low) * scale + 0.5) | 0;
      words[i] = 0xff000000 | (0x010101 * (level < 0 ? 0 : level > 255 ? 255 : level));
    }
  };
}

function colorPainter(/** @type {ImageData} */ image, /** @type {Interval} */ [low, high]) {
  const bytes = image.data; // clamped and rounded by itself
  const scale = 255 / (high - low);
  return (/** @type {Values} */ values, /** @type {number} */ from) => {
    for (let i = from, j = 0; j < bytes.length; i += 3, j += 4) {
      bytes[j] = (values[i] - low) * scale;
      bytes[j + 1] = (values[i + 1] - low) * scale;
      bytes[j + 2] = (values[i + 2] - low) * scale;
    }
  };
}

/**
 * A frame around the picked pixel, never too small to see.
 * @param {HTMLElement} marker
 * @param {Stage} stage
 * @param {TrackNode} node
 * @param {Sheet} sheet
 */
function mark(marker, stage, node, sheet) {
  marker.hidden = !stage.picks("element") || stage.pick >= node.size;
  if (marker.hidden) return;
  const { x, y } = sheet.middle(stage.pick);
  const [left, top] = [(100 * x) / sheet.width, (100 * y) / sheet.height];
  marker.style.cssText = `left:${left}%; top:${top}%; --pixel:${100 / sheet.width}%`;
}
