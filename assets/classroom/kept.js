// What a tab remembers of its class: loaded again, it is where it was. The teacher's secret stands nowhere else.

/** @import { Kept } from "./types.d.ts" */

const CLASS = "class";
const SEAT = "class seat";

/** @returns {Kept | null} */
export function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(CLASS) ?? "null");
  } catch {
    return null;
  }
}

export function keep(/** @type {Kept} */ kept) {
  sessionStorage.setItem(CLASS, JSON.stringify(kept));
}

export function forget() {
  sessionStorage.removeItem(CLASS);
}

/** A random token: it stands for this tab, and for nobody. */
export function seat() {
  const known = sessionStorage.getItem(SEAT);
  if (known) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const token = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  sessionStorage.setItem(SEAT, token);
  return token;
}
