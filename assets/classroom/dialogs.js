// What opens over the page: the code for everyone to see, and the question for a code.

/** @import { Teacher } from "./teacher.js" */
/** @import { Data } from "./types.d.ts" */

import { h } from "../timeline/dom.js";
import { fill } from "../timeline/fill.js";
import { isLocal, readCode, spelled } from "./place.js";

/**
 * A dialog over all else, which goes when it is closed.
 * @param {Element | ShadowRoot} place
 * @param {string} name
 * @param {...Element} parts
 */
function openDialog(place, name, ...parts) {
  const dialog = h("dialog", { role: "dialog", "aria-label": name }, ...parts);
  dialog.addEventListener("close", () => dialog.remove());
  place.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Code, picture and link, as large as the window allows, for a projector.
 * @param {ShadowRoot} place
 * @param {Teacher} teacher
 * @param {Data} data
 */
export function showCode(place, teacher, { words }) {
  const { code, link, qr } = teacher.started;
  const status = h("p", { role: "status" });
  const field = h("input", { class: "link", readonly: "", value: link, "aria-label": words.copy });
  const copy = async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(link);
      status.textContent = words.copied;
    } catch {
      status.textContent = words.by_hand; // plain http on a local network
    }
  };
  const end = async () => {
    const refused = await teacher.end();
    if (refused) status.textContent = words.refused[refused] ?? words.away;
    else dialog.close();
  };
  const dialog = openDialog(
    place,
    words.class,
    h("p", {}, isLocal(new URL(link).hostname) ? words.local : words.scan),
    h("p", { class: "large", "aria-label": `${words.code}: ${[...code].join(" ")}`, role: "img" }, spelled(code)),
    h("img", { src: qr, alt: words.qr }),
    field,
    h(
      "div",
      { class: "row" },
      h("button", { type: "button", click: () => void copy() }, words.copy),
      h("button", { type: "button", click: () => void end() }, words.end),
      h("button", { type: "button", class: "primary", autofocus: "", click: () => dialog.close() }, words.close),
    ),
    status,
  );
}

/**
 * A form that asks for a code.
 * @param {Data} data
 * @param {(code: string) => Promise<string>} join what is wrong with it, in a sentence
 */
export function codeForm({ words }, join) {
  const status = h("p", { role: "status" });
  const field = h("input", {
    "aria-label": words.code,
    placeholder: words.code,
    autocapitalize: "characters",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: 12,
    enterkeyhint: "go",
  });
  const form = h(
    "form",
    {
      class: "join",
      submit: async (/** @type {Event} */ event) => {
        event.preventDefault();
        const code = readCode(field.value);
        if (!code) return;
        status.textContent = fill(words.joining, { code: spelled(code) });
        status.textContent = await join(code);
        field.select();
      },
    },
    field,
    h("button", { class: "primary" }, words.join_now),
    status,
  );
  return form;
}

/**
 * Ask for a code over the page.
 * @param {ShadowRoot} place
 * @param {Data} data
 * @param {(code: string) => Promise<string>} join
 */
export function askCode(place, data, join) {
  const form = codeForm(data, async (code) => {
    const wrong = await join(code);
    if (!wrong) dialog.close();
    return wrong;
  });
  const { words } = data;
  const dialog = openDialog(
    place,
    words.join,
    h("h2", {}, words.join),
    form,
    h("button", { type: "button", click: () => dialog.close() }, words.close),
  );
  form.querySelector("input")?.focus();
}
