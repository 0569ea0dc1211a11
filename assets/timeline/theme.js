// The theme of the page, and colours as numbers.

/** @import { Ramps, Theme } from "./types.d.ts" */

import { contextOf } from "./dom.js";

const USUAL = 13.6; // CSS pixels of what a canvas writes on a page

/** @type {CanvasRenderingContext2D | null} */
let reader = null; // a canvas understands any CSS colour

/** Any CSS colour as [r, g, b]. */
export function rgb(/** @type {string} */ color) {
  reader ??= contextOf(document.createElement("canvas"));
  reader.fillStyle = "#808080";
  reader.fillStyle = color;
  const hex = reader.fillStyle;
  if (hex[0] !== "#") return (hex.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

export function withAlpha(/** @type {string} */ color, /** @type {number} */ alpha) {
  return `rgba(${rgb(color).join(",")},${alpha})`;
}

/** 256 colours along the stops, as 32-bit words of an ImageData. */
function rampWords(/** @type {string[]} */ stops) {
  const colors = stops.map(rgb);
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const place = (i / 255) * (colors.length - 1);
    const k = Math.min(colors.length - 2, Math.floor(place));
    const [r, g, b] = colors[k].map((c, j) => Math.round(c + (place - k) * (colors[k + 1][j] - c)));
    return (255 << 24) | (b << 16) | (g << 8) | r;
  });
}

/** Whether text on this colour must be light: WCAG's relative luminance. */
export function isDark(/** @type {string} */ background) {
  const [r, g, b] = rgb(background).map((c) =>
    c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 0.18;
}

/**
 * What the page looks like now: Streamlit hands its theme to components as CSS variables.
 * @param {HTMLElement} root
 * @param {Ramps} ramps
 * @returns {Theme}
 */
export function readTheme(root, ramps) {
  const style = getComputedStyle(root);
  const read = (/** @type {string} */ name, /** @type {string} */ otherwise) =>
    style.getPropertyValue(name).trim() || otherwise;
  const background = read("--st-background-color", "#ffffff");
  const text = read("--st-text-color", "#1b2430");
  const dark = isDark(background);
  const ramp = dark ? ramps.dark : ramps.light;
  const fontSize = Math.max(12, 0.8 * parseFloat(style.fontSize));
  return {
    background,
    text,
    dark,
    muted: withAlpha(text, 0.68),
    faint: withAlpha(text, dark ? 0.16 : 0.12),
    font: style.fontFamily,
    fontSize,
    scale: fontSize / USUAL,
    ramp: rampWords(ramp),
    floor: ramp[0],
  };
}
