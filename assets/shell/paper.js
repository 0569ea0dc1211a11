// A page on paper: its own address with all sections open and light colours, which prints itself once it stands.

const DRAWING = 250; // ms
const STILL = 6; // steps without anything new

/** The address of what is printed. @param {string} here @param {string} lang */
export function paperAddress(here, lang) {
  const url = new URL(here);
  url.searchParams.set("lang", lang);
  url.searchParams.set("open", "all");
  url.searchParams.set("embed_options", "light_theme"); // Streamlit's word: dark letters, whatever the screen has
  url.hash = "print";
  return url.href;
}

/** Whether all is drawn: nothing runs, nothing is waited for. */
function stands() {
  const app = document.querySelector("[data-testid=stApp]");
  return (
    app?.getAttribute("data-test-script-state") === "notRunning" && !document.querySelector("[data-testid=stSkeleton]")
  );
}

/** Print, where the address asks for it, once the page has stood still for a while. */
export function printWhenDrawn() {
  if (window.location.hash !== "#print") return;
  let calm = 0;
  let before = 0;
  const timer = setInterval(() => {
    const height = document.querySelector("[data-testid=stMain]")?.scrollHeight ?? 0;
    calm = stands() && height === before ? calm + 1 : 0;
    before = height;
    if (calm < STILL) return;
    clearInterval(timer);
    window.print();
  }, DRAWING);
}
