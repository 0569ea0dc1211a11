// Which key means what, and which keys belong to something else that has the focus.

/**
 * @typedef {"forward" | "back" | "next" | "previous" | "first" | "last" | "toggle" | "stage" | "describe" | "cover"
 *   | "keys" | "leave"} Action
 */

// A presenter's remote sends the page keys: Page Down goes on, in the direction of play.
/** @type {Record<string, Action>} */
const ACTIONS = {
  ArrowRight: "forward",
  ArrowLeft: "back",
  PageDown: "next",
  PageUp: "previous",
  Home: "first",
  End: "last",
  " ": "toggle",
  s: "stage",
  d: "describe",
  c: "cover",
  "?": "keys",
  Escape: "leave",
};
const TAKES_ALL =
  "input:not(.timeline input), textarea, select, [contenteditable]:not([contenteditable=false]), video, audio, iframe, " +
  [
    "slider",
    "spinbutton",
    "combobox",
    "listbox",
    "option",
    "menu",
    "menuitem",
    "tab",
    "radio",
    "tree",
    "grid",
    "dialog",
  ]
    .map((role) => `[role=${role}]:not(.timeline *)`)
    .join(", ");
const TAKES_SPACE = "button, summary, a[href], [role=button], [role=checkbox], [role=switch]";
const TAKES_ARROWS = ".pickable, .formula .frame, [role=radiogroup], [role=tablist], [role=toolbar], [role=menubar]";

/**
 * What a key means; nothing where it belongs to what has the focus.
 * @param {Pick<KeyboardEvent, "key" | "ctrlKey" | "altKey" | "metaKey" | "defaultPrevented">} event
 * @param {EventTarget[]} path from what has the focus outwards
 * @returns {Action | null}
 */
export function actionOf({ key, ctrlKey, altKey, metaKey, defaultPrevented }, path) {
  if (ctrlKey || altKey || metaKey || defaultPrevented) return null;
  const action = ACTIONS[key];
  if (!action) return null;
  const elements = path.filter((one) => one instanceof Element);
  const inside = (/** @type {string} */ selector) => elements.some((one) => one.matches(selector));
  if (inside(TAKES_ALL)) return null;
  if (key === " " && inside(TAKES_SPACE)) return null;
  if (key.startsWith("Arrow") && inside(TAKES_ARROWS)) return null;
  return action;
}
