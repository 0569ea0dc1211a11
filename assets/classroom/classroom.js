// The class on a page: two buttons in the sidebar, a form on the start page, and, while there is a class, a bar at the
// foot of the window. There is one of it, however often Streamlit draws its buttons anew.

/** @import { Mounting } from "../timeline/types.d.ts" */
/** @import { Bar } from "./bar.js" */
/** @import { Data, Page, Started } from "./types.d.ts" */

import { h } from "../timeline/dom.js";
import { lastBar, studentBar, teacherBar } from "./bar.js";
import { askCode, codeForm, showCode } from "./dialogs.js";
import { forget, keep, kept, seat } from "./kept.js";
import { placeOf } from "./place.js";
import { post } from "./post.js";
import { Student } from "./student.js";
import { stateAt, Teacher } from "./teacher.js";
import { podium } from "../timeline/podium.js";

const CLASSROOM = Symbol.for("classroom");
const COLORS = [
  "primary-color",
  "background-color",
  "secondary-background-color",
  "text-color",
  "border-color",
  "font",
];

/**
 * Streamlit calls this at mounting and again when data or theme change.
 * @param {Mounting<Data>} mounting
 */
export default function mount(mounting) {
  if (location.hash === "#print") return;
  const page = /** @type {Record<symbol, Classroom>} */ (/** @type {unknown} */ (globalThis));
  const classroom = (page[CLASSROOM] ??= new Classroom(mounting));
  classroom.update(mounting);
}

/** @implements {Page} */
class Classroom {
  constructor(/** @type {Mounting<Data>} */ mounting) {
    this.host = h("div", { class: "classroom" });
    this.shadow = this.host.attachShadow({ mode: "open" });
    this.mounting = mounting;
    /** @type {Student | Teacher | null} */
    this.role = null;
    /** @type {Bar | null} */
    this.bar = null;
    /** What stands on the page itself: by where it does. @type {Map<string, HTMLElement>} */
    this.places = new Map();
    this.asked = "";
    document.body.append(this.host);
  }

  get data() {
    return this.mounting.data;
  }

  /** Words, colours or the address may be others. */
  update(/** @type {Mounting<Data>} */ mounting) {
    const { parentElement, data } = mounting;
    const place = placeIn(parentElement);
    if (data.door) {
      this.places.set("door", place);
      this.drawDoor(place, data);
      return;
    }
    const spoken = this.mounting === mounting || this.data.words.class !== data.words.class;
    this.mounting = mounting;
    this.places.set("foot", place);
    this.dress(place);
    this.resume();
    if (spoken) this.makeBar();
    this.drawFoot();
  }

  /** The colours of the page, and the style of the component, where the bar is. */
  dress(/** @type {HTMLElement} */ place) {
    const style = getComputedStyle(place);
    for (const name of COLORS) this.host.style.setProperty(`--st-${name}`, style.getPropertyValue(`--st-${name}`));
    this.host.style.colorScheme = style.colorScheme;
    if (this.shadow.querySelector("style")) return;
    const tree = place.getRootNode();
    if (tree instanceof ShadowRoot)
      this.shadow.append(...[...tree.querySelectorAll("style")].map((one) => one.cloneNode(true)));
  }

  /** Go on with what the tab remembers, or join by the address. */
  resume() {
    const { code } = this.data;
    if (this.role) return;
    const known = kept();
    if (known?.role === "teacher") this.take(new Teacher(known, this));
    else if (code && code !== this.asked) {
      this.asked = code;
      void this.join(code, known?.code === code ? known.follows : true).then((wrong) => {
        if (wrong) this.end(wrong);
      });
    }
  }

  take(/** @type {Student | Teacher} */ role) {
    this.role?.stop();
    this.role = role;
    role.begin();
    this.makeBar();
    this.drawFoot();
  }

  // --- what a press asks for ---

  async start() {
    const place = placeOf(location.href, this.lessons(), podium().timelines);
    const { answer, refused } = await /** @type {ReturnType<typeof post<Started>>} */ (
      post("start", { seat: seat(), path: location.pathname, state: stateAt(place) })
    );
    if (!answer) return this.why(refused);
    keep({ role: "teacher", ...answer });
    const teacher = new Teacher(answer, this);
    this.take(teacher);
    showCode(this.shadow, teacher, this.data);
    return "";
  }

  /** Join; what is wrong, if something is. */
  async join(/** @type {string} */ code, follows = true) {
    const { refused } = await post("join", { code, seat: seat() });
    if (refused) return this.why(refused);
    this.asked = code;
    keep({ role: "student", code, follows });
    this.take(new Student({ code, follows }, this));
    if (this.data.code !== code) this.mounting.setTriggerValue("code", code);
    return "";
  }

  leave() {
    this.drop();
    this.bar = null;
    this.showBar();
  }

  why(/** @type {string} */ word) {
    const { words } = this.data;
    return words.refused[word] ?? words.away;
  }

  // --- what a role asks for ---

  lessons() {
    return Object.keys(this.data.titles);
  }

  go(/** @type {{ lesson: string, query: string }} */ place) {
    this.mounting.setTriggerValue("go", place);
  }

  draw() {
    this.bar?.draw();
  }

  over(/** @type {"ended" | "over"} */ word) {
    this.end(this.data.words[word]);
  }

  /** There is no class, or none any more: one sentence says so. */
  end(/** @type {string} */ sentence) {
    for (const dialog of this.shadow.querySelectorAll("dialog")) dialog.close();
    this.drop();
    this.bar = lastBar(sentence, this.data, () => this.leave());
    this.showBar();
  }

  drop() {
    this.role?.stop();
    this.role = null;
    forget();
    if (this.data.code) this.mounting.setTriggerValue("code", "");
    this.drawFoot();
  }

  // --- what is drawn ---

  makeBar() {
    const { role } = this;
    if (role instanceof Student) this.bar = studentBar(role, this.data, () => this.leave());
    else if (role) this.bar = teacherBar(role, this.data, () => showCode(this.shadow, role, this.data));
    else return;
    this.showBar();
  }

  showBar() {
    this.shadow.querySelector(".bar")?.remove();
    if (this.bar) this.shadow.append(this.bar.element);
    document.body.classList.toggle("in-class", this.bar !== null);
  }

  drawFoot() {
    const place = this.places.get("foot");
    const { words } = this.data;
    const status = h("small", { role: "status" });
    const start = async () => {
      status.textContent = await this.start();
    };
    const parts = this.role
      ? []
      : [
          h("button", { type: "button", click: () => void start() }, words.start),
          h(
            "button",
            { type: "button", click: () => askCode(this.shadow, this.data, (code) => this.join(code)) },
            words.join,
          ),
          status,
        ];
    place?.replaceChildren(h("div", { class: "entrance" }, ...parts));
    const door = this.places.get("door");
    if (door) door.hidden = this.role !== null;
  }

  drawDoor(/** @type {HTMLElement} */ place, /** @type {Data} */ data) {
    const { words } = data;
    place.replaceChildren(
      h(
        "div",
        { class: "door" },
        h("span", {}, words.door),
        codeForm(data, (code) => this.join(code)),
      ),
    );
    place.hidden = this.role !== null;
  }
}

/** What of a component is drawn anew: its style stands beside it. */
function placeIn(/** @type {HTMLElement} */ parent) {
  const known = /** @type {HTMLElement | null} */ (parent.querySelector(".place"));
  if (known) return known;
  const place = h("div", { class: "place" });
  parent.append(place);
  return place;
}
