// What Streamlit leaves unsaid to those who do not see the page, or do not use a mouse.

/** Set an attribute, if it is not so already: what watches the document would see it, and call again. */
function say(/** @type {Element} */ element, /** @type {string} */ name, /** @type {string} */ value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** The navigation: sections stand in its list as what no list may hold. Each becomes a list of its own, with its name. */
function mendNavigation() {
  const items = document.querySelector("[data-testid=stSidebarNavItems]");
  if (!items) return;
  say(items, "role", "none");
  for (const child of items.children) {
    if (child.tagName === "LI") {
      say(child, "role", "none");
    } else if (child.querySelector("li")) {
      say(child, "role", "list");
      say(child, "aria-label", child.querySelector("header p")?.textContent ?? "");
      for (const header of child.querySelectorAll("header")) say(header, "role", "none");
    }
  }
}

/** What scrolls sideways can be scrolled by keys, too. */
function mendScrolling() {
  for (const element of document.querySelectorAll("[data-testid=stMain] :is(pre, table, .katex-display)")) {
    if (element.scrollWidth > element.clientWidth) say(element, "tabindex", "0");
  }
}

/** The names of icons are no words; what they mean stands beside them. */
function mendIcons() {
  for (const icon of document.querySelectorAll('[role=img][aria-label$=" icon"]')) say(icon, "aria-hidden", "true");
}

/** A label as it is read aloud: "$x_0$" is x 0. @param {string} label */
export function readable(label) {
  return label.replace(/\$([^$]*)\$/g, (_all, tex) =>
    tex
      .replace(/[\\{}_]+/g, " ")
      .replace(/\^/g, " to the ")
      .trim(),
  );
}

/** The labels of controls come as they are typed, with their LaTeX. */
function mendLabels() {
  for (const element of document.querySelectorAll('[aria-label*="$"]')) {
    say(element, "aria-label", readable(element.getAttribute("aria-label") ?? ""));
  }
}

/** Mend what stands in the document now. */
export function mend() {
  mendNavigation();
  mendScrolling();
  mendIcons();
  mendLabels();
}
