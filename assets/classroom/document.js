// What a class sees of Streamlit's page: whether it stands still, and what a hand asks of it.

export const LOOK = 250; // ms between two looks at the address: nothing says that it changed

const PAGE = "[data-testid=stMain], [data-testid=stPopoverBody], [data-testid=stSidebarNav]";
const WIDGETS = ["Selectbox", "Slider", "NumberInput", "TextInput", "TextArea", "ButtonGroup", "Button", "Checkbox"];
const MORE = ["FileUploader", "Radio", "MultiSelect", "PopoverBody", "SidebarNavLink", "PageLink"];
const CONTROLS = [...WIDGETS, ...MORE].map((name) => `[data-testid=st${name}]`).join();
const PASSES = ["Tab", "Shift", "Control", "Alt", "Meta", "Escape"];

/** Whether nothing runs and all is drawn. */
export function atRest() {
  return Boolean(document.querySelector("[data-testid=stApp][data-test-script-state=notRunning]"));
}

/**
 * What a hand asks for: a control, or something else of the page; nothing, where it is a timeline, which says so itself.
 * @param {Event} event
 * @returns {"control" | "page" | null}
 */
export function asks(event) {
  const path = event.composedPath().filter((one) => one instanceof Element);
  const inside = (/** @type {string} */ selector) => path.some((one) => one.matches(selector));
  if (event instanceof KeyboardEvent && PASSES.includes(event.key)) return null;
  if (inside(".timeline") || !inside(PAGE)) return null;
  return inside(CONTROLS) ? "control" : "page";
}
