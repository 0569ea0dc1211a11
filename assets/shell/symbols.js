// Cards of symbols: a list in the sidebar, and at a formula that is pointed at or tapped those of its symbols.

/** @import { Mounting } from "../timeline/types.d.ts" */

/**
 * @typedef {object} Entry
 * @property {string} mathml
 * @property {string} pattern finds it in LaTeX without spaces
 * @property {string} says its name and what it means
 * @property {string} where the title of the lesson that explains it
 * @property {string} link
 * @property {string} track of the picture, which has its value; or nothing
 */

const WAIT = 350; // ms that a pointer rests on a formula before its card comes
const LEFT_OUT = /\s|\\,|\\;|\\!|\\big|\\Big/g;

/**
 * Streamlit calls this at mounting and again when the lesson or the language changes.
 * @param {Mounting<{ symbols: Entry[], title: string, now: string, explained: string }>} mounting
 */
export default function mount({ parentElement, data }) {
  const { symbols, title } = data;
  const all = element("details", "all");
  const head = element("summary");
  head.textContent = title;
  const list = element("ul");
  list.append(...symbols.map((symbol) => item(symbol, data)));
  all.append(head, list);
  const card = element("div", "card");
  card.setAttribute("role", "tooltip");
  card.hidden = true;
  parentElement.replaceChildren(all, card);
  return watch(card, (formula) => {
    const tex = texOf(formula);
    const inIt = symbols.filter(({ pattern }) => new RegExp(pattern).test(tex));
    card.replaceChildren(...inIt.map((symbol) => explained(symbol, data)));
    return inIt.length > 0;
  });
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} [name] its class
 */
function element(tag, name = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  return made;
}

/**
 * A line of the list, that opens.
 * @param {Entry} symbol
 * @param {{ now: string, explained: string }} words
 */
function item(symbol, words) {
  const [line, more, head] = [element("li"), element("details"), element("summary")];
  head.innerHTML = symbol.mathml;
  more.append(head);
  more.addEventListener("toggle", () => {
    more.querySelector("p")?.remove();
    if (more.open) more.append(explained(symbol, words));
  });
  line.append(more);
  return line;
}

/**
 * What it is, its value now, and where it is explained.
 * @param {Entry} symbol
 * @param {{ now: string, explained: string }} words
 */
function explained({ mathml, says, where, link, track }, words) {
  const about = element("p");
  about.innerHTML = mathml;
  about.append(` ${says} `);
  const value = track ? valueOf(track) : null;
  if (value !== null) {
    const output = element("output");
    output.textContent = String(Number(value.toPrecision(4)));
    about.append(`(${words.now} `, output, ") ");
  }
  const way = element("a");
  way.href = link;
  way.textContent = where;
  about.append(element("br"), `${words.explained} `, way);
  return about;
}

/** The value of a scalar track in a picture of the page, where it is now. */
function valueOf(/** @type {string} */ track) {
  for (const host of document.querySelectorAll(
    '[data-testid^="stBidiComponent"], [data-testid^="stBidiComponent"] *',
  )) {
    const root = host.shadowRoot?.querySelector(".timeline");
    const hooks = /** @type {{ timeline?: { read(name: string): Float64Array } } | null | undefined} */ (root)
      ?.timeline;
    try {
      const values = hooks?.read(track);
      if (values?.length === 1) return values[0];
    } catch {
      continue; // this picture has no such track
    }
  }
  return null;
}

/** The LaTeX of a formula of the page, as KaTeX keeps it, without spaces. */
function texOf(/** @type {Element} */ formula) {
  return (formula.querySelector("annotation")?.textContent ?? "").replace(LEFT_OUT, "");
}

/**
 * Show the card at formulas; it stays while the pointer is in it, and goes with Escape or a scroll.
 * @param {HTMLElement} card
 * @param {(formula: Element) => boolean} fill whether there is anything to show
 */
function watch(card, fill) {
  let timer = 0;
  const hide = () => {
    clearTimeout(timer);
    card.hidden = true;
  };
  const show = (/** @type {Element} */ formula) => {
    if (!fill(formula)) return;
    card.hidden = false;
    const [at, size] = [formula.getBoundingClientRect(), card.getBoundingClientRect()];
    const below = at.bottom + 6 + size.height < innerHeight;
    card.style.left = `${Math.max(8, Math.min(at.left, innerWidth - size.width - 16))}px`;
    card.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - size.height - 6)}px`;
  };
  const over = (/** @type {PointerEvent} */ event) => {
    clearTimeout(timer);
    if (event.composedPath().includes(card)) return;
    const formula = formulaAt(event);
    timer = window.setTimeout(() => (formula ? show(formula) : hide()), formula ? WAIT : 200);
  };
  const tap = (/** @type {MouseEvent} */ event) => {
    const formula = formulaAt(event);
    if (formula) show(formula);
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape") hide();
  };
  const leave = new AbortController();
  const { signal } = leave;
  document.addEventListener("pointerover", over, { signal, passive: true });
  document.addEventListener("click", tap, { signal });
  document.addEventListener("keydown", key, { signal });
  document.addEventListener("scroll", hide, { signal, capture: true, passive: true });
  return () => leave.abort();
}

/** The formula that an event is about. */
function formulaAt(/** @type {Event} */ event) {
  return event.target instanceof Element ? event.target.closest(".katex") : null;
}
