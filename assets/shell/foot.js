// Says in which language the page is (to what reads it aloud, chooses its glyphs or offers to translate it), and copies
// the address of the view on screen, language included. Where the browser keeps its clipboard from us
// (plain http on a local network), the address is shown, selected, to be copied by hand.

/** @import { Mounting } from "../timeline/types.d.ts" */

/**
 * Streamlit calls this at mounting and again when the language changes.
 * @param {Mounting<{ lang: string, label: string, copied: string, by_hand: string }>} mounting
 */
export default function mount({ parentElement, data }) {
  const button = parentElement.querySelector("button");
  const words = parentElement.querySelector("button span");
  const field = parentElement.querySelector("input");
  const say = parentElement.querySelector("[role=status]");
  if (!button || !words || !field || !say) throw new TypeError("copy_link.html lacks a part.");
  document.documentElement.lang = data.lang === "zh" ? "zh-CN" : data.lang;
  words.textContent = data.label;
  button.onclick = async () => {
    const url = new URL(window.location.href);
    url.searchParams.set("lang", data.lang);
    field.value = url.href;
    try {
      await navigator.clipboard.writeText(url.href);
      field.hidden = true;
      say.textContent = data.copied;
    } catch {
      field.hidden = false;
      field.select();
      say.textContent = data.by_hand;
    }
    setTimeout(() => (say.textContent = ""), 4000);
  };
}
