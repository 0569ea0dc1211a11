// The timeline: one slider over the positions, and panels that are drawn at once, here in the browser, whenever it
// moves. Python hears of a change only when a hand lets go (`change`), a step is made, or the play ends.

const PANELS = {
  plane: planePanel, images: imagesPanel, histogram: histogramPanel, curves: curvesPanel, lines: linesPanel,
  formula: formulaPanel, numbers: numbersPanel,
};
const SPEEDS = [0.25, 0.5, 1, 2, 4];
const QUIET = 150; // ms without a change before Python hears of it
const KEPT = 2000; // timings
const ICONS = {
  play: "M7 4.5v15l13-7.5z",
  pause: "M6 4.5h4.5v15H6zM13.5 4.5H18v15h-4.5z",
  back: "M6 5h2.5v14H6zM19 5v14l-9.5-7z",
  forward: "M15.5 5H18v14h-2.5zM5 5l9.5 7L5 19z",
};
const DAMAGED = "The data of this picture arrived damaged; reload the page. 图像数据已损坏，请刷新页面。";

const mounted = new WeakMap();

/** Streamlit calls this at mounting and again when data or theme change. */
export default function ({ parentElement, data, setStateValue }) {
  if (!mounted.has(parentElement)) mounted.set(parentElement, createTimeline(parentElement));
  const timeline = mounted.get(parentElement);
  timeline.update(data, setStateValue);
  return () => {
    timeline.destroy();
    mounted.delete(parentElement);
  };
}

function createTimeline(parent) {
  const root = h("div", { class: "timeline" });
  parent.append(root);
  let [data, current, tell] = [null, null, null];

  function update(bytes, setStateValue) {
    tell = setStateValue;
    if (bytes === data) {
      current?.refresh(); // another theme
      return;
    }
    data = bytes;
    const before = current;
    before?.stop();
    try {
      current = runTimeline(root, readBlob(bytes), before, (...change) => tell(...change));
      current.refresh();
      current.begin();
    } catch (error) {
      console.warn(error);
      current = null;
      root.replaceChildren(h("p", { class: "damaged", role: "alert" }, DAMAGED));
    }
  }

  // A change of size redraws at once: the observer runs before the browser paints.
  const observer = new ResizeObserver(() => current?.refresh());
  observer.observe(root);
  return {
    update,
    destroy: () => {
      observer.disconnect();
      current?.stop();
      root.remove();
    },
  };
}

/** Build everything for one blob, inside root; `before` is what was shown, so that the place is kept. */
function runTimeline(root, { spec, arrays }, before, tell) {
  const { positions, labels } = spec;
  const last = positions.length - 1;
  const kept = before && before.jump === spec.jump && before.positions.join() === positions.join();
  const stage = {
    spec, arrays, positions, labels,
    tracks: makeTracks(spec.tracks, arrays, positions.length),
    kind: spec.pick_kind,
    picks: (kind) => spec.pick_kind === kind,
    position: kept ? before.stage.position : spec.position,
    pick: kept && before.stage.pick < spec.pick_count ? before.stage.pick : spec.pick,
    theme: null,
    setPick(pick) {
      stage.pick = pick;
      draw(stage.position);
      reportSoon();
    },
    drag(track, value) {
      stage.tracks.get(track).set(value);
      draw(stage.position);
    },
    drop: () => tell("dragged", { ...stage.tracks.dragged(), at: Date.now() }), // the same values are news again
  };
  const sent = before ? before.sent : { t: positions[spec.position], position: spec.position, pick: spec.pick };
  const self = { stage, sent, positions, jump: spec.jump, wasPlaying: false, refresh, begin, stop };
  const timings = [];

  // --- elements ---
  const slider = h("input", {
    type: "range", min: 0, max: last, step: 1, "aria-label": labels.timestep,
    input: () => { pause(); draw(Number(slider.value)); },
    change: reportSoon,
    keydown: pageKeys,
  });
  const playButton = iconButton("play", labels.play, () => (playing ? pauseAndReport() : play()));
  const readout = h("output", { class: "readout" });
  const [, caption, symbol] = labels.timestep.match(/^(.*?)\s*(\S+)$/);
  const [readoutName, readoutValue] = [h("i", {}, symbol), h("span", { class: "number" })];
  readout.append(readoutName, "\u00a0=\u00a0", readoutValue);
  readoutValue.style.minWidth = `${Math.max(...positions.map((t) => String(t).length))}ch`;
  const speed = h("select", { class: "speed", "aria-label": labels.speed, title: labels.speed },
    ...SPEEDS.map((s) => h("option", { value: s, ...(s === 1 ? { selected: "" } : {}) }, `${s}×`)));
  if (before) speed.value = before.speed.value;
  const live = h("p", { class: "visually-hidden", "aria-live": "polite" });
  const controls = h("div", { class: "controls", role: "group", "aria-label": labels.timestep },
    h("div", { class: "buttons" },
      iconButton("back", labels.back, () => step(-1)), playButton, iconButton("forward", labels.forward, () => step(1)), speed),
    h("label", { class: "scrubber" },
      h("span", { class: "caption" }, caption, " ", h("i", {}, symbol)),
      slider,
      h("span", { class: "ends", "aria-hidden": "true" }, h("span", {}, String(positions[0])), h("span", {}, String(positions[last])))),
    readout);
  const grid = h("div", { class: "panels" });
  self.speed = speed;
  const panels = spec.panels.map((panel) => mountPanel(panel, stage, grid));
  root.replaceChildren(controls, grid, live);
  root.onkeydown = (event) => {
    const busy = event.composedPath()[0].matches("button, select");
    if (event.key === " " && !busy) {
      event.preventDefault();
      playing ? pauseAndReport() : play();
    }
  };

  // --- drawing ---
  function draw(position, fresh = false) {
    const start = performance.now();
    stage.position = position;
    const t = positions[position];
    slider.value = position;
    slider.setAttribute("aria-valuetext", `${symbol} = ${t}`);
    slider.style.setProperty("--done", `${last ? (100 * position) / last : 0}%`);
    readoutValue.textContent = t;
    for (const panel of panels) panel.draw(position, fresh);
    root.dataset.position = position;
    root.dataset.t = t;
    timings.push(performance.now() - start);
    if (timings.length > KEPT) timings.shift();
  }

  function refresh() {
    stage.theme = readTheme(root, spec.ramps);
    root.classList.toggle("dark", stage.theme.dark);
    root.style.setProperty("--floor", stage.theme.floor);
    draw(stage.position, true);
  }

  // --- telling Python ---
  let timer = 0;
  function reportSoon() {
    clearTimeout(timer);
    timer = setTimeout(report, QUIET);
  }

  /** Only what changed is sent: each value sent is a run of the script. A place that follows from t goes unsaid. */
  function report() {
    clearTimeout(timer);
    if (playing) return;
    const [t, position, pick] = [positions[stage.position], stage.position, stage.pick];
    live.textContent = `${symbol} = ${t}`;
    const understood = positions[sent.position] === t ? sent.position : positions.indexOf(t);
    const changes = { t, position: understood === position ? sent.position : position, pick };
    for (const name of ["position", "pick", "t"]) {
      if (changes[name] === sent[name]) continue;
      sent[name] = changes[name];
      tell(name, changes[name]);
    }
  }

  // --- moving ---
  let [playing, frame] = [false, 0];

  function step(by) {
    pause();
    draw(Math.min(last, Math.max(0, stage.position + by)));
    reportSoon();
  }

  function pageKeys(event) {
    const by = { PageUp: 1, PageDown: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    step(by * Math.max(1, Math.round(last / 10)));
  }

  function play() {
    if (last === 0) return;
    clearTimeout(timer);
    setPlaying(true);
    let [place, earlier] = [stage.position === last ? 0 : stage.position, performance.now()];
    const tick = (now) => {
      place += (Math.min(100, Math.max(0, now - earlier)) / 1000) * Number(speed.value) * (last / seconds(positions.length));
      earlier = now;
      if (place >= last) {
        draw(last);
        pauseAndReport();
        return;
      }
      if (Math.floor(place) !== stage.position) draw(Math.floor(place));
      frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
  }

  function pause() {
    cancelAnimationFrame(frame);
    if (playing) setPlaying(false);
  }

  function pauseAndReport() {
    pause();
    report();
  }

  function setPlaying(value) {
    playing = value;
    setIcon(playButton, value ? "pause" : "play", value ? labels.pause : labels.play);
    root.classList.toggle("playing", value);
  }

  /** Go on as before; or play, if that is wished. Python hears of a place that it does not know yet. */
  function begin() {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (before ? kept && before.wasPlaying : spec.autoplay && !still) play();
    else if (before) report();
  }

  function stop() {
    self.wasPlaying = playing;
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    playing = false;
  }

  root.timeline = {
    positions, timings, draw, panels,
    read: (name) => Float64Array.from(stage.tracks.get(name).at(stage.position)),
    numbers: (index) => panels[index].numbers(),
    get pick() { return stage.pick; },
  };
  return self;
}

/** How long a play lasts at 1x: five seconds for a chain of fifty steps, eight for a thousand. */
function seconds(count) {
  if (count <= 51) return Math.max(1.5, count / 10);
  return 5 + 3 * Math.min(1, Math.log(count / 51) / Math.log(1001 / 51));
}

function iconButton(icon, label, click) {
  const button = h("button", { type: "button", class: icon, click });
  button.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path/></svg>';
  setIcon(button, icon, label);
  return button;
}

function setIcon(button, icon, label) {
  button.querySelector("path").setAttribute("d", ICONS[icon]);
  button.setAttribute("aria-label", label);
  button.title = label;
}

function mountPanel(spec, stage, grid) {
  const frame = h("div", { class: "frame" });
  const legend = h("div", { class: "legend" });
  const panel = h("section", { class: `panel ${spec.kind}`, style: `--weight:${spec.weight ?? 1}` });
  if (spec.title) panel.append(h("h3", {}, mathText(spec.title)));
  panel.append(legend, frame);
  grid.append(panel);
  for (const layer of spec.layers ?? []) {
    if (layer.label) legend.append(h("div", { class: "entry" }, h("span", { class: "swatch dot", style: `--color:${layer.color}` }), mathText(layer.label)));
  }
  return PANELS[spec.kind](spec, stage, frame, legend);
}

/** Make a frame pick by click and by arrow keys: `at(x, y)` in 0..1 from the upper left, `step(dx, dy)`. */
function pickable(frame, stage, { at, step }) {
  frame.classList.add("pickable");
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", stage.labels.pick);
  frame.title = stage.labels.pick;
  frame.addEventListener("click", (event) => {
    const box = frame.getBoundingClientRect();
    stage.setPick(at(Math.min(0.9999, Math.max(0, (event.clientX - box.left) / box.width)), Math.min(0.9999, Math.max(0, (event.clientY - box.top) / box.height))));
  });
  frame.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    stage.setPick(step(...move));
  });
}
