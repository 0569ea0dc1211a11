// The stage: slider, chosen panels and formula over the whole window, legible from the last row. A panel can be shown
// alone, and what is shown can be covered until it is asked for.

/** @import { Item } from "./arrange.js" */
/** @import { Spec, View } from "./types.d.ts" */

import { arrange, arrangeFirst, SMALLEST } from "./arrange.js";
import { iconButton } from "./controls.js";
import { contextOf, h } from "./dom.js";

/**
 * A panel on the page.
 * @typedef {object} Seen
 * @property {HTMLElement} element
 * @property {import("./types.d.ts").PanelSpec} spec
 * @property {number | null} mate the panel that shows the same of the picture beside
 */

/**
 * What a theatre leaves to the next one.
 * @typedef {{ view: View, alone: number | null, covered: Set<number> }} Stood
 */

/**
 * @typedef {object} After what follows
 * @property {() => void} redraw
 * @property {(view: View) => void} told the view is another one by hand
 */

export class Theatre {
  /**
   * @param {HTMLElement} root
   * @param {{ spec: Spec, before: Stood | null }} what
   * @param {Seen[]} panels
   * @param {After} after
   */
  constructor(root, { spec, before }, panels, after) {
    this.root = root;
    this.labels = spec.labels;
    this.panels = panels;
    this.after = after;
    this.view = before?.view ?? spec.view;
    /** @type {number | null} */
    this.alone = before?.alone ?? null;
    /** @type {Set<number>} */
    this.covered = before?.covered ?? new Set(this.view.cover ? panels.keys() : []);
    panels.forEach((panel, i) => this.furnish(panel, i));
  }

  /** The buttons in a panel's corner, and what covers it. */
  furnish(/** @type {Seen} */ { element }, /** @type {number} */ i) {
    element.append(
      h(
        "div",
        { class: "corner" },
        iconButton("alone", this.labels.alone, () => this.showAlone(this.alone === i ? null : i)),
        iconButton("away", this.labels.away, () =>
          this.choose(this.shown.filter((one) => !this.withMate(i).includes(one))),
        ),
      ),
      h("button", { type: "button", class: "veil", click: () => this.uncover(this.withMate(i)) }, this.labels.uncover),
    );
  }

  get on() {
    return this.view.stage || this.alone !== null;
  }

  /** Show it as the view wants it now, whatever was shown before. */
  apply() {
    const { root, on } = this;
    const stage = root.closest("dialog");
    if (on && !stage) this.enter();
    if (!on && stage) this.exit(stage);
    root.classList.toggle("staged", on);
    root.classList.toggle("one", this.alone !== null);
    root.classList.toggle("chosen", this.view.panels.length > 0);
    this.panels.forEach(({ element }, i) => element.classList.toggle("covered", this.covered.has(i)));
    this.layOut();
    this.after.redraw();
  }

  enter() {
    const dialog = h("dialog", { class: "theatre", tabindex: -1, "aria-label": this.labels.stage });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.back();
    });
    const focus = this.focused();
    this.root.replaceWith(dialog);
    dialog.append(this.root);
    dialog.showModal();
    (focus ?? dialog).focus();
  }

  exit(/** @type {HTMLDialogElement} */ dialog) {
    const focus = this.focused();
    dialog.close();
    dialog.replaceWith(this.root);
    focus?.focus({ preventScroll: true });
  }

  focused() {
    return /** @type {HTMLElement | null} */ (this.root.querySelector(":focus"));
  }

  /** Whether two pictures stand beside each other. */
  get paired() {
    return this.panels.some(({ mate }) => mate !== null);
  }

  /** A panel, and the one that it is compared with. */
  withMate(/** @type {number} */ i) {
    const { mate } = this.panels[i];
    return mate === null ? [i] : [i, mate].sort((a, b) => a - b);
  }

  /** Pictures and tables on the stage now, by number. */
  get shown() {
    return [...this.panels.keys()].filter((i) => !this.panels[i].element.classList.contains("off"));
  }

  // --- what a hand asks for ---

  toggle() {
    if (this.alone !== null) this.alone = null;
    else this.change({ stage: !this.view.stage });
    this.apply();
  }

  /** One step out; false where there is none. */
  back() {
    if (!this.on) return false;
    this.toggle();
    return true;
  }

  showAlone(/** @type {number | null} */ i) {
    this.alone = i;
    this.apply();
  }

  choose(/** @type {number[]} */ panels) {
    if (panels.length || !this.shown.length) this.change({ panels });
    this.apply();
  }

  all() {
    this.change({ panels: [] });
    this.apply();
  }

  uncover(/** @type {Iterable<number>} */ panels) {
    for (const i of panels) this.covered.delete(i);
    this.change({ cover: this.covered.size > 0 });
    this.apply();
  }

  /** Uncover everything; or cover it, where nothing is covered. */
  toggleCover() {
    if (this.covered.size) {
      this.uncover([...this.covered]);
      return;
    }
    this.covered = new Set(this.panels.keys());
    this.change({ cover: true });
    this.apply();
  }

  change(/** @type {Partial<View>} */ part) {
    this.view = { ...this.view, ...part };
    this.after.told(this.view);
  }

  // --- where everything lies ---

  layOut() {
    const { panels, on, alone, view } = this;
    for (const { element } of panels) {
      element.classList.remove("off");
      element.removeAttribute("data-place");
      for (const side of ["left", "top", "width", "height"]) element.style.removeProperty(side);
    }
    if (!on) return;
    const grid = /** @type {HTMLElement} */ (this.root.querySelector(".panels"));
    const area = { width: grid.clientWidth, height: grid.clientHeight };
    const of = (/** @type {number[]} */ numbers) => numbers.filter((i) => i < panels.length);
    const asked = alone !== null ? this.withMate(alone) : of(view.panels);
    const isFormula = (/** @type {number} */ i) => panels[i].spec.kind === "formula";
    const all = [...panels.keys()].filter((i) => !this.paired || !isFormula(i)); // two pictures leave it no room
    const numbers = asked.length ? asked : all;
    const formula = numbers.find(isFormula);
    const pictures = numbers.filter((i) => !isFormula(i));
    const together = pictures.every((i) => panels[i].mate !== null) ? 2 : 1;
    const items = pictures.map((i) => itemOf(panels[i], this.root));
    const room = formula === undefined ? null : roomOf(panels[formula].element);
    const plan = (asked.length ? arrange : arrangeFirst)(items, area, { formula: room, together });
    pictures.forEach((i, k) => place(panels[i].element, plan.rects[k]));
    if (formula !== undefined) {
      panels[formula].element.style.setProperty("--letters", `${plan.size}px`);
      place(panels[formula].element, plan.formula ?? undefined);
    }
    panels.forEach(({ element }, i) => element.classList.toggle("off", !numbers.includes(i) || !element.style.width));
  }
}

function place(/** @type {HTMLElement} */ { style }, /** @type {import("./arrange.js").Rect | undefined} */ rect) {
  for (const [side, value] of Object.entries(rect ?? {})) style.setProperty(side, `${value}px`);
}

/** Heights in letters: of a line of a title, of a legend, and of what a chart writes around its box. */
const EMS = { title: 1.3, entry: 1.35, rest: 0.7, axes: 2, handles: 2.2 };

/** @returns {Item} */
function itemOf(/** @type {Seen} */ { element, spec }, /** @type {HTMLElement} */ root) {
  const { fontSize, fontFamily } = getComputedStyle(root);
  const em = parseFloat(fontSize);
  const context = contextOf(document.createElement("canvas"));
  context.font = `600 ${em}px ${fontFamily}`;
  const width = (/** @type {Element | null} */ part) => context.measureText(part?.textContent ?? "").width;
  const entries = [...element.querySelectorAll(".entry:not(.off)")].map(width);
  if (spec.kind === "numbers") {
    const need = { width: Math.max(...entries) + 6 * em, height: 1.45 * em * entries.length };
    return { ratio: null, need, above: () => 0 };
  }
  const name = width(element.querySelector(".side"));
  const title = width(element.querySelector("h3")) - name;
  const legend = entries.reduce((sum, one) => sum + one + 3.2 * em, 0);
  const ratio = ratioOf(element, spec.kind);
  const chart = ratio ? 0 : EMS.axes + ("handles" in spec && spec.handles.length ? EMS.handles : 0);
  const lines = (/** @type {number} */ all, /** @type {number} */ across) => Math.ceil((1.03 * all) / across);
  const above = (/** @type {number} */ across) =>
    em *
    (EMS.title * (lines(title, across) + lines(1.1 * name, across)) +
      EMS.entry * lines(legend, across) +
      EMS.rest +
      chart);
  return { ratio, need: null, above, worth: worthOf(spec) };
}

/** A diagram is too small as soon as its shapes cannot be read from the last row. */
function worthOf(/** @type {import("./types.d.ts").PanelSpec} */ spec) {
  if (spec.kind !== "diagram") return 1;
  const READABLE = 18 / 12.5; // CSS pixels for a unit: its shapes are written with 12.5 units, and want 18 pixels
  return SMALLEST / (READABLE * Math.sqrt(spec.size[0] * spec.size[1]));
}

/** Width over height of a picture; a chart has none. */
function ratioOf(/** @type {HTMLElement} */ element, /** @type {string} */ kind) {
  if (kind === "plane") return 1;
  if (kind !== "images" && kind !== "diagram") return null;
  const frame = /** @type {HTMLElement} */ (element.querySelector(".frame"));
  return Number(frame.style.getPropertyValue("--ratio"));
}

/** The room that a formula takes, by the size of its letters. */
function roomOf(/** @type {HTMLElement} */ element) {
  const MEASURED = 20;
  element.style.setProperty("--letters", `${MEASURED}px`);
  const box = /** @type {Element} */ (element.querySelector("math")).getBoundingClientRect();
  const padding = { across: 48, down: 32 };
  return (/** @type {number} */ size) => ({
    width: (1.06 * box.width * size) / MEASURED + padding.across, // numbers grow and shrink
    height: (box.height * size) / MEASURED + padding.down,
  });
}
