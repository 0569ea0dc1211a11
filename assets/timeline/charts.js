// A histogram under its exact curve, curves over x that change with t, and curves over t with a moving cursor.

const BOX = { left: 46, top: 10, right: 14, bottom: 30 };
const FINE = 4; // points of the curve for each bin

/** The histogram of a track at p, normalised as a density; the curve is the exact expected height of a bin. */
function histogramPanel(spec, stage, frame) {
  const { canvas, size } = makeCanvas(frame);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", spec.title);
  const node = stage.tracks.get(spec.track);
  const mixture = spec.mixture && makeMixture(spec.mixture, stage.arrays);
  const mark = spec.mark && stage.tracks.get(spec.mark);
  const [low, high] = spec.domain;
  const width = (high - low) / spec.bins;
  const [first, stride] = spec.component === null ? [0, 1] : [spec.component, node.width];
  const [counts, heights] = [new Int32Array(spec.bins), new Float64Array(spec.bins)];
  let curve = new Float64Array(0);

  function count(p) {
    const values = node.at(p);
    const perUnit = 1 / width;
    counts.fill(0);
    for (let i = first; i < values.length; i += stride) {
      const place = (values[i] - low) * perUnit;
      if (place >= 0 && place < spec.bins) counts[place | 0]++;
    }
    for (let k = 0; k < spec.bins; k++) heights[k] = (counts[k] * stride * perUnit) / values.length;
  }

  /** Means of the density over a window one bin wide, at FINE places a bin. */
  function expected(p) {
    const fine = mixture.line(p, low - width / 2, width / FINE, FINE * (spec.bins + 1));
    const out = new Float64Array(FINE * spec.bins + 1);
    let sum = 0;
    for (let i = 0; i < fine.length; i++) {
      sum += fine[i] - (i >= FINE ? fine[i - FINE] : 0);
      if (i >= FINE - 1) out[i - FINE + 1] = Math.max(0, sum / FINE);
    }
    return out;
  }

  function draw(p) {
    count(p);
    if (mixture) curve = expected(p);
    const view = size();
    if (view.width === 0) return;
    const { context, theme } = { context: view.context, theme: stage.theme };
    const top = spec.top ? stage.arrays[spec.top].data[p] : 1.08 * Math.max(...heights, ...curve) || 1;
    const box = { left: BOX.left, top: BOX.top, right: view.width - BOX.right, bottom: view.height - BOX.bottom };
    const y = { low: 0, high: top, ticks: ticks(0, top, 3).map((v) => [v, formatTick(v)]) };
    const x = { low, high, ticks: ticks(low, high, 4).map((v) => [v, formatTick(v)]) };
    const { toX, toY } = axes(context, theme, box, x, y);
    context.beginPath();
    context.moveTo(box.left, box.bottom);
    for (let k = 0; k < spec.bins; k++) {
      context.lineTo(toX(low + k * width), toY(heights[k]));
      context.lineTo(toX(low + (k + 1) * width), toY(heights[k]));
    }
    context.lineTo(box.right, box.bottom);
    context.fillStyle = withAlpha(spec.color, theme.dark ? 0.75 : 0.55);
    context.fill();
    context.beginPath();
    for (let i = 0; i < curve.length; i++) context.lineTo(toX(low + (i * width) / FINE), toY(curve[i]));
    context.strokeStyle = theme.text;
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.stroke();
    if (mark) upright(context, theme, toX(mark.value(p, 0)), box);
    if (stage.kind) flag(context, theme, toX(node.value(p, placeOf(node, stage.pick, stage.kind, first))), box);
  }

  /** Where the picked value lies. */
  function flag(context, theme, x, box) {
    if (x < box.left || x > box.right) return;
    context.beginPath();
    context.moveTo(x, box.bottom + 1);
    context.lineTo(x - 6, box.bottom + 10);
    context.lineTo(x + 6, box.bottom + 10);
    context.closePath();
    context.fillStyle = theme.text;
    context.fill();
  }

  function nearest(x) {
    const share = (x * frame.clientWidth - BOX.left) / (frame.clientWidth - BOX.left - BOX.right);
    const value = low + share * (high - low);
    const values = node.at(stage.position);
    let found = first;
    for (let i = first; i < values.length; i += stride) {
      if (Math.abs(values[i] - value) < Math.abs(values[found] - value)) found = i;
    }
    return Math.floor(found / node.width);
  }

  if (stage.picks("point")) {
    const count = node.shape[0] ?? 1;
    pickable(frame, stage, { at: nearest, step: (dx, dy) => (stage.pick + dx + dy + count) % count });
  }
  const scale = () => (spec.top ? { top: stage.arrays[spec.top].data.slice(stage.position, stage.position + 1) } : {});
  return { draw, numbers: () => ({ heights, ...(mixture ? { curve } : {}), ...scale() }) };
}

/** An upright line at x. */
function upright(context, theme, x, box) {
  if (x < box.left || x > box.right) return;
  context.fillStyle = theme.background;
  context.fillRect(x - 2.5, box.top, 5, box.bottom - box.top);
  context.fillStyle = theme.text;
  context.fillRect(x - 1.25, box.top, 2.5, box.bottom - box.top);
}

const BELL = 401; // points of a bell
const GRIP = 22; // CSS pixels around a handle where a finger holds it

/** Curves over x at p: stored ones on a common scale, bells with their peak at 1. Handles hang from the axis. */
function curvesPanel(spec, stage, frame, legend) {
  const { canvas, size } = makeCanvas(frame);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", spec.title);
  const domain = stage.arrays[spec.domain].data;
  const series = spec.series.map((one) => ({ ...one, at: one.values ? stored(one) : bell(one) }));
  const handles = spec.handles.map((one) => ({ ...one, node: stage.tracks.get(one.track) }));
  const bells = series.every((one) => !one.values);
  let place = null; // the axis as drawn last
  for (const { label, color, dash } of series) {
    const swatch = h("span", { class: dash ? "swatch dash" : "swatch", style: `--color:${color}` });
    legend.append(h("div", { class: "entry" }, swatch, mathText(label)));
  }

  function stored({ values }) {
    const { data, shape: [, M] } = stage.arrays[values];
    return (p) => data.subarray(p * M, (p + 1) * M);
  }

  function bell({ mean, variance }) {
    const [m, v] = [stage.tracks.get(mean), stage.tracks.get(variance)];
    const out = new Float64Array(BELL);
    return (p) => {
      const [low, step] = [domain[2 * p], (domain[2 * p + 1] - domain[2 * p]) / (BELL - 1)];
      const [middle, width] = [m.value(p, 0), v.value(p, 0)];
      const nearest = Math.round((middle - low) / step);
      for (let i = 0; i < BELL; i++) out[i] = width > 0 ? Math.exp(-((low + i * step - middle) ** 2) / (2 * width)) : Number(i === nearest);
      return out;
    };
  }

  function draw(p) {
    const curves = series.map((one) => one.at(p));
    const view = size();
    if (view.width === 0) return;
    const { context, width, height } = view;
    const [low, high] = [domain[2 * p], domain[2 * p + 1]];
    const top = bells ? 1.12 : 1.08 * Math.max(...curves.map((values) => values.reduce((a, b) => Math.max(a, b), 0))) || 1;
    const box = {
      left: bells ? BOX.right : BOX.left, top: BOX.top, right: width - BOX.right,
      bottom: height - BOX.bottom - (handles.length ? 34 : 0),
    };
    const x = { low, high, ticks: ticks(low, high, width < 320 ? 2 : 4).map((v) => [v, formatTick(v)]) };
    const y = { low: 0, high: top, ticks: bells ? [[0, ""]] : ticks(0, top, 3).map((v) => [v, formatTick(v)]) };
    const { toX, toY } = axes(context, stage.theme, box, x, y);
    place = { toX, box, low, high };
    curves.forEach((values, k) => {
      const { color, dash } = series[k];
      const curve = new Path2D();
      for (let i = 0; i < values.length; i++) curve.lineTo(toX(low + ((high - low) * i) / (values.length - 1)), toY(values[i]));
      const area = new Path2D(curve);
      for (const end of [high, low]) area.lineTo(toX(end), toY(0));
      context.fillStyle = withAlpha(color, dash ? 0 : 0.12);
      context.fill(area);
      context.setLineDash(dash ? [7, 5] : []);
      context.strokeStyle = color;
      context.lineWidth = 2.5;
      context.lineJoin = "round";
      context.stroke(curve);
    });
    context.setLineDash([]);
    handles.forEach((one) => grip(context, one, p));
  }

  /** A handle: a dotted line down to a disc with its name; the disc is full where it can be dragged. */
  function grip(context, { node, label, color }, p) {
    const { toX, box } = place;
    const { theme } = stage;
    const at = Math.min(box.right, Math.max(box.left, toX(node.value(p, 0))));
    const middle = box.bottom + BOX.bottom + 17;
    context.strokeStyle = withAlpha(color, 0.8);
    context.lineWidth = 1.5;
    context.setLineDash([2, 4]);
    context.beginPath();
    context.moveTo(at, box.top);
    context.lineTo(at, middle);
    context.stroke();
    context.setLineDash([]);
    context.beginPath();
    context.arc(at, middle, 15, 0, 2 * Math.PI);
    context.fillStyle = node.set ? color : theme.background;
    context.fill();
    context.strokeStyle = node.set ? theme.background : color;
    context.lineWidth = 2;
    context.stroke();
    const [letter, index = ""] = label.split("_");
    context.fillStyle = node.set ? "#fff" : theme.text;
    context.textBaseline = "middle";
    context.textAlign = index ? "right" : "center";
    context.font = `italic ${theme.fontSize + 3}px ${theme.font}`;
    context.fillText(letter, at + (index ? 2 : 0), middle - 1);
    context.textAlign = "left";
    context.font = `${theme.fontSize - 2}px ${theme.font}`;
    context.fillText(index, at + 3, middle + 5);
  }

  const movable = handles.filter((one) => one.node.set);
  if (movable.length) takeHold();

  /** Drag the nearest handle; Python hears of it when the hand lets go. */
  function takeHold() {
    let held = null;
    const left = (event) => event.clientX - frame.getBoundingClientRect().left;
    const distance = (one, event) => Math.abs(place.toX(one.node.value(stage.position, 0)) - left(event));
    const within = (event) => {
      const one = movable.reduce((a, b) => (distance(b, event) < distance(a, event) ? b : a));
      return distance(one, event) <= GRIP ? one : null;
    };
    frame.style.touchAction = "pan-y";
    frame.addEventListener("pointerdown", (event) => {
      held = within(event);
      if (held) frame.setPointerCapture(event.pointerId);
    });
    frame.addEventListener("pointermove", (event) => {
      frame.style.cursor = held ? "grabbing" : within(event) ? "grab" : "";
      if (!held) return;
      const share = (left(event) - place.box.left) / (place.box.right - place.box.left);
      stage.drag(held.track, Number((place.low + Math.min(1, Math.max(0, share)) * (place.high - place.low)).toFixed(2)));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      frame.addEventListener(end, () => {
        if (held) stage.drop();
        held = null;
      });
    }
  }

  function numbers() {
    const p = stage.position;
    return { domain: domain.slice(2 * p, 2 * p + 2), ...Object.fromEntries(series.map((one) => [one.label, Float64Array.from(one.at(p))])) };
  }
  return { draw, numbers };
}

/** Curves over t. They are drawn once; the cursor and the values at t are drawn each time. */
function linesPanel(spec, stage, frame, legend) {
  const { canvas, size } = makeCanvas(frame);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", spec.title);
  const series = spec.series.map((line) => ({ ...line, data: stage.arrays[line.values].data }));
  const steady = stage.positions.every((t, i, all) => i === 0 || Math.sign(t - all[i - 1]) === Math.sign(all[1] - all[0]));
  const times = steady && stage.positions.length > 1 ? stage.positions : stage.positions.map((_, i) => i);
  const scale = spec.log_y ? (v) => Math.log10(v) : (v) => v;
  const readouts = series.map((line) => {
    const value = h("output", { class: "value" });
    const swatch = h("span", { class: line.dash ? "swatch dash" : "swatch", style: `--color:${line.color}` });
    legend.append(h("div", { class: "entry" }, swatch, mathText(line.label), value));
    return value;
  });
  const back = document.createElement("canvas");
  let scales = null;

  function yAxis() {
    const values = series.flatMap((line) => Array.from(line.data, scale).filter(Number.isFinite));
    let [low, high] = [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
    if (!(low <= high)) [low, high] = [0, 1];
    if (!spec.log_y && low > 0) low = 0;
    if (high === low) high = low + 1;
    if (!spec.log_y) return { low, high, ticks: ticks(low, high, 4).map((v) => [v, formatTick(v)]) };
    const step = Math.max(1, Math.ceil((high - low) / 5));
    const from = Math.ceil(low / step) * step;
    const powers = Array.from({ length: Math.max(0, Math.floor((high - from) / step) + 1) }, (_, i) => from + i * step);
    return { low, high, ticks: powers.map((e) => [e, power10(e)]) };
  }

  function drawBack(view) {
    const { context, width, height } = view;
    const box = { left: BOX.left + 8, top: BOX.top, right: width - BOX.right, bottom: height - BOX.bottom };
    const [low, high] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
    const x = { low, high, ticks: ticks(low, high, width < 320 ? 2 : 4).map((v) => [v, formatTick(v)]) };
    scales = axes(context, stage.theme, box, x, yAxis());
    scales.box = box;
    for (const { data, color, dash } of series) {
      context.beginPath();
      let pen = false;
      for (let k = 0; k < data.length; k++) {
        const y = scale(data[k]);
        if (Number.isFinite(y)) context[pen ? "lineTo" : "moveTo"](scales.toX(times[k]), scales.toY(y));
        pen = Number.isFinite(y);
      }
      context.setLineDash(dash ? [7, 5] : []);
      context.strokeStyle = color;
      context.lineWidth = 2.5;
      context.lineJoin = "round";
      context.stroke();
    }
    context.setLineDash([]);
    Object.assign(back, { width: canvas.width, height: canvas.height });
    back.getContext("2d").drawImage(canvas, 0, 0);
  }

  function draw(p, fresh) {
    series.forEach((line, i) => (readouts[i].textContent = Number.isFinite(line.data[p]) ? format(line.data[p]) : "–"));
    const view = size();
    const { context, width, height } = view;
    if (width === 0) return;
    if (fresh || back.width !== canvas.width || back.height !== canvas.height) drawBack(view);
    else context.drawImage(back, 0, 0, width, height);
    const x = scales.toX(times[p]);
    context.fillStyle = stage.theme.muted;
    context.fillRect(Math.round(x) - 0.75, scales.box.top, 1.5, scales.box.bottom - scales.box.top);
    for (const { data, color } of series) {
      if (!Number.isFinite(scale(data[p]))) continue;
      context.beginPath();
      context.arc(x, scales.toY(scale(data[p])), 6, 0, 2 * Math.PI);
      context.fillStyle = color;
      context.fill();
      context.lineWidth = 2;
      context.strokeStyle = stage.theme.background;
      context.stroke();
    }
  }
  return { draw, numbers: () => Object.fromEntries(series.map((line) => [line.label, Float64Array.of(line.data[stage.position])])) };
}
