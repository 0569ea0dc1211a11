// Small tools for drawing: elements, the theme of the page, crisp canvases, ticks, numbers.

/** An element with attributes (functions become listeners) and children. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Text in which a letter with an underscore (x_t) becomes a variable with its index. */
function mathText(text) {
  const pieces = h("span");
  let end = 0;
  for (const match of text.matchAll(/(?<!\p{L})(\p{L}\p{M}*)_([\p{L}\d]+)/gu)) {
    pieces.append(text.slice(end, match.index), h("i", {}, match[1]), h("sub", {}, match[2]));
    end = match.index + match[0].length;
  }
  pieces.append(text.slice(end));
  return pieces;
}

/** Any CSS colour as [r, g, b]. */
function rgb(color) {
  const context = (rgb.context ??= document.createElement("canvas").getContext("2d"));
  context.fillStyle = "#808080";
  context.fillStyle = color;
  const hex = context.fillStyle;
  if (hex[0] !== "#") return hex.match(/[\d.]+/g).slice(0, 3).map(Number);
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

function withAlpha(color, alpha) {
  return `rgba(${rgb(color).join(",")},${alpha})`;
}

/** 256 colours along the stops, as 32-bit words of an ImageData. */
function rampWords(stops) {
  const colors = stops.map(rgb);
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const place = (i / 255) * (colors.length - 1);
    const k = Math.min(colors.length - 2, Math.floor(place));
    const [r, g, b] = colors[k].map((c, j) => Math.round(c + (place - k) * (colors[k + 1][j] - c)));
    return (255 << 24) | (b << 16) | (g << 8) | r;
  });
}

/** What the page looks like now: Streamlit hands its theme to components as CSS variables. */
function readTheme(root, ramps) {
  const style = getComputedStyle(root);
  const read = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  const background = read("--st-background-color", "#ffffff");
  const text = read("--st-text-color", "#1b2430");
  const linear = rgb(background).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  const dark = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] < 0.18;
  return {
    background, text, dark,
    muted: withAlpha(text, 0.68),
    faint: withAlpha(text, dark ? 0.16 : 0.12),
    font: style.fontFamily,
    fontSize: Math.max(12, 0.8 * parseFloat(style.fontSize)),
    ramp: rampWords(dark ? ramps.dark : ramps.light),
    floor: (dark ? ramps.dark : ramps.light)[0],
  };
}

/** A canvas that fills its host; `size()` makes it crisp and returns its context and its size in CSS pixels. */
function makeCanvas(host) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  host.append(canvas);
  function size() {
    const [width, height, ratio] = [host.clientWidth, host.clientHeight, window.devicePixelRatio || 1];
    const [w, t] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== t) Object.assign(canvas, { width: w, height: t });
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return { context, width, height };
  }
  return { canvas, size };
}

/** About `n` round numbers between low and high. */
function ticks(low, high, n) {
  const rough = (high - low) / n;
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

function power10(exponent) {
  return `10${[...String(exponent)].map((c) => SUPERSCRIPT[c]).join("")}`;
}

/** A number for readers: 0.5012, −1.204, 4.036×10⁻⁵. */
function format(value, digits = 4) {
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size === 0) return (0).toFixed(digits - 1);
  if (size >= 0.99995e-3 && size < 99999.5) {
    const text = size.toPrecision(digits);
    return sign + (text.includes("e") ? String(Math.round(size)) : text); // 18338, and 9999.99 that rounds up
  }
  const [mantissa, exponent] = size.toExponential(digits - 1).split("e");
  return `${sign}${mantissa}×${power10(Number(exponent))}`;
}

/** A tick's label: short. */
function formatTick(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return format(value, 1);
  return String(value).replace("-", "−");
}

/** Axes of a chart: quiet lines at the ticks of y, labels below and to the left. Returns the scales. */
function axes(context, theme, box, x, y) {
  const toX = (value) => box.left + ((value - x.low) / (x.high - x.low || 1)) * (box.right - box.left);
  const toY = (value) => box.bottom - ((value - y.low) / (y.high - y.low || 1)) * (box.bottom - box.top);
  context.font = `${theme.fontSize}px ${theme.font}`;
  context.lineWidth = 1;
  context.strokeStyle = theme.faint;
  context.fillStyle = theme.muted;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const [value, label] of y.ticks) {
    const at = Math.round(toY(value)) + 0.5;
    context.beginPath();
    context.moveTo(box.left, at);
    context.lineTo(box.right, at);
    context.stroke();
    context.fillText(label, box.left - 8, at);
  }
  context.textBaseline = "top";
  for (const [value, label] of x.ticks) {
    const at = toX(value);
    const half = context.measureText(label).width / 2;
    context.textAlign = "center";
    context.fillText(label, Math.min(box.right + 12 - half, Math.max(half, at)), box.bottom + 8);
  }
  return { toX, toY };
}
