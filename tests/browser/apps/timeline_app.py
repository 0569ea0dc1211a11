"""A page with every kind of panel; the tests build the same `scene` and compare its numbers with those drawn.

``?scene=`` chooses points, pictures, photo, there_and_back or damaged.
"""

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from pages.shared import timeline as tl
from pages.shared.palette import COLORS

T = 1000
MODES = 8


@dataclass(frozen=True)
class Demo:
    """The arguments of one timeline, and what a test needs to work out its numbers again."""

    positions: tuple[float, ...]
    tracks: dict[str, tl.Track]
    panels: list[tl.Panel]


def alpha_bar(T: int = T) -> np.ndarray:
    """The linear schedule of DDPM, t = 0..T."""
    return np.concatenate([[1.0], np.cumprod(1 - np.linspace(1e-4, 0.02, T))])


def schedule_tracks() -> dict[str, tl.Track]:
    """sqrt(alpha_bar), sqrt(1 - alpha_bar), alpha_bar and its complement."""
    signal = alpha_bar()
    return {
        "a": tl.Scalar(np.sqrt(signal)),
        "b": tl.Scalar(np.sqrt(1 - signal)),
        "alpha_bar": tl.Scalar(signal),
        "noise_variance": tl.Scalar(1 - signal),
    }


def mixture(component: int | None = None) -> tl.Mixture:
    """Eight Gaussians on a circle, or one of their coordinates."""
    angle = np.arange(MODES) * 2 * np.pi / MODES
    means = 1.6 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    if component is not None:
        means = means[:, component : component + 1]
    signal = alpha_bar()
    return tl.Mixture(
        np.full(MODES, 1 / MODES), means, np.full(MODES, 0.02), a=np.sqrt(signal), noise_variance=1 - signal
    )


def formula(values: dict[str, str | tl.Probe]) -> tl.Formula:
    """x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps, once in letters and once in numbers."""
    alpha_bar_t = "<msub><mover accent='true'><mi>α</mi><mo stretchy='false'>¯</mo></mover><mi>t</mi></msub>"
    letters = (
        f"<mrow><msqrt>{alpha_bar_t}</msqrt><mo>·</mo><msub><mi>x</mi><mn>0</mn></msub><mo>+</mo>"
        f"<msqrt><mrow><mn>1</mn><mo>−</mo>{alpha_bar_t}</mrow></msqrt><mo>·</mo><mi>ε</mi></mrow>"
    )
    numbers = (
        "<mrow><mn>{{a}}</mn><mo>·</mo><mo>(</mo><mn>{{x0}}</mn><mo>)</mo><mo>+</mo>"
        "<mn>{{b}}</mn><mo>·</mo><mo>(</mo><mn>{{eps}}</mn><mo>)</mo></mrow>"
    )
    right, left = "<mtd style='text-align:right'>", "<mtd style='text-align:left'>"
    rows = "".join(
        f"<mtr>{right}{side}</mtd><mtd><mo>=</mo></mtd>{left}{other}</mtd></mtr>"
        for side, other in (("<msub><mi>x</mi><mi>t</mi></msub>", letters), ("<mn>{{x_t}}</mn>", numbers))
    )
    mathml = f"<math display='block'><mtable>{rows}</mtable></math>"
    return tl.Formula(mathml, values, title="What you picked, today")


PROBED: dict[str, str | tl.Probe] = {"a": "a", "b": "b", **{name: tl.Probe(name) for name in ("x_t", "x0", "eps")}}
LEVELS = tl.Lines(
    (
        tl.Line("alpha_bar", "signal ᾱ_t", COLORS["x0"]),
        tl.Line("noise_variance", "noise 1 − ᾱ_t", COLORS["eps"], dash=True),
    ),
    title="How much is left",
)


def noised(x0: np.ndarray, rng: np.random.Generator) -> dict[str, tl.Track]:
    """x_t by the closed form."""
    eps = rng.standard_normal(x0.shape)
    return {
        **schedule_tracks(),
        "x0": tl.Constant(x0),
        "eps": tl.Constant(eps),
        "x_t": tl.Affine(np.sqrt(alpha_bar()), "x0", np.sqrt(1 - alpha_bar()), "eps"),
    }


def points(n: int = 2000) -> Demo:
    """Points with their density, the field eps*, a histogram, curves and numbers."""
    rng = np.random.default_rng(0)
    law = mixture()
    x0 = law.means[rng.integers(MODES, size=n)] + np.sqrt(law.variances[0]) * rng.standard_normal((n, 2))
    layers = (tl.Density(law), tl.Field(law), tl.Points("x_t", label="x_t"), tl.Path("x_t", COLORS["x0_hat"]))
    panels: list[tl.Panel] = [
        tl.Plane(layers, "x_t, its exact density, and the field ε*", weight=1.4),
        tl.Histogram("x_t", "First coordinate of x_t", density=mixture(0), component=0),
        LEVELS,
        tl.Numbers((("signal ᾱ_t", "alpha_bar", COLORS["x0"]), ("second coordinate", tl.Probe("x_t", 1), None))),
        formula(PROBED),
    ]
    return Demo(tuple(range(T + 1)), noised(x0, rng), panels)


def digits(n: int = 16, size: int = 28) -> np.ndarray:
    """Rings and strokes on black, as digits are drawn: (n, size * size) in [-1, 1]."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    pictures = [np.exp(-((np.hypot(x, y * (1 + k % 3 / 3)) - 4 - k % 5) ** 2) / 3) for k in range(n)]
    return 2 * np.array(pictures).reshape(n, -1) - 1


def pictures() -> Demo:
    """Sixteen digits, stored guesses as bytes, what their grey levels become, and numbers."""
    rng = np.random.default_rng(1)
    x0 = digits()
    signal = alpha_bar()
    values, counts = np.unique(np.round((x0 + 1) * 127.5), return_counts=True)
    levels = tl.Mixture(
        counts / counts.sum(),
        values[:, None] / 127.5 - 1,
        np.zeros(len(values)),
        a=np.sqrt(signal),
        noise_variance=1 - signal,
    )
    guess = np.round(127.5 * (1 + np.sqrt(signal)[:, None, None] * x0)).astype(np.uint8)
    tracks = {**noised(x0, rng), "guess": tl.Frames(guess, scale=1 / 127.5, offset=-1.0), "next": tl.Shifted("x_t", 1)}
    panels: list[tl.Panel] = [
        tl.Images("x_t", height=28, width=28, channels=1, columns=4, title="x_t"),
        tl.Images(
            "guess", height=28, width=28, channels=1, columns=4, title="x̂_0", captions=[str(k) for k in range(16)]
        ),
        tl.Histogram("x_t", "Values of x_t and their exact density", density=levels),
        LEVELS,
        formula(PROBED),
    ]
    return Demo(tuple(range(T + 1)), tracks, panels)


def photo(size: int = 512) -> Demo:
    """A colour picture of 512 x 512, and its values."""
    y, x = np.mgrid[:size, :size] / size
    x0 = np.stack([np.sin(9 * x * y), np.cos(7 * x) * y, 2 * (np.hypot(x - 0.5, y - 0.5) < 0.3) - 1.0], axis=-1)
    tracks = noised(x0.reshape(1, -1), np.random.default_rng(2))
    panels: list[tl.Panel] = [
        tl.Images("x_t", height=size, width=size, channels=3, columns=1, title="x_t"),
        tl.Histogram("x_t", "Values of x_t"),
        LEVELS,
        formula(PROBED),
    ]
    return Demo(tuple(range(T + 1)), tracks, panels)


def there_and_back() -> Demo:
    """A walk out and back, where t repeats; stored densities and vectors."""
    rng = np.random.default_rng(3)
    out = tuple(range(11))
    positions = out + out[-2::-1]
    walk = np.cumsum(0.2 * rng.standard_normal((len(positions), 50, 2)), axis=0)
    layers = (
        tl.DensityFrames(rng.random((len(positions), 12, 12))),
        tl.Field(rng.standard_normal((len(positions), 5, 5, 2))),
        tl.Points("walk"),
    )
    tiny = np.array(positions) * 4.036e-6
    panels: list[tl.Panel] = [
        tl.Plane(layers, "There and back"),
        tl.Lines((tl.Line(tiny + 1e-9, "tiny", COLORS["beta"]),), title="Logarithmic", log_y=True),
        tl.Numbers((("tiny", "tiny", None),)),
    ]
    return Demo(positions, {"walk": tl.Frames(walk), "tiny": tl.Scalar(tiny)}, panels)


SIGMAS = tuple(round(0.25 * k, 2) for k in range(9))


def curves() -> Demo:
    """Bells whose mean follows a number that is dragged, stored curves, and a histogram with a mark; over sigma."""
    sigma = np.array(SIGMAS)
    x = np.linspace(-4, 4, 81)
    stored = np.exp(-np.abs(x - sigma[:, None]))
    ends = np.stack([-4 - sigma, 4 + sigma], 1)
    bells = (tl.Bell("shifted", "variance", "bell", COLORS["x_t"]), tl.Bell("mu", "none", "spike", COLORS["x0"]))
    tracks: dict[str, tl.Track] = {
        "mu": tl.Draggable(1.0, -2.0, 2.0),
        "sigma": tl.Scalar(sigma),
        "variance": tl.Scalar(sigma**2 + 0.01),
        "none": tl.Scalar(0 * sigma),
        "shifted": tl.Affine(np.ones(9), "mu", np.full(9, 0.5), "sigma"),
        "eps": tl.Constant(np.random.default_rng(4).standard_normal(400)),
        "z": tl.Affine(np.ones(9), "mu", sigma, "eps"),
        "square": tl.Product("z", "z"),
        "scaled": tl.Product("shifted", "z"),
    }
    handles = (tl.Handle("mu", "μ", COLORS["x0"]), tl.Handle("shifted", "x_s", COLORS["x_t"]))
    panels: list[tl.Panel] = [
        tl.Curves(bells, "Bells", domain=ends, handles=handles),
        tl.Curves((tl.Curve(stored, "stored", COLORS["eps"], dash=True),), "Stored"),
        tl.Histogram("z", "z", mark="mu"),
        tl.Numbers((("mean", "shifted", None),)),
    ]
    return Demo(SIGMAS, tracks, panels)


SCENES = {"curves": curves, "points": points, "pictures": pictures, "photo": photo, "there_and_back": there_and_back}


@st.cache_resource
def scene(name: str) -> Demo:
    """One scene, built once."""
    return SCENES[name]()


def packed(name: str) -> tl.Picture:
    """A scene as the parameters and the buttons of the page want it."""
    demo = scene(name)
    if st.session_state.get("twice"):
        demo = replace(demo, positions=tuple(2 * t for t in demo.positions))
    if st.session_state.get("half"):
        eps = demo.tracks["eps"]
        assert isinstance(eps, tl.Constant)
        demo = replace(demo, tracks={**demo.tracks, "eps": tl.Constant(0.5 * eps.values)})
    autoplay = st.query_params.get("autoplay") == "1"
    return tl.pack(demo.positions, demo.tracks, demo.panels, tl.LABELS, autoplay=autoplay)


def app() -> None:
    """The page: parameters that a test may turn, the timeline, and what Python knows."""
    st.set_page_config(layout="wide")
    state = st.session_state
    state.setdefault("heard", 0)
    state.setdefault("asked", int(st.query_params.get("t", 250)))
    if st.button("t = 250 again"):
        state.asked = 250
    if st.button("Every t twice"):
        state.twice = True
    if st.button("Half the noise"):
        state.half = True
    picture = packed(st.query_params.get("scene", "points"))

    def heard() -> None:
        state.heard += 1
        state.asked = state.demo["t"]
        st.rerun("shown")

    def dragged() -> None:
        state.drop = state.demo["dragged"]["mu"]
        st.rerun("shown")

    @st.fragment(key="shown")
    def show() -> None:
        now = tl.show(picture, key="demo", t=state.asked, on_change=heard, on_drag=dragged)
        if "drop" in state:
            st.text(f"Dropped: {state.drop}")
        st.text(f"Python: t={now.t} position={now.position} pick={now.pick} heard={state.heard}")

    show()


def damaged() -> None:
    """A blob that was cut short on its way."""
    demo = scene("points")
    whole = tl.pack(demo.positions, demo.tracks, demo.panels, tl.LABELS)
    tl.show(replace(whole, blob=whole.blob[:5000]), key="damaged")


if __name__ == "__main__":
    if st.query_params.get("scene") == "damaged":
        damaged()
    else:
        app()
