// Which parts of a title or a legend are mathematics.

import assert from "node:assert/strict";
import { test } from "node:test";

import { slanted, symbolsOf } from "../../assets/timeline/math.js";

/** A text as its pieces: words as they are, symbols with their parts between bars. */
const read = (text) =>
  symbolsOf(text).map((piece) =>
    typeof piece === "string" ? piece : [piece.letter, piece.marks, piece.index, piece.power].join("|"),
  );

test("letters with an index, a mark or a power are symbols, and so are Greek ones", () => {
  assert.deepEqual(read("signal ᾱ_t"), ["signal ", "α|\u0304|t|"]);
  assert.deepEqual(read("x̂₀, the guess"), ["x|\u0302|0|", ", the guess"]);
  assert.deepEqual(read("用网络采样得到的 x_s"), ["用网络采样得到的 ", "x||s|"]);
  assert.deepEqual(read("N(μ, σ²)"), ["N(", "μ|||", ", ", "σ|||2", ")"]);
  assert.deepEqual(read("leading: t_N"), ["leading: ", "t||N|"]);
  assert.deepEqual(read("q_t(x) ‖ε_θ − ε*‖²"), ["q||t|", "(x) ‖", "ε||θ|", " − ", "ε|||", "*‖²"]);
  assert.deepEqual(read("β̃"), ["β|\u0303||"]);
});

test("words are not, whatever stands in them", () => {
  for (const text of ["a word, as points", "SNR_t and down_0_0", "噪声", "café", "7 × 7", "2 z"]) {
    assert.deepEqual(read(text), [text]);
  }
});

test("on a canvas a letter is slanted as mathematics slants it", () => {
  assert.deepEqual(["x", "h", "μ", "T"].map(slanted), ["𝑥", "ℎ", "𝜇", "T"]);
});
