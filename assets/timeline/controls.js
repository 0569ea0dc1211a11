// The slider and its buttons: what a hand sees and touches. What follows from a touch is decided elsewhere.

/** @import { Labels, Spec } from "./types.d.ts" */

import { h } from "./dom.js";
import { mathSymbol } from "./math.js";

const SPEEDS = [0.25, 0.5, 1, 2, 4];
const ICONS = {
  play: "M7 4.5v15l13-7.5z",
  pause: "M6 4.5h4.5v15H6zM13.5 4.5H18v15h-4.5z",
  back: "M6 5h2.5v14H6zM19 5v14l-9.5-7z",
  forward: "M15.5 5H18v14h-2.5zM5 5l9.5 7L5 19z",
};

/**
 * What a touch means.
 * @typedef {object} Touch
 * @property {(position: number) => void} slide the slider is moving
 * @property {() => void} release it was let go
 * @property {(by: number) => void} step
 * @property {() => void} toggle play or pause
 */

/**
 * @param {Pick<Spec, "positions" | "labels">} spec
 * @param {Touch} touch
 */
export function makeControls({ positions, labels }, touch) {
  const { caption, symbol } = nameOf(labels.timestep);
  const slider = makeSlider(positions.length - 1, labels, touch);
  const play = iconButton("play", labels.play, touch.toggle);
  const speed = speedChoice(labels);
  const number = h("span", { class: "number" });
  number.style.minWidth = `${Math.max(...positions.map((t) => String(t).length))}ch`;
  const ends = [positions[0], positions[positions.length - 1]].map((t) => h("span", {}, String(t)));
  const back = iconButton("back", labels.back, () => touch.step(-1));
  const forward = iconButton("forward", labels.forward, () => touch.step(1));
  const element = h(
    "div",
    { class: "controls", role: "group", "aria-label": labels.timestep },
    h("div", { class: "buttons" }, back, play, forward, speed),
    h(
      "label",
      { class: "scrubber" },
      h("span", { class: "caption" }, caption, " ", mathSymbol(symbol)),
      slider,
      h("span", { class: "ends", "aria-hidden": "true" }, ...ends),
    ),
    h("output", { class: "readout" }, mathSymbol(symbol), "\u00a0=\u00a0", number),
  );
  const say = (/** @type {number} */ position) => `${symbol} = ${positions[position]}`;
  const show = (/** @type {number} */ position) => {
    slider.value = String(position);
    slider.setAttribute("aria-valuetext", say(position));
    slider.style.setProperty("--done", `${(100 * position) / Math.max(1, positions.length - 1)}%`);
    number.textContent = String(positions[position]);
  };
  const setPlaying = (/** @type {boolean} */ playing) =>
    setIcon(play, playing ? "pause" : "play", playing ? labels.pause : labels.play);
  return { element, speed, say, show, setPlaying };
}

/** "Timestep t": its caption, and the symbol that is its last word. */
export function nameOf(/** @type {string} */ label) {
  const [, caption, symbol] = label.match(/^(.*?)\s*(\S+)$/) ?? ["", "", label];
  return { caption, symbol };
}

/**
 * @param {number} last
 * @param {Labels} labels
 * @param {Touch} touch
 */
function makeSlider(last, labels, touch) {
  const slider = h("input", {
    type: "range",
    min: 0,
    max: last,
    step: 1,
    "aria-label": labels.timestep,
    input: () => touch.slide(Number(slider.value)),
    change: touch.release,
    keydown: (/** @type {KeyboardEvent} */ event) => {
      const pages = { PageUp: 1, PageDown: -1 }[event.key];
      if (!pages) return;
      event.preventDefault();
      touch.step(pages * Math.max(1, Math.round(last / 10)));
    },
  });
  return slider;
}

function speedChoice(/** @type {Labels} */ labels) {
  const options = SPEEDS.map((s) => h("option", { value: s, ...(s === 1 ? { selected: "" } : {}) }, `${s}×`));
  return h("select", { class: "speed", "aria-label": labels.speed, title: labels.speed }, ...options);
}

/**
 * @param {keyof typeof ICONS} icon
 * @param {string} label
 * @param {() => void} click
 */
function iconButton(icon, label, click) {
  const button = h("button", { type: "button", class: icon, click });
  button.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path/></svg>';
  setIcon(button, icon, label);
  return button;
}

/**
 * @param {HTMLButtonElement} button
 * @param {keyof typeof ICONS} icon
 * @param {string} label
 */
function setIcon(button, icon, label) {
  button.querySelector("path")?.setAttribute("d", ICONS[icon]);
  button.setAttribute("aria-label", label);
  button.title = label;
}
