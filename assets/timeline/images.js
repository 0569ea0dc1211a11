// A sheet of pictures. The canvas has one pixel for each of theirs; the browser scales it. A click picks a pixel.

const GAP = 2; // picture pixels between two pictures
const CAPTION = 0.26; // of a picture's height, below it, for its caption
const COARSE = 128; // below this many pixels a picture is shown with its pixels visible

function imagesPanel(spec, stage, frame) {
  const node = stage.tracks.get(spec.track);
  const { height, width, channels } = spec;
  const size = height * width * channels;
  const count = node.size / size;
  const columns = Math.min(spec.columns, count);
  const gap = count > 1 ? GAP : 0;
  const rows = Math.ceil(count / columns);
  const below = spec.captions ? Math.ceil(CAPTION * height) : 0;
  const pitch = height + below + gap; // from one row to the next
  const [sheetWidth, sheetHeight] = [columns * (width + gap) - gap, rows * pitch - gap];
  const canvas = h("canvas", { width: sheetWidth, height: sheetHeight, role: "img", "aria-label": spec.title });
  const context = canvas.getContext("2d");
  const marker = h("div", { class: "marker" });
  canvas.classList.toggle("coarse", Math.max(width, height) < COARSE);
  frame.style.setProperty("--ratio", sheetWidth / sheetHeight);
  frame.append(canvas, marker);
  const image = new ImageData(width, height);
  const [bytes, words] = [image.data.fill(255), new Uint32Array(image.data.buffer)];
  const [low, high] = spec.value_range;
  const scale = 255 / (high - low);
  if (spec.captions) frame.append(h("div", { class: "captions", style: `--columns:${columns}; --rows:${rows}` }, ...spec.captions.map((c) => h("span", {}, c))));

  function draw(p) {
    const values = node.at(p);
    const paint = channels === 1 ? grey : color;
    for (let k = 0; k < count; k++) {
      paint(values, k * size);
      context.putImageData(image, (k % columns) * (width + gap), Math.floor(k / columns) * pitch);
    }
    mark();
  }

  function grey(values, from) {
    for (let i = 0; i < size; i++) {
      const level = ((values[from + i] - low) * scale + 0.5) | 0;
      words[i] = 0xff000000 | (0x010101 * (level < 0 ? 0 : level > 255 ? 255 : level));
    }
  }

  function color(values, from) {
    for (let i = 0, j = 0; i < size; i += 3, j += 4) {
      bytes[j] = (values[from + i] - low) * scale;
      bytes[j + 1] = (values[from + i + 1] - low) * scale;
      bytes[j + 2] = (values[from + i + 2] - low) * scale;
    }
  }

  /** A frame around the picked pixel, never too small to see. */
  function mark() {
    marker.hidden = !stage.picks("element") || stage.pick >= node.size;
    if (marker.hidden) return;
    const pixel = Math.floor(stage.pick / channels);
    const [k, inside] = [Math.floor(pixel / (height * width)), pixel % (height * width)];
    const x = (k % columns) * (width + gap) + (inside % width);
    const y = Math.floor(k / columns) * pitch + Math.floor(inside / width);
    marker.style.cssText = `left:${(100 * (x + 0.5)) / sheetWidth}%; top:${(100 * (y + 0.5)) / sheetHeight}%; --pixel:${100 / sheetWidth}%`;
  }

  /** The element under a place of the sheet; a colour pixel picked again gives its next channel. */
  function elementAt(x, y) {
    const [column, row] = [Math.floor(x * sheetWidth), Math.floor(y * sheetHeight)];
    const [i, j] = [Math.min(column % (width + gap), width - 1), Math.min(row % pitch, height - 1)];
    const k = Math.min(count - 1, Math.floor(row / pitch) * columns + Math.floor(column / (width + gap)));
    const pixel = k * height * width + j * width + i;
    const same = Math.floor(stage.pick / channels) === pixel;
    return pixel * channels + (same ? (stage.pick + 1) % channels : 0);
  }

  if (stage.picks("element")) {
    pickable(frame, stage, {
      at: elementAt,
      step: (dx, dy) => (stage.pick + channels * (dx + dy * width) + node.size) % node.size,
    });
  }
  return { draw, numbers: () => ({}) };
}
