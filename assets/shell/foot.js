// The foot of the sidebar: copies the address of the view on screen, prints the page. And what has to be done once for
// the whole document: say its language (to what reads it aloud, chooses its glyphs or offers to translate it), go where
// the address points, and mend what Streamlit draws.

import { mend } from "./mend.js";
import { paperAddress, printWhenDrawn } from "./paper.js";
import { bringIntoView, nameAround, nameOf } from "./parts.js";
import { exchange } from "./words.js";

/** @import { Mounting } from "../timeline/types.d.ts" */

/**
 * @typedef {object} Data
 * @property {string} lang
 * @property {string} label
 * @property {string} print
 * @property {string} copied
 * @property {string} copied_part what is said of an address that opens at a part: {part} is its name
 * @property {string} by_hand
 * @property {Record<string, string>} words Streamlit's words, and what is said instead
 */

const QUIET = 100; // ms
const OBSERVED = { subtree: true, childList: true, characterData: true, attributes: true };
const ATTRIBUTES = ["aria-label", "title", "placeholder", "data-title", "role"];

/** What the reader touched last, and on which page. */
let touched = { name: "", path: "" };
/** @type {MutationObserver | null} */
let watching = null;

/** Mend what is drawn, now and whenever something else is drawn. @param {Record<string, string>} words */
function watch(words) {
  watching?.disconnect();
  let due = 0;
  const all = () => {
    due = 0;
    mend();
    exchange(words);
  };
  watching = new MutationObserver(() => {
    due ||= setTimeout(all, QUIET);
  });
  watching.observe(document.body, { ...OBSERVED, attributeFilter: ATTRIBUTES });
  all();
}

/** Once: go where the address points, and hear what is touched. */
function begin() {
  const arrive = () => {
    const name = nameOf(window.location.hash);
    if (name) bringIntoView(name);
  };
  const touch = (/** @type {Event} */ event) => {
    const name = nameAround(event.target);
    if (name) touched = { name, path: window.location.pathname };
  };
  for (const event of ["pointerdown", "focusin"]) document.addEventListener(event, touch, { capture: true });
  window.addEventListener("hashchange", arrive);
  arrive();
  printWhenDrawn();
}

/** The address of the view on screen: language included, and the part that was touched last. @param {string} lang */
function addressOf(lang) {
  const url = new URL(window.location.href);
  url.searchParams.set("lang", lang);
  const part = touched.path === url.pathname ? touched.name : nameOf(url.hash);
  url.hash = part;
  return { href: url.href, part };
}

/**
 * Streamlit calls this at mounting and again when the language changes.
 * @param {Mounting<Data>} mounting
 */
export default function mount({ parentElement, data }) {
  const [copy, print] = parentElement.querySelectorAll("button");
  const field = parentElement.querySelector("input");
  const say = parentElement.querySelector("[role=status]");
  if (!copy || !print || !field || !say) throw new TypeError("foot.html lacks a part.");
  document.documentElement.lang = data.lang === "zh" ? "zh-CN" : data.lang;
  if (!watching) begin();
  watch(data.words);
  for (const [button, label] of /** @type {const} */ ([
    [copy, data.label],
    [print, data.print],
  ])) {
    const words = button.querySelector("span");
    if (words) words.textContent = label;
  }
  print.onclick = () => window.open(paperAddress(window.location.href, data.lang));
  copy.onclick = async () => {
    // Where the browser keeps its clipboard from us (plain http on a local network), the address is shown, selected.
    const { href, part } = addressOf(data.lang);
    field.value = href;
    try {
      await navigator.clipboard.writeText(href);
      field.hidden = true;
      say.textContent = part ? data.copied_part.replace("{part}", part) : data.copied;
    } catch {
      field.hidden = false;
      field.select();
      say.textContent = data.by_hand;
    }
    setTimeout(() => (say.textContent = ""), 4000);
  };
}
