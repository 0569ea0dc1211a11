// One blob on the screen: its controls, its panels, its player, and what Python hears of it.

/** @import { Action } from "./keys.js" */
/** @import { Contents, Hooks, Sent, Tell, TimelineRoot } from "./types.d.ts" */

import { makeControls, nameOf } from "./controls.js";
import { h } from "./dom.js";
import { fill } from "./fill.js";
import { Following } from "./following.js";
import { makeHelp } from "./help.js";
import { mountPanel } from "./panels.js";
import { Player, stopBeside } from "./player.js";
import { Reporter } from "./reporter.js";
import { spoken } from "./spoken.js";
import { cellsOf, stagesOf } from "./sides.js";
import { makeStages } from "./stage.js";
import { readTheme } from "./theme.js";
import { Theatre } from "./theatre.js";
import { sentences } from "./words.js";

const KEPT = 2000; // timings
const SETTLED = 200; // ms after which a new picture is put in words

/**
 * What a showing leaves to the next one, so that the place is kept.
 * @typedef {object} Left
 * @property {number} jump
 * @property {number[]} positions
 * @property {number} position
 * @property {number} pick
 * @property {Record<string, number>} dragged
 * @property {Sent} sent
 * @property {string} speed
 * @property {boolean} playing
 * @property {boolean} led
 * @property {boolean} helped the list of keys is open
 * @property {Theatre} theatre
 */

export class Showing {
  /**
   * Build everything inside root, in place of what was there.
   * @param {TimelineRoot} root
   * @param {Contents} contents
   * @param {Left | null} before
   * @param {Tell} tell
   */
  constructor(root, contents, before, tell) {
    const { spec } = contents;
    this.root = root;
    this.spec = spec;
    this.tell = tell;
    this.following = new Following(this, before?.led ?? false);
    this.before = before;
    this.goesOn = before?.jump === spec.jump && before.positions.join() === spec.positions.join();
    this.cells = cellsOf(contents.sides);
    this.names = contents.sides.map(({ name }) => name && `${name}:`);
    const { stage, stages } = this.makeStages(contents, tell);
    this.stage = stage;
    this.sides = stages;
    this.stages = stagesOf(this.cells, stages); // of the panels
    this.controls = this.makeControls();
    if (before) this.controls.speed.value = before.speed;
    this.help = makeHelp(spec.labels);
    this.live = h("p", { class: "visually-hidden", "aria-live": "polite" });
    this.player = this.makePlayer();
    this.reporter = this.makeReporter(tell);
    /** @type {number[]} */
    this.timings = [];
    const grid = h("div", { class: contents.sides.length > 1 ? "panels paired" : "panels" });
    this.panels = this.cells.map((cell, i) => {
      return mountPanel(cell.spec, this.stages[i], grid, { side: cell.side, name: contents.sides[cell.side].name });
    });
    const focus = focusIn(root);
    root.replaceChildren(this.controls.element, grid, this.live, this.help.element);
    this.said = [...grid.children].map((panel, i) => placeForWords(panel, i));
    this.theatre = this.makeTheatre(grid, tell);
    this.theatre.apply();
    focus();
    if (before?.helped) this.help.toggle();
    root.timeline = this.hooks();
  }

  makeStages(/** @type {Contents} */ contents, /** @type {Tell} */ tell) {
    const { spec, before, goesOn } = this;
    const position = before && goesOn ? before.position : spec.position;
    const pick = before && goesOn && before.pick < spec.pick_count ? before.pick : spec.pick;
    const made = makeStages(
      contents,
      { position, pick, theme: this.readTheme() },
      {
        redraw: () => {
          this.following.touch();
          this.draw(this.stage.position);
        },
        picked: () => this.reporter.soon(),
        dropped: (values) => {
          tell("dragged", values);
          this.describe();
        },
      },
    );
    if (before && goesOn) for (const { tracks } of made.stages) tracks.move(before.dragged);
    return made;
  }

  makeControls() {
    return makeControls(this.spec, {
      slide: (position) => {
        this.following.touch();
        this.player.pause();
        this.draw(position);
      },
      release: () => this.reporter.soon(),
      step: (by) => this.step(by),
      toggle: () => this.toggle(),
      describe: () => this.toggleWords(),
      stage: () => this.theatre.toggle(),
      all: () => this.theatre.all(),
      keys: () => this.help.toggle(),
    });
  }

  makeTheatre(/** @type {HTMLElement} */ grid, /** @type {Tell} */ tell) {
    const elements = /** @type {HTMLElement[]} */ ([...grid.children]);
    const before = this.before?.jump === this.spec.jump ? this.before.theatre : null;
    return new Theatre(
      this.root,
      { spec: this.spec, before },
      elements.map((element, i) => ({ element, ...this.cells[i] })),
      {
        redraw: () => this.refresh(),
        told: ({ stage, panels, cover }) => tell("view", { stage, panels, cover }),
      },
    );
  }

  makePlayer() {
    return new Player({
      count: this.spec.positions.length,
      position: () => this.stage.position,
      stops: this.spec.view.stops,
      speed: () => Number(this.controls.speed.value),
      draw: (position) => this.draw(position),
      changed: (playing) => {
        if (playing) this.reporter.cancel();
        this.controls.setPlaying(playing);
        this.root.classList.toggle("playing", playing);
        this.following.happened("moved");
      },
      ended: () => this.following.led || this.reporter.now(),
    });
  }

  makeReporter(/** @type {Tell} */ tell) {
    const { positions, position, pick } = this.spec;
    const sent = this.before?.sent ?? { t: positions[position], position, pick };
    const shown = {
      positions,
      now: () => this.stage,
      busy: () => this.player.playing,
      say: (/** @type {number} */ place) => {
        this.live.textContent = this.controls.say(place);
        this.describe();
      },
    };
    return new Reporter(shown, sent, tell);
  }

  /** Show a position; `fresh` where size or theme may be others. */
  draw(/** @type {number} */ position, fresh = false) {
    const start = performance.now();
    this.stage.position = position;
    this.controls.show(position);
    this.panels.forEach((panel, i) => panel.draw(this.stages[i].position, fresh));
    this.root.dataset.position = String(position);
    this.root.dataset.t = String(this.spec.positions[position]);
    this.following.happened("moved");
    this.timings.push(performance.now() - start);
    if (this.timings.length > KEPT) this.timings.shift();
  }

  /** Say in words what is shown: at rest, never while it moves. */
  describe() {
    const { panels, said, spec, stage, cells, stages } = this;
    const { symbol } = nameOf(spec.labels.timestep);
    const now = fill(spec.labels.say_now, { symbol, t: spec.positions[stage.position] });
    panels.forEach((panel, i) => {
      const { words, math } = said[i];
      math?.setAttribute("aria-label", spoken(math, spec.labels));
      const sentence = math
        ? math.getAttribute("aria-label")
        : sentences(cells[i].spec, panel.numbers(), stages[i]).join(" ");
      words.textContent = sentence ? [now, this.names[cells[i].side], sentence].filter(Boolean).join(" ") : "";
    });
  }

  toggleWords() {
    this.root.classList.toggle("worded");
    this.describe();
  }

  /** The same again, for another size or another theme. */
  refresh() {
    this.stage.theme = this.readTheme();
    this.draw(this.stage.position, true);
  }

  /** The same in another size. */
  resize() {
    this.theatre.layOut();
    this.refresh();
  }

  readTheme() {
    const theme = readTheme(this.root, this.spec.ramps);
    this.root.classList.toggle("dark", theme.dark);
    this.root.style.setProperty("--floor", theme.floor);
    return theme;
  }

  /** Go on as before; or play, if that is wished. Python hears of a place that it does not know yet. */
  begin() {
    const { before, goesOn, spec } = this;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    setTimeout(() => this.player.playing || this.describe(), SETTLED);
    if (before ? goesOn && before.playing : spec.autoplay && !still) this.player.play();
    else if (before && !this.following.led) this.reporter.now();
  }

  /**
   * Stop, and leave to the next showing what it needs.
   * @returns {Left}
   */
  leave() {
    const { stage, spec, controls, reporter, player, theatre, help } = this;
    const { playing } = player;
    const { led } = this.following;
    reporter.cancel();
    player.stop();
    const { jump, positions } = spec;
    const { position, pick } = stage;
    const dragged = this.sides[0].tracks.dragged();
    const { sent } = reporter;
    const [speed, helped] = [controls.speed.value, help.element.open];
    return { jump, positions, position, pick, dragged, playing, led, sent, theatre, speed, helped };
  }

  step(/** @type {number} */ by) {
    this.go(Math.min(this.last, Math.max(0, this.stage.position + by)));
  }

  /** There at once, by a key or a button. */
  go(/** @type {number} */ position) {
    this.following.touch();
    this.player.pause();
    this.draw(position);
    this.reporter.soon();
  }

  get last() {
    return this.spec.positions.length - 1;
  }

  goToStop(/** @type {1 | -1} */ way) {
    const { stops } = this.spec.view;
    this.go(stopBeside({ count: this.last + 1, stops }, this.stage.position, way));
  }

  /** What a key asks for; false: it means nothing now. */
  act(/** @type {Action} */ action) {
    if (this.help.element.open && action !== "keys") return false; // Escape shuts it by itself
    const acts = {
      forward: () => this.step(1),
      back: () => this.step(-1),
      next: () => this.goToStop(1),
      previous: () => this.goToStop(-1),
      first: () => this.go(0),
      last: () => this.go(this.last),
      toggle: () => this.toggle(),
      keys: () => this.help.toggle(),
      describe: () => this.toggleWords(),
      stage: () => this.theatre.toggle(),
      cover: () => this.theatre.toggleCover(),
      leave: () => this.theatre.back(),
    };
    if (!(action in acts)) return false;
    return acts[/** @type {keyof typeof acts} */ (action)]() !== false;
  }

  toggle() {
    this.following.touch();
    if (!this.player.playing) {
      this.player.play();
      return;
    }
    this.player.pause();
    this.reporter.now();
  }

  /**
   * What tests read.
   * @returns {Hooks}
   */
  hooks() {
    const { stage, sides, panels, timings } = this;
    return {
      positions: this.spec.positions,
      timings,
      panels,
      draw: (position) => this.draw(position),
      read: (name, side = 0) => Float64Array.from(sides[side].tracks.get(name).at(sides[side].position)),
      numbers: (index) => panels[index].numbers(),
      get pick() {
        return stage.pick;
      },
    };
  }
}

const FOCUSABLE = "button, select, input, [tabindex]";

/** What has the focus in root; what is returned gives it to what stands in its place then. */
function focusIn(/** @type {HTMLElement} */ root) {
  const list = () => [.../** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(FOCUSABLE))];
  const at = list().findIndex((element) => element.matches(":focus"));
  return () => list()[at]?.focus({ preventScroll: true });
}

/** Below a panel, what it shows in words; its canvas or its formula refers to that. */
function placeForWords(/** @type {Element} */ panel, /** @type {number} */ i) {
  const words = h("p", { class: "said", id: `said-${i}` });
  panel.append(words);
  panel.querySelector(".frame [role=img]")?.setAttribute("aria-describedby", words.id);
  const math = panel.querySelector(".frame math");
  math?.setAttribute("role", "math");
  return { words, math };
}
