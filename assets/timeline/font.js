// The font of mathematics. A shadow root cannot declare one, so the document does, once.

export const MATH = "STIX Two Math";

/**
 * Have the font loaded; a promise for when it is there, or nothing where it was. Without it, the reader's own serve.
 * @returns {Promise<unknown> | null}
 */
export function mathFont() {
  const known = [...document.fonts].find((face) => face.family.replaceAll('"', "") === MATH);
  const face = known ?? new FontFace(MATH, 'url("fonts/stix-two-math.woff2")', { display: "swap" });
  if (face.status === "loaded") return null;
  document.fonts.add(face);
  return face.load().catch(console.warn);
}
