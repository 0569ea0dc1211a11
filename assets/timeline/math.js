// Symbols in words: x_t, x̂₀, β̃ and σ² of titles and legends become mathematics, set as the formulas are.

import { h } from "./dom.js";

const MATHML = "http://www.w3.org/1998/Math/MathML";
// A Greek letter, or a letter with a mark, an index or a power; its marks, its index, its power.
const SYMBOL =
  /(?<![\p{L}\p{M}])(?:([\p{Script=Greek}ℓ])(\p{M}*)|(\p{L})(\p{M}+|(?=[_₀-₉⁰¹²³⁴-⁹])))(?:_([\p{L}\d]+)|([₀-₉]+))?([⁰¹²³⁴-⁹]+)?(?!\p{L})/gu;
/** @type {Record<string, string>} */
const OVER = { "\u0302": "ˆ", "\u0303": "˜", "\u0304": "‾" };
const LOWER = "₀₁₂₃₄₅₆₇₈₉";
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/**
 * @param {string} tag
 * @param {...(string | Element)} children
 */
function node(tag, ...children) {
  const element = document.createElementNS(MATHML, tag);
  element.append(...children);
  return element;
}

const plain = (/** @type {string} */ digits, /** @type {string} */ alphabet) =>
  [...digits].map((digit) => alphabet.indexOf(digit)).join("");

/** A word that is a number, or letters: in letters as variables are set. */
const atom = (/** @type {string} */ word) => node(/^\d+$/.test(word) ? "mn" : "mi", word);

/**
 * @typedef {object} Symbolic
 * @property {string} letter
 * @property {string} marks that stand over it
 * @property {string} index
 * @property {string} power
 */

function symbol(/** @type {Symbolic} */ { letter, marks, index, power }) {
  let base = node("mi", letter);
  for (const mark of marks) {
    const over = node("mo", OVER[mark] ?? mark);
    over.setAttribute("stretchy", "false");
    base = node("mover", base, over);
  }
  const ends = [index, power].filter(Boolean).map(atom);
  const tag = index && power ? "msubsup" : index ? "msub" : power ? "msup" : "";
  return node("math", tag ? node(tag, base, ...ends) : base);
}

/**
 * A text taken apart: words, and symbols.
 * @param {string} text
 * @returns {(string | Symbolic)[]}
 */
export function symbolsOf(text) {
  const apart = text.normalize("NFD");
  /** @type {(string | Symbolic)[]} */
  const pieces = [];
  let end = 0;
  for (const found of apart.matchAll(SYMBOL)) {
    const [whole, greek, over, letter, accent, index, digits, power] = found;
    pieces.push(apart.slice(end, found.index).normalize("NFC"));
    pieces.push({
      letter: greek ?? letter,
      marks: over || accent || "",
      index: index ?? plain(digits ?? "", LOWER),
      power: plain(power ?? "", RAISED),
    });
    end = found.index + whole.length;
  }
  pieces.push(apart.slice(end).normalize("NFC"));
  return pieces.filter(Boolean);
}

/** Text, with its symbols as mathematics. */
export function mathText(/** @type {string} */ text) {
  return h("span", {}, ...symbolsOf(text).map((piece) => (typeof piece === "string" ? piece : symbol(piece))));
}

/** A symbol that stands alone, whatever letter it is. */
export function mathSymbol(/** @type {string} */ name) {
  const [, letter, index] = name.match(/^(.)(?:_(.+))?$/u) ?? ["", name, ""];
  return symbol({ letter, marks: "", index: index ?? "", power: "" });
}

/** A letter as mathematics slants it, for a canvas. */
export function slanted(/** @type {string} */ letter) {
  const code = letter.codePointAt(0) ?? 0;
  if (letter === "h") return "ℎ";
  if (/^[a-z]$/.test(letter)) return String.fromCodePoint(0x1d44e + code - 0x61);
  if (/^[α-ω]$/.test(letter)) return String.fromCodePoint(0x1d6fc + code - 0x3b1);
  return letter;
}
