// The slider and its buttons: what a hand sees and touches. What follows from a touch is decided elsewhere.

/** @import { Labels, Spec } from "./types.d.ts" */

import { h } from "./dom.js";
import { slideUnderPointer } from "./groove.js";
import { mathSymbol } from "./math.js";

const SPEEDS = [0.25, 0.5, 1, 2, 4];
const ICONS = {
  play: "M7 4.5v15l13-7.5z",
  pause: "M6 4.5h4.5v15H6zM13.5 4.5H18v15h-4.5z",
  back: "M6 5h2.5v14H6zM19 5v14l-9.5-7z",
  forward: "M15.5 5H18v14h-2.5zM5 5l9.5 7L5 19z",
  describe: "M4 5h16v2H4zM4 9h16v2H4zM4 13h16v2H4zM4 17h10v2H4z",
  stage: "M3 4h18v12H3zM5 6v8h14V6zM11 17h2l3 4h-2.4L12 18.6 10.4 21H8z",
  all: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  alone: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z",
  away: "M6.4 5 12 10.6 17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z",
  keys: "M3 6h18v12H3zM5 8v2h2V8zm4 0v2h2V8zm4 0v2h2V8zm4 0v2h2V8zM5 12v2h2v-2zm4 0v2h6v-2zm8 0v2h2v-2z",
};

/**
 * What a touch means.
 * @typedef {object} Touch
 * @property {(position: number) => void} slide the slider is moving
 * @property {() => void} release it was let go
 * @property {(by: number) => void} step
 * @property {() => void} toggle play or pause
 * @property {() => void} stage show it over the whole window, or on the page again
 * @property {() => void} describe say in words what is shown, or no more
 * @property {() => void} all show all panels there
 * @property {() => void} keys show which keys there are
 */

/**
 * @param {Pick<Spec, "positions" | "labels" | "view">} spec
 * @param {Touch} touch
 */
export function makeControls({ positions, labels, view }, touch) {
  const { caption, symbol } = nameOf(labels.timestep);
  const last = positions.length - 1;
  const slider = makeSlider(last, labels, touch);
  const play = iconButton("play", labels.play, touch.toggle);
  const speed = speedChoice(labels);
  const number = h("span", { class: "number" });
  number.style.minWidth = `${Math.max(...positions.map((t) => written(t).length))}ch`;
  const ends = [positions[0], positions[last]].map((t) => h("span", {}, written(t)));
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
      makeGroove(slider, view.stops, touch),
      h("span", { class: "ends", "aria-hidden": "true" }, ...ends),
    ),
    h("output", { class: "readout" }, mathSymbol(symbol), "\u00a0=\u00a0", number),
    makeTools(labels, touch),
  );
  const say = (/** @type {number} */ position) => `${symbol} = ${written(positions[position])}`;
  const show = (/** @type {number} */ position) => {
    slider.value = String(position);
    slider.setAttribute("aria-valuetext", say(position));
    slider.style.setProperty("--done", `${(100 * position) / Math.max(1, last)}%`);
    number.textContent = written(positions[position]);
  };
  const setPlaying = (/** @type {boolean} */ playing) =>
    setIcon(play, playing ? "pause" : "play", playing ? labels.pause : labels.play);
  return { element, speed, say, show, setPlaying };
}

/** A place of the slider, as a reader writes it. */
function written(/** @type {number} */ place) {
  return String(place).replace("-", "−");
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
  });
  return slider;
}

function makeTools(/** @type {Labels} */ labels, /** @type {Touch} */ touch) {
  return h(
    "div",
    { class: "tools" },
    iconButton("all", labels.all, touch.all),
    iconButton("describe", `${labels.describe} (d)`, touch.describe),
    iconButton("stage", `${labels.stage} (s)`, touch.stage),
    iconButton("keys", `${labels.keys} (?)`, touch.keys),
  );
}

/**
 * The groove that the slider runs in, with a mark at each stop.
 * @param {HTMLInputElement} slider
 * @param {number[]} stops
 * @param {Touch} touch
 */
function makeGroove(slider, stops, touch) {
  const share = (/** @type {number} */ stop) => stop / Math.max(1, Number(slider.max));
  const marks = stops.map((stop) => h("i", { class: "stop", style: `--share:${share(stop)}` }));
  const groove = h("span", { class: "groove" }, ...marks, slider);
  slideUnderPointer(groove, slider, touch);
  return groove;
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
export function iconButton(icon, label, click) {
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
