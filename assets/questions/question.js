// A question: it is answered here, once; Python marks it, and what is true is drawn beside what was answered.

/** @import { Mounting } from "../timeline/types.d.ts" */
/** @import { Answer, Asking, Data, Form, Labels, Place, Revealed, Sketch } from "./types.d.ts" */

import { h } from "../timeline/dom.js";
import { mathText } from "../timeline/math.js";
import { bandOf, board, legendOf, pathOf, scalesOf, svg } from "./board.js";
import { askCurve } from "./curve.js";
import { askChoice, askNumber } from "./pick.js";
import { askPoint } from "./point.js";

/** @type {WeakMap<HTMLElement, string>} */
const asked = new WeakMap();

/**
 * Streamlit calls this at mounting, and again when the answer is out.
 * @param {Mounting<Data>} mounting
 */
export default function mount({ parentElement, data, setStateValue }) {
  const now = JSON.stringify(data);
  if (asked.get(parentElement) === now) return; // another theme
  asked.set(parentElement, now);
  const root = h("div", { class: "question" }, legend(data.form));
  if (data.revealed && data.answer !== null) root.append(...answered(data, data.answer, data.revealed));
  else root.append(...open(data, (answer) => setStateValue("answer", { answer, at: Date.now() })));
  parentElement.querySelector(".question")?.remove();
  parentElement.append(root);
}

/** The question, still open, and the button that answers it. */
function open(/** @type {Data} */ { form, labels }, /** @type {(answer: Answer) => void} */ say) {
  const button = h("button", { type: "button", class: "answer" }, labels.answer);
  /** @type {Asking | null} */
  let asking = null;
  const changed = () => void (button.disabled = !asking || asking.answer() === null);
  asking = ask(form, labels, changed);
  changed();
  const { answer: given } = asking;
  button.addEventListener("click", () => {
    const answer = given();
    if (answer !== null) say(answer);
  });
  return [asking.element, button];
}

/** @returns {Asking} */
function ask(/** @type {Form} */ form, /** @type {Labels} */ labels, /** @type {() => void} */ changed) {
  switch (form.kind) {
    case "choice":
      return askChoice(form, labels, changed);
    case "number":
      return askNumber(form, labels, changed);
    case "curve":
      return askCurve(form, labels, changed);
    case "point":
      return askPoint(form, labels, changed);
  }
}

/** What was answered, and what is true. */
function answered(/** @type {Data} */ { form, labels }, /** @type {Answer} */ answer, /** @type {Revealed} */ truth) {
  if (form.kind === "choice") {
    const options = form.options.map((one, k) => {
      const letter = String.fromCharCode(65 + k);
      const said = [k === truth.option && labels.true, k === answer && labels.yours].filter(Boolean).join(" · ");
      const what = typeof one === "string" ? mathText(one) : board(one, `${labels.option} ${letter}`);
      const kind = k === truth.option ? "true" : k === answer ? "yours" : "";
      return h(
        "div",
        { class: `option ${kind} ${typeof one === "string" ? "" : "drawn"}` },
        h("b", {}, letter),
        what,
        said,
      );
    });
    return [...(form.shown ? [board(form.shown, labels.option)] : []), h("div", { class: "options" }, ...options)];
  }
  if (form.kind === "number") {
    const said = `${labels.yours}: ${answer} · ${labels.true}: ${truth.value} ± ${truth.within}`;
    return [...(form.shown ? [board(form.shown, labels.option)] : []), h("p", { class: "said" }, said)];
  }
  const root = board(form.shown, `${labels.yours}, ${labels.true}`);
  root.append(...drawn(form.shown, /** @type {number[]} */ (answer), truth));
  return [root, h("p", { class: "said" }, key("yours", labels.yours), key("true", labels.true))];
}

/** What of the sketch has a name. */
function legend(/** @type {Form} */ { shown }) {
  const named = shown ? legendOf(shown) : [];
  return h("div", { class: "legend" }, ...named.map(({ name, color }) => key("", name, color)));
}

/** A name with the mark that stands for it. */
function key(/** @type {string} */ kind, /** @type {string} */ name, color = "") {
  return h("span", { class: "key" }, h("i", { class: kind, style: color && `background: ${color}` }), mathText(name));
}

/** On the board: the answer, the truth, and how far from it counts as right. */
function drawn(/** @type {Sketch} */ shown, /** @type {number[]} */ answer, /** @type {Revealed} */ truth) {
  const { toX, toY } = scalesOf(shown);
  const within = truth.within ?? 0;
  if (truth.curve) {
    return [
      svg("polygon", { class: "band", points: bandOf(truth.curve, within, shown) }),
      svg("path", { class: "curve true", d: pathOf(truth.curve, shown) }),
      svg("path", { class: "curve yours", d: pathOf(answer, shown) }),
    ];
  }
  const [x, y] = /** @type {Place} */ (truth.point);
  const [rx, ry] = [toX(x + within) - toX(x), toY(y) - toY(y + within)];
  return [
    svg("ellipse", { class: "band", cx: toX(x), cy: toY(y), rx, ry }),
    svg("circle", { class: "mark true", cx: toX(x), cy: toY(y), r: 6 }),
    svg("circle", { class: "mark yours", cx: toX(answer[0]), cy: toY(answer[1]), r: 6 }),
  ];
}
