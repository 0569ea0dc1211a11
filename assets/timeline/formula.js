// Live numbers: a formula in MathML whose {{name}} are text nodes, replaced in place; and a small table.

/** A function of p that gives the number behind a name of a track or behind a probe at what is picked. */
function liveValue(value, stage) {
  const node = stage.tracks.get(value.track);
  const read = (p) => node.value(p, placeOf(node, stage.pick, stage.kind, value.component));
  const decimals = value.decimals && stage.tracks.get(value.decimals);
  const plain = node.whole ? String : format;
  return Object.assign(read, { text: (v, p) => (decimals ? rounded(v, decimals.value(p, 0)) : plain(v)) });
}

/** A number with so many decimals, so that what is made of printed numbers is what is printed; below 0: none is shown. */
function rounded(value, decimals) {
  if (decimals < 0) return "–";
  if (Math.abs(value) >= 1e5) return format(value, decimals + 4);
  const text = Math.abs(value).toFixed(decimals);
  return (value < 0 && Number(text) > 0 ? "−" : "") + text;
}

function show(element, read, p) {
  const value = read(p);
  element.textContent = read.text(value, p);
  element.setAttribute("data-value", value);
}

function formulaPanel(spec, stage, frame) {
  frame.innerHTML = spec.mathml;
  const live = [];
  for (const element of frame.querySelectorAll("mn")) {
    const name = element.textContent.match(/^\s*\{\{(.+)\}\}\s*$/)?.[1];
    if (name === undefined) continue;
    element.setAttribute("data-name", name);
    live.push({ name, element, read: liveValue(spec.values[name], stage) });
  }
  frame.tabIndex = 0; // so that a keyboard can scroll it
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", spec.title ?? "");
  return {
    draw: (p) => live.forEach(({ element, read }) => show(element, read, p)),
    numbers: () => Object.fromEntries(live.map(({ name, read }) => [name, Float64Array.of(read(stage.position))])),
  };
}

function numbersPanel(spec, stage, frame) {
  const rows = spec.rows.map(({ label, value, color }) => {
    const output = h("output", { class: "value" });
    const swatch = h("span", { class: "swatch", style: `--color:${color ?? "transparent"}` });
    frame.append(h("div", { class: "entry" }, swatch, mathText(label), output));
    return { label, output, read: liveValue(value, stage) };
  });
  return {
    draw: (p) => rows.forEach(({ output, read }) => show(output, read, p)),
    numbers: () => Object.fromEntries(rows.map(({ label, read }) => [label, Float64Array.of(read(stage.position))])),
  };
}
