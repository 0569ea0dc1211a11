// Sentences with gaps.

/** {name} in a sentence, by its value. */
export function fill(/** @type {string} */ sentence, /** @type {Record<string, string | number>} */ values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}
