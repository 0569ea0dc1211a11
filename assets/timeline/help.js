// Which keys there are: a small list over the page.

/** @import { Labels } from "./types.d.ts" */

import { h } from "./dom.js";

/** @param {Labels} labels */
function rows(labels) {
  return [
    ["← →", labels.key_step],
    ["Page Up / Page Down", labels.key_stop],
    ["Home / End", labels.key_end],
    ["␣", labels.key_play],
    ["s", labels.stage],
    ["d", labels.describe],
    ["c", labels.key_cover],
    ["?", labels.key_keys],
    ["Esc", labels.key_leave],
  ];
}

/**
 * The list, shut; `toggle` opens and shuts it.
 * @param {Labels} labels
 */
export function makeHelp(labels) {
  const entries = rows(labels).flatMap(([keys, meaning]) => [
    h("dt", {}, ...keys.split(" / ").map((key) => h("kbd", {}, key))),
    h("dd", {}, meaning),
  ]);
  const element = h(
    "dialog",
    { class: "help", "aria-label": labels.keys, click: () => element.close() },
    h("dl", {}, ...entries),
    h("button", { type: "button", click: () => element.close() }, labels.close),
  );
  return { element, toggle: () => (element.open ? element.close() : element.showModal()) };
}
