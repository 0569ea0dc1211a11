// What is said of a panel is what is shown, and a formula is said as one reads it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { corners } from "../../assets/timeline/diagram.js";
import { spoken } from "../../assets/timeline/spoken.js";
import { sentences, summary, top } from "../../assets/timeline/words.js";
import { readScene } from "./golden.js";

const { labels } = readScene("points").spec;

/** MathML, read without a browser: tags without attributes but for their names. */
function parse(xml) {
  const root = { localName: "", children: [], textContent: "" };
  const open = [root];
  for (const [, close, name, text] of xml.matchAll(/<(\/?)(\w+)[^>]*>|([^<]+)/g)) {
    if (text) open.forEach((node) => (node.textContent += text));
    else if (close) open.pop();
    else {
      const node = { localName: name, children: [], textContent: "" };
      open.at(-1).children.push(node);
      open.push(node);
    }
  }
  return root.children[0];
}

test("the closed form is said from left to right, each root to its end", () => {
  const alphaBar = "<msub><mover><mi>α</mi><mo>‾</mo></mover><mi>t</mi></msub>";
  const xml =
    `<math><mtable><mtr><mtd><msub><mi>x</mi><mi>t</mi></msub></mtd><mtd><mo>=</mo></mtd><mtd><msqrt>${alphaBar}</msqrt>` +
    "<mo>·</mo><msup><mi>ε</mi><mn>2</mn></msup></mtd></mtr><mtr><mtd></mtd><mtd><mo>=</mo></mtd><mtd><mn>−1.5</mn></mtd></mtr>" +
    "</mtable></math>";
  assert.equal(
    spoken(parse(xml), labels),
    "x sub t equals the root of alpha bar sub t, end of root times epsilon squared; equals negative 1.5",
  );
  const other = spoken(parse("<mfrac><mn>1</mn><mover><mi>β</mi><mo>˜</mo></mover></mfrac>"), labels);
  assert.equal(other, "the fraction 1 over beta tilde, end of fraction");
});

test("mean and deviation are those of every so-manieth value", () => {
  assert.deepEqual(summary([1, 9, 3, 9, 5, 9], 0, 2), { n: 3, mean: 3, deviation: Math.sqrt(8 / 3) });
  assert.equal(top([1, 4, 4, 2]), 1);
});

/** A stage with one track. */
const stage = (values, width, pick = null) => ({
  labels,
  position: 0,
  pick: 1,
  picks: (kind) => kind === pick,
  tracks: { get: () => ({ at: () => values, value: (p, i) => values[i], width }) },
});

test("a cloud is said by its mean, its deviation, what of it is in the frame, and what is picked", () => {
  const spec = {
    kind: "plane",
    domain: [-1, 1],
    layers: [{ kind: "points", track: "x", label: null }, { kind: "density" }],
  };
  const said = sentences(spec, {}, stage([0, 0.5, 0.5, 0.5, -3, 0.5, 0.5, 0.5], 2, "point"));
  assert.match(said[0], /^4 points: mean \(−0\.5000, 0\.5000\), standard deviation \(1\.458, 0\.000\); 75\.0 %/);
  assert.equal(said[1], "Picked: point 1, at (0.5000, 0.5000).");
});

test("of a diagram is said what is at work and what is not", () => {
  const { spec } = readScene("diagram");
  const said = (late) => sentences(spec.panels[0], { late: [late], early: [1 - late] }, stage([], 1));
  assert.deepEqual(said(0), ["At work: latent (B, 2).", "At rest: generator."]);
  assert.deepEqual(said(1), ["At work: generator.", "At rest: latent (B, 2)."]);
});

test("a network gets narrower or wider to the right, a tensor does not", () => {
  const sides = (form) => corners([0, 0], [2, 10], form).map((corner) => Number(corner.split(",")[1]));
  assert.deepEqual(sides("plain"), [-5, -5, 5, 5]);
  assert.deepEqual(sides("narrow"), [-5, -3, 3, 5]);
  assert.deepEqual(sides("wide"), [-3, -5, 5, 3]);
});

test("pictures, histograms, curves and lines are said by their numbers", () => {
  const images = { kind: "images", track: "x", height: 1, width: 2, channels: 1, value_range: [-1, 1] };
  assert.match(
    sentences(images, {}, stage([0, 1, 0, 1], 1))[0],
    /^2 pictures of 1 × 2: mean 0\.5000, .* 0\.5000; −1\.0 is/,
  );
  const bars = { kind: "histogram", track: "x", component: null, domain: [0, 4], bins: 2, mark: null };
  assert.match(
    sentences(bars, { heights: [0.1, 0.4] }, stage([1, 3, 3], 1))[0],
    /^3 values: mean 2\.333, .*0\.4000, at 3\.000/,
  );
  const curves = { kind: "curves", series: [{ label: "q" }], handles: [] };
  const drawn = { domain: [-2, 2], q: [0, 1, 0, 0, 0] };
  assert.equal(sentences(curves, drawn, stage([], 1))[0], "q: highest at −1.000, on an axis from −2.00 to 2.00.");
  const lines = { kind: "lines", series: [{ label: "β" }, { label: "gap" }] };
  assert.deepEqual(sentences(lines, { β: [0.02], gap: [NaN] }, stage([], 1)), ["β: 0.02000.", "gap: –."]);
});

test("a waterfall is said piece by piece, then its sum", () => {
  const { pieces } = readScene("curves").spec.panels.at(-1);
  const said = sentences({ kind: "waterfall", pieces }, {}, { ...stage([], 1), position: 2 });
  assert.deepEqual(said, ["L_0: 1.000.", "L_1: −2.000.", "L_2: 3.000.", "Σ: 2.000."]);
});
