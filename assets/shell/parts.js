// The parts of a page that have an address: a section, a derivation or a check (`#schedules`, `#E2`) and an entry of the
// ledger (`#E17`). Streamlit writes the keys of what it draws into class names; the address is found there.

const PART = '[class*="st-key-open_"], [class*="st-key-entry_"]';
const NAME = /(?:^|\s)st-key-(?:open|entry)_(\w+)/;
const STEP = 150; // ms
const CALM = 10; // steps without a move: the page stands
const MOST = 400; // steps: a minute for a slow server

/** The name in a class name; "" where there is none. @param {string} className */
export function nameIn(className) {
  return NAME.exec(className)?.[1] ?? "";
}

/** The name of the part that is around an element. @param {EventTarget | null} target */
export function nameAround(target) {
  const part = target instanceof Element ? target.closest(PART) : null;
  return part ? nameIn(part.className) : "";
}

/** The part, heading or entry of a name, if it is drawn. @param {string} name @returns {Element | null} */
function partOf(name) {
  const known = CSS.escape(name);
  return document.querySelector(`.st-key-open_${known}, .st-key-entry_${known}`) ?? document.getElementById(name);
}

/** The name that an address ends with. @param {string} hash */
export function nameOf(hash) {
  return /^#\w+$/.test(hash) && hash !== "#print" ? hash.slice(1) : "";
}

/** Bring a part into view, as soon as it is drawn, and hold it there while the page above it grows; a hand ends it. */
export function bringIntoView(/** @type {string} */ name) {
  const hand = new AbortController();
  let steps = 0;
  let calm = 0;
  let before = NaN;
  const timer = setInterval(() => {
    const part = partOf(name);
    if (part) {
      part.scrollIntoView({ block: "start", behavior: "instant" });
      const top = Math.round(part.getBoundingClientRect().top);
      calm = top === before ? calm + 1 : 0;
      before = top;
    }
    if (calm >= CALM || ++steps >= MOST) hand.abort();
  }, STEP);
  hand.signal.addEventListener("abort", () => clearInterval(timer));
  for (const event of ["wheel", "touchmove", "pointerdown", "keydown"]) {
    window.addEventListener(event, () => hand.abort(), { signal: hand.signal, capture: true, passive: true });
  }
}
