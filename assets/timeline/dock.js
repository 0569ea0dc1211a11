// The bar stays in sight while one reads on: it is held below the page's header when its own place is scrolled away.

const scroller = () => /** @type {HTMLElement | null} */ (document.querySelector("[data-testid=stMain]"));

/** How far down the page's header reaches; an embedded page has none. */
function headerHeight() {
  return /** @type {HTMLElement | null} */ (document.querySelector("[data-testid=stHeader]"))?.offsetHeight ?? 0;
}

/**
 * Say when the bar, which begins at the sentinel, is scrolled away upwards, and when it is back.
 * @param {HTMLElement} sentinel
 * @param {(above: boolean) => void} say
 */
export function watchBar(sentinel, say) {
  const header = headerHeight();
  const observer = new IntersectionObserver(
    ([{ isIntersecting, boundingClientRect }]) => say(!isIntersecting && boundingClientRect.top < header),
    { rootMargin: `-${header}px 0px 0px 0px` },
  );
  observer.observe(sentinel);
  return () => observer.disconnect();
}

/** Hold the bar in sight, or let it go back. The place that it had stays free, so that nothing moves. */
export function dock(/** @type {HTMLElement} */ root, /** @type {boolean} */ docked) {
  if (root.classList.contains("docked") === docked) return;
  const bar = /** @type {HTMLElement | null} */ (root.querySelector(".controls"));
  if (!bar) return;
  const header = headerHeight();
  if (docked) root.style.setProperty("--bar", `${bar.offsetHeight}px`);
  root.style.setProperty("--header", `${header}px`);
  root.classList.toggle("docked", docked);
  const main = scroller();
  if (main) main.style.scrollPaddingTop = docked ? `${header + bar.offsetHeight}px` : ""; // what is gone to is seen
}
