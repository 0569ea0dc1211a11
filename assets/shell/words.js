// Streamlit's and Plotly's own words, in the reader's language. They come in English and cannot be chosen, so they are
// exchanged where they stand: a node keeps its identity, and only what reads exactly so is touched.

const TOLD = ["aria-label", "title", "placeholder", "data-title"];
const WORDED = TOLD.map((name) => `[${name}]`).join();
// Where whole words of Streamlit stand as text. Elsewhere text is the page's own.
const SPOKEN = [
  "stSkipToContent",
  "stMainMenuPopover",
  "stFileUploaderDropzone",
  "stFileUploaderFile",
  "InputInstructions",
  "stStatusWidget",
  "stBaseButton-secondary",
]
  .map((name) => `[data-testid="${name}"]`)
  .join();

/** @typedef {Record<string, string>} Words in any language, and what is said instead; a {} stands for anything. */

/**
 * What is said instead of a text; null where nothing is.
 * @param {string} text
 * @param {Words} words
 * @returns {string | null}
 */
export function exchanged(text, words) {
  const bare = text.trim();
  if (Object.hasOwn(words, bare)) return text.replace(bare, () => words[bare]);
  for (const [english, other] of Object.entries(words)) {
    const [before, after, more] = english.split("{}");
    if (after === undefined || more !== undefined) continue;
    const fits = bare.length > before.length + after.length && bare.startsWith(before) && bare.endsWith(after);
    if (fits) return other.replace("{}", () => bare.slice(before.length, bare.length - after.length));
  }
  return null;
}

/** Exchange all that stands in the document now. @param {Words} words */
export function exchange(words) {
  for (const element of document.querySelectorAll(WORDED)) {
    for (const name of TOLD) {
      const said = exchanged(element.getAttribute(name) ?? "", words);
      if (said !== null && said !== element.getAttribute(name)) element.setAttribute(name, said);
    }
  }
  for (const place of document.querySelectorAll(SPOKEN)) {
    const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const said = exchanged(node.nodeValue ?? "", words);
      if (said !== null && said !== node.nodeValue) node.nodeValue = said;
    }
  }
}
