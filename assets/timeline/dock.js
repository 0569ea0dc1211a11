// The bar stays in sight while one reads on: it is held below the page's header when its own place is scrolled away.

const scroller = () => /** @type {HTMLElement | null} */ (document.querySelector("[data-testid=stMain]"));

/** How far down the page's header reaches; an embedded page has none. */
function headerHeight() {
  return /** @type {HTMLElement | null} */ (document.querySelector("[data-testid=stHeader]"))?.offsetHeight ?? 0;
}

/**
 * Say when something of a timeline is in sight, and when its bar, which begins at the sentinel, was scrolled away upwards.
 * @param {HTMLElement} root
 * @param {HTMLElement} sentinel
 * @param {(is: { seen?: boolean, above?: boolean }) => void} say
 */
export function watch(root, sentinel, say) {
  const header = headerHeight();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting, boundingClientRect } of entries) {
        if (target === root) say({ seen: isIntersecting });
        else say({ above: !isIntersecting && boundingClientRect.top < header });
      }
    },
    { rootMargin: `-${header}px 0px 0px 0px` },
  );
  for (const target of [sentinel, root]) observer.observe(target);
  return () => observer.disconnect();
}

/** Hold the bar in sight, or let it go back. The place that it had stays free, so that nothing moves. */
export function dock(/** @type {HTMLElement} */ root, /** @type {boolean} */ docked) {
  if (root.classList.contains("docked") === docked) return;
  const bar = /** @type {HTMLElement | null} */ (root.querySelector(".controls"));
  if (!bar) return;
  const header = headerHeight();
  if (docked) root.style.setProperty("--bar", `${bar.getBoundingClientRect().height}px`); // to a part of a pixel
  root.style.setProperty("--header", `${header}px`);
  root.classList.toggle("docked", docked);
  const main = scroller();
  if (main) main.style.scrollPaddingTop = docked ? `${header + bar.offsetHeight}px` : ""; // what is gone to is seen
}
