"""How fast the timeline draws, and how much sooner a key shows than with a native slider and a Plotly chart.

``python tests/benchmarks/bench_timeline.py`` prints, in one run: the 95th percentile of a redraw of every scene, script
and raster together, against the 16.7 ms of a frame; and the way from a key press to the new picture, both ways.
"""

import os
import shutil
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page, sync_playwright  # noqa: E402

from tests.browser.conftest import start_server, wait_until_idle  # noqa: E402

FRAME = 16.7  # ms
RATIO = 25
REDRAWS = 200
KEYS = 15
SCENES = {
    "points": "2,000 points, density, field",
    "photo": "512 x 512 colour photo",
    "pictures": "16 digits, all panels",
}

# Reading a pixel back makes the browser finish what it was told to draw.
REDRAW = """async (root, count) => {
  const canvases = [...root.querySelectorAll("canvas")];
  const wait = () => new Promise(requestAnimationFrame);
  const out = [];
  for (let k = 0; k < count; k++) {
    await wait();
    const start = performance.now();
    root.timeline.draw((k * 37) % root.timeline.positions.length);
    for (const canvas of canvases) canvas.getContext("2d").getImageData(0, 0, 1, 1);
    out.push(performance.now() - start);
  }
  return out;
}"""

# From the key until the document holds the new picture; both pages are watched in the same way.
WATCH = """() => {
  const current = () => document.querySelector(".gtitle")?.textContent ?? roots().map((root) => root.dataset.t).join();
  const shadows = [...document.querySelectorAll("*")].map((element) => element.shadowRoot).filter(Boolean);
  const roots = () => shadows.flatMap((shadow) => [...shadow.querySelectorAll(".timeline")]);
  let [pressed, before] = [0, null];
  window.waits = [];
  const look = () => {
    if (pressed && current() && current() !== before) {
      window.waits.push(performance.now() - pressed);
      pressed = 0;
    }
  };
  const observer = new MutationObserver(look);
  const options = { subtree: true, childList: true, attributes: true, characterData: true };
  observer.observe(document, options);
  roots().forEach((root) => observer.observe(root, options));
  addEventListener("keydown", () => { before = current(); pressed = performance.now(); }, true);
}"""


def percentile(values: list[float], share: float) -> float:
    """The value below which a share of all lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def key_to_picture(page: Page, url: str) -> list[float]:
    """Milliseconds from each of some key presses to the new picture."""
    page.goto(url)
    wait_until_idle(page)
    slider = page.get_by_role("slider").first
    slider.focus()
    page.wait_for_timeout(1500)
    page.evaluate(WATCH)
    for k in range(1, KEYS + 1):
        page.keyboard.press("ArrowRight")
        page.wait_for_function("k => window.waits.length >= k", arg=k, timeout=20_000)
        page.wait_for_timeout(400)  # so that the next key finds the page at rest
    waits: list[float] = page.evaluate("window.waits")
    return waits


def redraws(page: Page, url: str) -> list[float]:
    """Milliseconds of each of some redraws."""
    page.goto(url)
    wait_until_idle(page)
    root = page.locator(".timeline[data-t]")
    root.wait_for()
    root.evaluate(REDRAW, 20)
    waits: list[float] = root.evaluate(REDRAW, REDRAWS)
    return waits


def main() -> None:
    """Measure and print."""
    server, url = start_server(Path(__file__).with_name("timeline_bench_app.py"))
    try:
        with sync_playwright() as playwright:
            path = os.environ.get("CHROMIUM") or shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            print(f"A redraw, T = 1000, script and raster, {REDRAWS} times (at most {FRAME} ms at the 95th percentile)")
            for scene, says in SCENES.items():
                times = redraws(page, f"{url}/?scene={scene}")
                high = percentile(times, 0.95)
                print(
                    f"  {says:32} p50 {statistics.median(times):6.1f} ms   p95 {high:6.1f} ms   {mark(high <= FRAME)}"
                )
            print(f"From key press to new picture, 2,000 points, {KEYS} keys (at least {RATIO} times shorter)")
            own = key_to_picture(page, f"{url}/?scene=points")
            high = percentile(own, 0.95)
            print(f"  {'timeline, all panels':32} p50 {statistics.median(own):6.1f} ms   p95 {high:6.1f} ms")
            for trace in ("svg", "gl"):
                native = key_to_picture(page, f"{url}/?scene=native&trace={trace}")
                ratio = statistics.median(native) / statistics.median(own)
                print(
                    f"  {f'st.slider + Plotly ({trace})':32} p50 {statistics.median(native):6.1f} ms   "
                    f"p95 {percentile(native, 0.95):6.1f} ms   {ratio:.0f} times   {mark(ratio >= RATIO)}"
                )
            browser.close()
    finally:
        server.terminate()
        server.wait(timeout=10)


def mark(holds: bool) -> str:
    """A word for the reader."""
    return "holds" if holds else "MISSED"


if __name__ == "__main__":
    main()
