// What stands at the foot of the window for as long as there is a class: how it stands, and what one can do.

/** @import { Student } from "./student.js" */
/** @import { Teacher } from "./teacher.js" */
/** @import { Data } from "./types.d.ts" */

import { h } from "../timeline/dom.js";
import { fill } from "../timeline/fill.js";
import { spelled } from "./place.js";

/**
 * A bar: a sentence, which is read aloud when it changes, and buttons.
 * @typedef {{ element: HTMLElement, draw: () => void }} Bar
 */

function button(/** @type {string} */ label, /** @type {() => void} */ click, kind = "") {
  return h("button", { type: "button", class: kind, click }, label);
}

/** Set a text, if it is another: what listens would hear it again. */
function say(/** @type {Element} */ element, /** @type {string} */ text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {string} name
 * @param {...Element} parts
 */
function barOf(name, ...parts) {
  return h("section", { class: "bar", "aria-label": name }, ...parts);
}

/**
 * @param {Student} student
 * @param {Data} data
 * @param {() => void} leave
 * @returns {Bar}
 */
export function studentBar(student, { words }, leave) {
  const status = h("p", { role: "status" });
  const code = h("span", { class: "code" }, spelled(student.code));
  const again = button(words.again, () => student.again(), "primary");
  const lost = button(words.lost, () => void student.lost());
  const draw = () => {
    const { connected, saidLost, follows } = student;
    say(status, !connected ? words.away : saidLost ? words.lost_said : follows ? words.following : words.alone);
    if (follows && again.matches(":focus")) lost.focus();
    again.hidden = follows;
  };
  draw();
  return { element: barOf(words.class, status, code, again, lost, button(words.leave, leave)), draw };
}

/**
 * @param {Teacher} teacher
 * @param {Data} data
 * @param {() => void} show
 * @returns {Bar}
 */
export function teacherBar(teacher, { words, titles }, show) {
  const status = h("p", { role: "status" });
  const code = h("span", { class: "code" }, spelled(teacher.started.code));
  const counts = h("p", { class: "counts" }); // not read aloud whenever someone comes
  const lost = h("p", { class: "lost" });
  const draw = () => {
    const { connected, refused, counts: now } = teacher;
    say(status, !connected ? words.away : refused ? words.refused[refused] : "");
    say(counts, fill(words.here, { here: now.here, following: now.following }));
    say(lost, now.lost.map((one) => lostAt(one, words, titles)).join(" · "));
  };
  draw();
  return { element: barOf(words.class, code, counts, lost, status, button(words.show, show)), draw };
}

/**
 * @param {import("./types.d.ts").Counts["lost"][0]} where
 * @param {Data["words"]} words
 * @param {Data["titles"]} titles
 */
function lostAt({ lesson, t, count }, words, titles) {
  const place = { lesson: titles[lesson], t: Number(t.toPrecision(4)) };
  return fill(words.lost_here, { ...place, count: count ?? words.lost_few });
}

/**
 * One sentence, and there is no class any more.
 * @param {string} sentence
 * @param {Data} data
 * @param {() => void} close
 * @returns {Bar}
 */
export function lastBar(sentence, { words }, close) {
  const status = h("p", { role: "status" });
  say(status, sentence);
  return { element: barOf(words.class, status, button(words.close, close)), draw: () => {} };
}
