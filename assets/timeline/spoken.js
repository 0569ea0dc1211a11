// A formula as one says it: made of what is drawn, the live numbers too.

/** @import { Labels } from "./types.d.ts" */

import { fill } from "./fill.js";

/**
 * A node of MathML, as far as it is read.
 * @typedef {object} Node
 * @property {string} localName
 * @property {ArrayLike<Node>} children
 * @property {string | null} textContent
 */

const GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau";
const NAMES = [...GREEK.split(" "), "upsilon", "phi", "chi", "psi", "omega"];
/** @type {Record<string, keyof Labels>} */
const OPERATORS = {
  "=": "say_equals",
  "+": "say_plus",
  "−": "say_minus",
  "-": "say_minus",
  "·": "say_times",
  "/": "say_divided",
  "±": "say_give",
  "*": "say_star",
  "|": "say_given",
  "∣": "say_given",
};
/** @type {Record<string, keyof Labels>} */
const OVER_MARKS = { "‾": "say_bar", "¯": "say_bar", "˜": "say_tilde", "~": "say_tilde", ˆ: "say_hat", "^": "say_hat" };
const SILENT = "‖⟨⟩\u2061\u2062\u00a0";

function letter(/** @type {string} */ text) {
  const place = [...text].length === 1 ? (text.codePointAt(0) ?? 0) - 0x3b1 : -1;
  if (text === "ℓ") return "l";
  return NAMES[place] ?? text;
}

/**
 * @param {Node} node
 * @param {Labels} labels
 * @returns {string}
 */
export function spoken(node, labels) {
  const parts = Array.from(node.children);
  const say = (/** @type {number} */ i) => spoken(parts[i], labels);
  const text = (node.textContent ?? "").trim();
  switch (node.localName) {
    case "mo":
    case "mi":
      return OPERATORS[text] ? labels[OPERATORS[text]] : SILENT.includes(text) ? "" : letter(text);
    case "mn":
    case "mtext":
      return text.replaceAll("−", `${labels.say_negative} `);
    case "msub":
      return fill(labels.say_sub, { base: say(0), index: say(1) });
    case "msup":
      return power(say(0), say(1), labels);
    case "msubsup":
      return power(fill(labels.say_sub, { base: say(0), index: say(1) }), say(2), labels);
    case "mover":
      return fill(labels[OVER_MARKS[(parts[1].textContent ?? "").trim()]] ?? "{base}", { base: say(0) });
    case "mfrac":
      return fill(labels.say_over, { top: say(0), bottom: say(1) });
    case "msqrt":
      return fill(labels.say_root, { inside: joined(parts, labels) });
    case "mtable":
      return lines(parts, labels);
    default:
      return joined(parts, labels);
  }
}

function power(/** @type {string} */ base, /** @type {string} */ raised, /** @type {Labels} */ labels) {
  return raised === "2" ? fill(labels.say_squared, { base }) : fill(labels.say_power, { base, power: raised });
}

function joined(/** @type {Node[]} */ parts, /** @type {Labels} */ labels) {
  return parts
    .map((part) => spoken(part, labels))
    .filter(Boolean)
    .join(" ");
}

/** The lines of a table, each a sentence. */
function lines(/** @type {Node[]} */ rows, /** @type {Labels} */ labels) {
  return rows.map((row) => joined(Array.from(row.children), labels)).join("; ");
}
