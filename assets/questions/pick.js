// One of a few, or a number.

/** @import { Asking, ChoiceForm, Labels, NumberForm } from "./types.d.ts" */

import { h } from "../timeline/dom.js";
import { mathText } from "../timeline/math.js";
import { board } from "./board.js";

/** @returns {Asking} */
export function askChoice(
  /** @type {ChoiceForm} */ { options, shown },
  /** @type {Labels} */ labels,
  /** @type {() => void} */ changed,
) {
  /** @type {number | null} */
  let chosen = null;
  const name = `option-${Math.random()}`;
  const choices = options.map((one, k) => {
    const input = h("input", { type: "radio", name, value: k });
    input.addEventListener("change", () => {
      chosen = k;
      changed();
    });
    const letter = String.fromCharCode(65 + k);
    const what = typeof one === "string" ? mathText(one) : board(one, `${labels.option} ${letter}`);
    return h("label", { class: typeof one === "string" ? "option" : "option drawn" }, input, h("b", {}, letter), what);
  });
  const group = h("div", { class: "options", role: "radiogroup", "aria-label": labels.option }, ...choices);
  return { element: withSketch(group, shown, labels), answer: () => chosen };
}

/** @returns {Asking} */
export function askNumber(
  /** @type {NumberForm} */ { low, high, shown },
  /** @type {Labels} */ labels,
  /** @type {() => void} */ changed,
) {
  const input = h("input", {
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    placeholder: `${low} … ${high}`,
  });
  input.addEventListener("input", changed);
  const field = h("label", { class: "number" }, labels.number, input);
  return { element: withSketch(field, shown, labels), answer: () => numberOf(input.value) };
}

/** A number as people type it: with a comma, a real minus sign, blanks; null: none. */
export function numberOf(/** @type {string} */ text) {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  const value = Number(plain);
  return plain !== "" && Number.isFinite(value) ? value : null;
}

function withSketch(
  /** @type {HTMLElement} */ element,
  /** @type {import("./types.d.ts").Sketch | null} */ shown,
  /** @type {Labels} */ labels,
) {
  return shown ? h("div", {}, board(shown, labels.option), element) : element;
}
