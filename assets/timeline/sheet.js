// Where the pictures of a sheet lie, in picture pixels, and which element lies where. Nothing is drawn here.

/** @import { ImagesSpec } from "./types.d.ts" */

const GAP = 2; // pixels between two pictures
const CAPTION = 0.26; // of a picture's height, below it, for its caption

/** A sheet of `count` pictures, row by row. */
export class Sheet {
  /**
   * @param {Pick<ImagesSpec, "height" | "width" | "channels" | "columns" | "captions">} spec
   * @param {number} elements all numbers of all pictures
   */
  constructor({ height, width, channels, columns, captions }, elements) {
    this.channels = channels;
    this.pictureHeight = height;
    this.pictureWidth = width;
    this.count = elements / (height * width * channels);
    this.columns = Math.min(columns, this.count);
    this.rows = Math.ceil(this.count / this.columns);
    const gap = this.count > 1 ? GAP : 0;
    this.across = width + gap; // from one column to the next
    this.down = height + (captions ? Math.ceil(CAPTION * height) : 0) + gap; // from one row to the next
    this.width = this.columns * this.across - gap;
    this.height = this.rows * this.down - gap;
  }

  /** The upper left corner of picture k. */
  corner(/** @type {number} */ k) {
    return { x: (k % this.columns) * this.across, y: Math.floor(k / this.columns) * this.down };
  }

  /** The middle of an element's pixel. */
  middle(/** @type {number} */ element) {
    const { pictureHeight, pictureWidth } = this;
    const pixel = Math.floor(element / this.channels);
    const [k, inside] = [Math.floor(pixel / (pictureHeight * pictureWidth)), pixel % (pictureHeight * pictureWidth)];
    const { x, y } = this.corner(k);
    return { x: x + (inside % pictureWidth) + 0.5, y: y + Math.floor(inside / pictureWidth) + 0.5 };
  }

  /**
   * The element at (x, y) in 0..1 of the sheet; a colour pixel picked again gives its next channel.
   * @param {number} x
   * @param {number} y
   * @param {number} pick what is picked now
   */
  elementAt(x, y, pick) {
    const { pictureHeight, pictureWidth, across, down, channels } = this;
    const [column, row] = [Math.floor(x * this.width), Math.floor(y * this.height)];
    const [i, j] = [Math.min(column % across, pictureWidth - 1), Math.min(row % down, pictureHeight - 1)];
    const k = Math.min(this.count - 1, Math.floor(row / down) * this.columns + Math.floor(column / across));
    const pixel = k * pictureHeight * pictureWidth + j * pictureWidth + i;
    const same = Math.floor(pick / channels) === pixel;
    return pixel * channels + (same ? (pick + 1) % channels : 0);
  }
}
