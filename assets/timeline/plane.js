// A plane: layers over a square of equal axes. Density, field, points, path; a click picks the nearest point.

const RASTER = 96; // cells of a density on each side
const ARROWS = 17; // arrows of a field on each side

const LAYERS = { density: densityLayer, density_frames: densityFramesLayer, field: fieldLayer, points: pointsLayer, path: pathLayer };

function planePanel(spec, stage, frame) {
  const { canvas, size } = makeCanvas(frame);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", spec.title);
  canvas.removeAttribute("aria-hidden");
  const layers = spec.layers.map((layer) => LAYERS[layer.kind](layer, stage, spec.domain));
  const first = layers.find((layer) => layer.points);
  const [low, high] = spec.domain;

  function draw(p) {
    const { context, width } = size();
    if (width === 0) return;
    const view = { context, width, low, high, x: (v) => ((v - low) / (high - low)) * width, y: (v) => ((high - v) / (high - low)) * width };
    layers.filter((layer) => layer.below).forEach((layer) => layer.draw(p, view));
    cross(view, stage.theme);
    layers.filter((layer) => !layer.below).forEach((layer) => layer.draw(p, view));
    rim(view, stage.theme);
    if (first && stage.picks("point")) ring(p, view);
  }

  /** The picked point, in every plane. */
  function ring(p, view) {
    for (const { points, color } of layers.filter((layer) => layer.points)) {
      const xy = points.at(p);
      if (2 * stage.pick + 1 >= xy.length) continue;
      const [x, y] = [view.x(xy[2 * stage.pick]), view.y(xy[2 * stage.pick + 1])];
      for (const [radius, line, style] of [[9, 6, stage.theme.background], [9, 2.5, stage.theme.text]]) {
        view.context.beginPath();
        view.context.arc(x, y, radius, 0, 2 * Math.PI);
        view.context.lineWidth = line;
        view.context.strokeStyle = style;
        view.context.stroke();
      }
      view.context.beginPath();
      view.context.arc(x, y, 4, 0, 2 * Math.PI);
      view.context.fillStyle = color;
      view.context.fill();
    }
  }

  function nearest(x, y) {
    const xy = first.points.at(stage.position);
    let [best, found] = [Infinity, 0];
    for (let i = 0; 2 * i < xy.length; i++) {
      const distance = (xy[2 * i] - x) ** 2 + (xy[2 * i + 1] - y) ** 2;
      if (distance < best) [best, found] = [distance, i];
    }
    return found;
  }

  if (first && stage.picks("point")) {
    pickable(frame, stage, {
      at: (x, y) => nearest(low + x * (high - low), high - y * (high - low)),
      step: (dx, dy) => (stage.pick + dx + dy + first.points.shape[0]) % first.points.shape[0],
    });
  }
  return { draw, numbers: () => Object.assign({}, ...layers.map((layer) => layer.numbers?.() ?? {})) };
}

/** Thin lines through zero. */
function cross({ context, width, low, high, x }, theme) {
  context.lineWidth = 1;
  context.strokeStyle = theme.faint;
  context.beginPath();
  if (low < 0 && high > 0) {
    const at = Math.round(x(0)) + 0.5;
    context.moveTo(at, 0);
    context.lineTo(at, width);
    context.moveTo(0, at);
    context.lineTo(width, at);
  }
  context.stroke();
}

/** The numbers of the axes, at the rim, legible on anything. */
function rim({ context, width, low, high, x, y }, theme) {
  const write = (text, ...place) => {
    context.strokeText(text, ...place);
    context.fillText(text, ...place);
  };
  context.font = `${theme.fontSize}px ${theme.font}`;
  context.fillStyle = theme.muted;
  context.strokeStyle = theme.floor;
  context.lineWidth = 4;
  context.lineJoin = "round";
  const values = ticks(low, high, width < 260 ? 2 : 4).filter((v) => v !== 0 && v > low && v < high);
  for (const value of values) {
    context.textAlign = "center";
    context.textBaseline = "bottom";
    write(formatTick(value), x(value), width - 5);
    context.textAlign = "left";
    context.textBaseline = "middle";
    write(formatTick(value), 6, y(value));
  }
}

/** A raster of densities, brightest at `most` or where it is largest; the square root keeps thin parts in sight. */
function raster(stage, most = null) {
  let [held, image, words] = [null, null, null];
  return (values, G, { context, width }) => {
    if (!held || held.width !== G) {
      held = h("canvas", { width: G, height: G });
      image = new ImageData(G, G);
      words = new Uint32Array(image.data.buffer);
    }
    let top = most ?? 0;
    if (most === null) for (const value of values) top = Math.max(top, value);
    const { ramp } = stage.theme;
    for (let j = 0; j < G; j++) {
      for (let i = 0; i < G; i++) {
        words[(G - 1 - j) * G + i] = ramp[top > 0 ? Math.round(255 * Math.sqrt(Math.min(1, Math.max(0, values[j * G + i]) / top))) : 0];
      }
    }
    held.getContext("2d").putImageData(image, 0, 0);
    context.imageSmoothingQuality = "low"; // bilinear: between cells that is enough, and several times faster
    context.drawImage(held, 0, 0, width, width);
  };
}

function densityLayer(spec, stage, [low, high]) {
  const mixture = makeMixture(spec.mixture, stage.arrays);
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

function densityFramesLayer(spec, stage) {
  const { data, shape: [count, G] } = stage.arrays[spec.values];
  const paint = raster(stage, spec.top);
  let density = new Float64Array(0);
  return {
    below: true,
    draw: (p, view) => {
      const size = data.length / count;
      density = data.subarray(p * size, (p + 1) * size);
      paint(density, G, view);
    },
    numbers: () => ({ density }),
  };
}

function fieldLayer(spec, stage, [low, high]) {
  const frames = spec.values && stage.arrays[spec.values];
  const mixture = spec.mixture && makeMixture(spec.mixture, stage.arrays);
  const g = frames ? frames.shape[1] : ARROWS;
  const at = frames ? (p) => frames.data.subarray(p * g * g * 2, (p + 1) * g * g * 2) : (p) => mixture.field(p, low, high, g);
  let field = new Float64Array(0);

  /** Arrows grow with the vector and level off before they reach their neighbours. */
  function draw(p, { context, width, x, y }) {
    field = at(p);
    const cell = width / g;
    context.beginPath();
    for (let k = 0; k < g * g; k++) {
      const [u, v] = [field[2 * k], field[2 * k + 1]];
      const norm = Math.hypot(u, v);
      if (norm < 1e-3) continue;
      const length = cell * 0.92 * Math.tanh(norm / 1.5);
      const [dx, dy] = [(u / norm) * length, (-v / norm) * length];
      const [cx, cy] = [((k % g) + 0.5) * cell, width - (Math.floor(k / g) + 0.5) * cell];
      const [tx, ty] = [cx + dx / 2, cy + dy / 2];
      context.moveTo(cx - dx / 2, cy - dy / 2);
      context.lineTo(tx, ty);
      context.lineTo(tx - 0.32 * dx + 0.2 * dy, ty - 0.32 * dy - 0.2 * dx);
      context.moveTo(tx, ty);
      context.lineTo(tx - 0.32 * dx - 0.2 * dy, ty - 0.32 * dy + 0.2 * dx);
    }
    context.lineWidth = 1.4;
    context.lineJoin = context.lineCap = "round";
    context.strokeStyle = withAlpha(spec.color, 0.6);
    context.stroke();
  }
  return { draw, numbers: () => ({ field }) };
}

/**
 * Dots of one colour are a mask of opacity: each is laid over the others by hand, and the mask goes to the canvas at
 * once. Thousands of arcs, or of stamped images, take longer than a frame where no graphics card helps.
 */
function pointsLayer(spec, stage) {
  const points = stage.tracks.get(spec.track);
  const sheet = document.createElement("canvas");
  const color = rgb(spec.color).reduceRight((word, part) => (word << 8) | part, 0); // transparent, in the dots' colour
  let [image, words, dot, rim] = [null, null, null, 0]; // the sheet has a rim as wide as a dot, so that none is cut off

  function resize(side, ratio) {
    dot = makeDot(spec.size * ratio, spec.opacity);
    rim = Math.sqrt(dot.length);
    Object.assign(sheet, { width: side + 2 * rim, height: side + 2 * rim });
    image = new ImageData(sheet.width, sheet.height);
    words = new Uint32Array(image.data.buffer);
  }

  function draw(p, { context, width, low, high }) {
    const side = context.canvas.width;
    if (!image || sheet.width !== side + 2 * rim) resize(side, side / width);
    words.fill(color);
    const bytes = image.data;
    const xy = points.at(p);
    const scale = side / (high - low);
    for (let i = 0; i < xy.length; i += 2) {
      const left = Math.round((xy[i] - low) * scale + rim / 2);
      const top = Math.round((high - xy[i + 1]) * scale + rim / 2);
      if (left < 0 || top < 0 || left > side + rim || top > side + rim) continue;
      for (let y = 0, k = 0; y < rim; y++) {
        let at = 4 * ((top + y) * sheet.width + left) + 3;
        for (let x = 0; x < rim; x++, k++, at += 4) bytes[at] += dot[k] * (255 - bytes[at]);
      }
    }
    sheet.getContext("2d").putImageData(image, 0, 0);
    context.drawImage(sheet, rim, rim, side, side, 0, 0, width, width);
  }
  return { draw, points, color: spec.color };
}

/** A disc as opacities, row by row, smooth at its rim. */
function makeDot(diameter, opacity) {
  const side = Math.ceil(diameter) + 1;
  const middle = (side - 1) / 2;
  return Float32Array.from({ length: side * side }, (_, k) => {
    const radius = Math.hypot((k % side) - middle, Math.floor(k / side) - middle);
    return opacity * Math.min(1, Math.max(0, diameter / 2 + 0.5 - radius));
  });
}

/** The way of the picked point: all of it faint, what lies behind it strong. */
function pathLayer(spec, stage) {
  const points = stage.tracks.get(spec.track);
  const count = stage.positions.length;
  let [pick, way] = [-1, null];

  function draw(p, { context, x, y }) {
    if (pick !== stage.pick) {
      pick = stage.pick;
      way = Float64Array.from({ length: 2 * count }, (_, i) => points.value(i >> 1, 2 * pick + (i & 1)));
    }
    for (const [until, alpha] of [[count - 1, 0.3], [p, 1]]) {
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
