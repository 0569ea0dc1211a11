"""The four rows of the picture as diagrams: boxes, arrows, the shapes of the tensors, and what is at work when."""

from collections.abc import Callable

import numpy as np

from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.palette import COLORS

__all__ = ["COLOR", "diagram"]

COLOR = {"gan": "#CC79A7", "vae": "#B8860B", "flow": COLORS["eps"], "diffusion": COLORS["x_t"]}
SIZE = (420.0, 162.0)
TENSOR = (50.0, 40.0)
DATA, LATENT, MADE, NOISE = COLORS["x0"], COLORS["beta_tilde"], COLORS["x0_hat"], COLORS["eps"]
Parts = tuple[list[tl.Box], list[tl.Arrow], dict[str, Callable[[np.ndarray], np.ndarray]]]


def diagram(family: str, u: np.ndarray, steps: int) -> tl.Diagram:
    """A family's row. ``u`` (P,) is where on the way: -1 at the data, 0 at the latent, 1 at the sample."""
    titles = {
        "gan": _("GAN: a generator against a discriminator"),
        "vae": _("VAE: a bound on the likelihood"),
        "flow": _("Flow: an invertible map"),
        "diffusion": _("Diffusion: noise, and the way back"),
    }
    made: dict[str, Callable[[], Parts]] = {"gan": gan, "vae": vae, "flow": flow, "diffusion": lambda: diffusion(steps)}
    boxes, arrows, phases = made[family]()
    lit = {name: np.asarray(when(u), dtype=float) for name, when in phases.items()}
    return tl.Diagram(titles[family], SIZE, boxes, arrows, phases=lit)


def tensor(at: tuple[float, float], name: str, note: str, *, color: str, phase: str, says: str) -> tl.Box:
    """A tensor with its shape."""
    return tl.Box(at, TENSOR, name, note, color=color, phase=phase, says=says)


def gan() -> Parts:
    """z → G → x′; and x or x′ → D → d, while it is trained."""
    color = COLOR["gan"]
    boxes = [
        tensor((30, 44), "𝑧", "(B, 2)", color=LATENT, phase="z", says=_("latent z")),
        tl.Box((110, 44), (68, 60), "𝐺(𝑧)", "3 × 128", color=color, phase="G", form="wide", says=_("generator")),
        tensor((192, 44), "𝑥′", "(B, 2)", color=MADE, phase="x'", says=_("sample x′")),
        tl.Box((192, 79), (0, 0), _("or"), "", color=color, phase="D"),
        tensor((192, 112), "𝑥", "(B, 2)", color=DATA, phase="D", says=_("data x")),
        tl.Box((292, 78), (72, 72), "𝐷(·)", "3 × 128", color=color, phase="D", form="narrow", says=_("discriminator")),
        tl.Box((384, 78), (64, 40), "𝑑", "(B, 1)", color=color, phase="D", says=_("verdict, a logit")),
    ]
    arrows = [
        tl.Arrow([(55, 44), (75, 44)], "G"),
        tl.Arrow([(144, 44), (166, 44)], "G"),
        tl.Arrow([(217, 48), (255, 68)], "never"),
        tl.Arrow([(217, 108), (255, 88)], "D"),
        tl.Arrow([(328, 78), (351, 78)], "D"),
        tl.Arrow([(292, 114), (292, 155), (110, 155), (110, 76)], "never", _("G learns through D alone"), dash=True),
    ]
    return boxes, arrows, {
        "z": lambda u: (u >= 0) & (u <= 0.25),
        "G": lambda u: u > 0,
        "x'": lambda u: u >= 0.75,
        "D": lambda u: u < 0,
        "never": np.zeros_like,
    }  # fmt: skip


def vae() -> Parts:
    """x → encoder → mu, sigma → z → decoder → x′, with noise at both ends."""
    color = COLOR["vae"]
    boxes = [
        tensor((28, 58), "𝑥", "(B, 2)", color=DATA, phase="x", says=_("data x")),
        tl.Box((98, 58), (62, 64), "q_φ(𝑧|𝑥)", "3 × 128", color=color, phase="enc", form="narrow", says=_("encoder")),
        tensor((167, 32), "μ", "(B, 2)", color=color, phase="enc", says=_("mean μ")),
        tensor((167, 84), "log σ²", "(B, 2)", color=color, phase="enc", says=_("log of the variance σ²")),
        tensor((240, 58), "𝑧", "(B, 2)", color=LATENT, phase="z", says=_("latent z")),
        tensor((240, 134), "ε", "(B, 2)", color=NOISE, phase="eps", says=_("noise of the encoder ε")),
        tl.Box((314, 58), (62, 64), "p_θ(𝑥|𝑧)", "3 × 128", color=color, phase="dec", form="wide", says=_("decoder")),
        tensor((392, 58), "𝑥′", "(B, 2)", color=MADE, phase="x'", says=_("sample x′")),
        tensor((392, 134), "𝑠 ε′", "(B, 2)", color=NOISE, phase="noise", says=_("noise of the decoder s ε′")),
    ]
    arrows = [
        tl.Arrow([(53, 58), (66, 58)], "enc"),
        tl.Arrow([(129, 50), (141, 38)], "enc"),
        tl.Arrow([(129, 66), (141, 78)], "enc"),
        tl.Arrow([(192, 38), (214, 50)], "enc"),
        tl.Arrow([(192, 78), (214, 66)], "enc"),
        tl.Arrow([(240, 114), (240, 79)], "eps"),
        tl.Arrow([(265, 58), (282, 58)], "dec"),
        tl.Arrow([(345, 58), (366, 58)], "dec"),
        tl.Arrow([(392, 114), (392, 79)], "noise"),
    ]
    return boxes, arrows, {
        "x": lambda u: u <= -0.75,
        "enc": lambda u: (u > -1) & (u <= -0.2),
        "eps": lambda u: (u > -0.2) & (u <= 0) & (u > u[0]),
        "z": lambda u: (u > -0.2) & (u <= 0.2),
        "dec": lambda u: (u > 0) & (u <= 0.8),
        "noise": lambda u: u > 0.8,
        "x'": lambda u: u >= 0.75,
    }  # fmt: skip


def flow() -> Parts:
    """x ⇄ four couplings ⇄ z, each as large as x; and what is in a coupling."""
    color, places = COLOR["flow"], (106, 176, 246, 316)
    boxes = [
        tensor((30, 44), "𝑥", "(B, 2)", color=DATA, phase="x", says=_("data or sample x")),
        *(
            tl.Box(
                (x, 44), (50, 56), f"f_{k}", "(B, 2)", color=color, phase=f"f{k}", says=_("coupling {k}").format(k=k)
            )
            for k, x in enumerate(places, 1)
        ),
        tensor((390, 44), "𝑧", "(B, 2)", color=LATENT, phase="z", says=_("latent z, as large as x")),
        *coupling(color),
    ]
    ends = [55, *(x for place in places for x in (place - 25, place + 25)), 365]
    gaps = list(zip(ends[::2], ends[1::2], strict=True))
    arrows = [
        *(tl.Arrow([(a + 1, 36), (b - 1, 36)], "there") for a, b in gaps),
        *(tl.Arrow([(b - 1, 54), (a + 1, 54)], "back") for a, b in gaps),
        tl.Arrow([(109, 130), (132, 130)], "inside"),
        tl.Arrow([(199, 130), (227, 130)], "inside"),
    ]
    return boxes, arrows, {
        **{f"f{k}": turn(k) for k in range(1, 5)},
        "x": lambda u: np.abs(u) >= 0.9,
        "z": lambda u: np.abs(u) <= 0.1,
        "there": there,
        "back": lambda u: u > 0,
        "inside": lambda u: u > u[0],
    }  # fmt: skip


def coupling(color: str) -> list[tl.Box]:
    """What is in each: a network makes of one coordinate the spline that bends the other."""
    net, moves = _("a network: 47 numbers of a spline"), _("the one that moves")
    return [
        tensor((84, 130), "𝑎", "(B, 1)", color=color, phase="inside", says=_("the coordinate that stays")),
        tl.Box((166, 130), (66, 40), "2 × 64", "(B, 47)", color=color, phase="inside", says=net),
        tl.Box((296, 130), (136, 40), _("b ↦ spline(b)"), "(B, 1)", color=color, phase="inside", says=moves),
        tl.Box((28, 130), (0, 0), _("in each"), "", color=color, phase="inside"),
    ]


def there(u: np.ndarray) -> np.ndarray:
    """On the way from the data to the latent; where it begins nothing has been done yet."""
    moving: np.ndarray = (u > u[0]) & (u <= 0)
    return moving


def turn(k: int) -> Callable[[np.ndarray], np.ndarray]:
    """When coupling k has just worked: from x to z as the k-th of four, on the way back as the k-th from the end."""
    low = (k - 1) / 4
    return lambda u: (there(u) & (u + 1 > low) & (u + 1 <= low + 0.25)) | ((u > 0.75 - low) & (u <= 1 - low))


def diffusion(steps: int) -> Parts:
    """x_0 ⇄ … ⇄ x_T in the space of the data; the network works on the way back only, again and again."""
    color = COLOR["diffusion"]
    boxes = [
        tensor((30, 40), "x_0", "(B, 2)", color=DATA, phase="x0", says=_("data or sample x₀")),
        tensor((150, 40), "x_s", "(B, 2)", color=color, phase="way", says="x_s"),
        tensor((270, 40), "x_t", "(B, 2)", color=color, phase="way", says="x_t"),
        tensor((390, 40), "x_T", "(B, 2)", color=LATENT, phase="xT", says=_("pure noise x_T")),
        tl.Box((210, 124), (104, 48), "v_θ(x_t, 𝑡)", "3 × 128", color=color, phase="net", says=_("network")),
        tl.Box((88, 124), (0, 0), _("{n} times").format(n=steps), "", color=color, phase="net"),
        tensor((330, 124), "𝑡", "(B,)", color=NOISE, phase="net", says=_("timestep t")),
    ]
    gaps = [(55, 125), (175, 245), (295, 365)]
    arrows = [
        *(tl.Arrow([(a + 1, 31), (b - 1, 31)], "there", _("noise") if a == 175 else "") for a, b in gaps),
        *(tl.Arrow([(b - 1, 50), (a + 1, 50)], "net", dash=True) for a, b in gaps),
        tl.Arrow([(270, 60), (244, 99)], "net"),
        tl.Arrow([(305, 124), (264, 124)], "net"),
        tl.Arrow([(176, 99), (152, 61)], "net"),
    ]
    return boxes, arrows, {
        "x0": lambda u: np.abs(u) >= 0.95,
        "xT": lambda u: np.abs(u) <= 0.05,
        "way": lambda u: (np.abs(u) > 0) & (np.abs(u) < 1),
        "there": there,
        "net": lambda u: u > 0,
    }  # fmt: skip
