"""What the node tests compare with: blobs as Python packs them, and what numpy, SciPy and the core make of them.

``python -m tests.timeline.golden`` writes into ``build/timeline``: the blob of each scene; beside it, as a blob too,
the numbers that the browser must come to; all specs as TypeScript, which tsc holds against ``types.d.ts``; and the
joined modules, as the component gets them.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save
from scipy.stats import norm

from diffusion_core import GaussianMixture, linear, q_sample
from diffusion_core.files import ASSETS
from pages.shared import timeline as tl
from pages.shared.timeline.blob import Picture, Place
from pages.shared.timeline.modules import join_modules

FOLDER = Path(__file__).parents[2] / "build" / "timeline"
SCHEDULE = linear(T=1000)
TIMES = (0, 1, 137, 500, 1000)
SIGNAL = SCHEDULE.alpha_bar.numpy()[list(TIMES)]
NOISE = 1 - SIGNAL
SIGMAS = np.array([0.0, 0.25, 0.5, 1.0, 2.0])
DRAGGED = -1.5  # where the hand moves mu
BLUE = "#0072B2"


@dataclass(frozen=True)
class Golden:
    """A scene, and the numbers that the browser must come to; those of a track have its name."""

    positions: tuple[float, ...]
    tracks: dict[str, tl.Track]
    panels: list[tl.Panel]
    numbers: dict[str, np.ndarray]
    pick: int | None = None


def law(component: int | None = None) -> tl.Mixture:
    """Eight Gaussians of two widths on a circle, or one of their coordinates."""
    angle = np.arange(8) * 2 * np.pi / 8
    means = 1.6 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    means = means if component is None else means[:, component : component + 1]
    variances = np.where(np.arange(8) % 2, 0.02, 0.08)
    return tl.Mixture(np.arange(1, 9) / 36, means, variances, a=np.sqrt(SIGNAL), noise_variance=NOISE)


def levels() -> tl.Mixture:
    """Grey levels: atoms, which noise alone gives a width."""
    atoms = np.linspace(-0.987, 0.993, 40)
    return tl.Mixture(np.arange(1, 41) / 820, atoms[:, None], np.zeros(40), a=np.sqrt(SIGNAL), noise_variance=NOISE)


def core_law(mixture: tl.Mixture) -> GaussianMixture:
    """The same law in the core."""
    covariances = torch.from_numpy(mixture.variances)[:, None, None] * torch.eye(mixture.means.shape[1]).double()
    return GaussianMixture.of(torch.from_numpy(mixture.weights), torch.from_numpy(mixture.means), covariances)


def cell_means(mixture: tl.Mixture, p: int, edges: np.ndarray) -> np.ndarray:
    """Mean density of each cell by SciPy's normal distribution: (cells,) or, row y, column x, (cells, cells)."""
    spread = np.sqrt(mixture.a[p] ** 2 * mixture.variances + mixture.noise_variance[p])
    z = (edges[:, None, None] - mixture.a[p] * mixture.means) / np.maximum(spread, 1e-12)[:, None]
    axis = np.diff(norm.cdf(z), axis=0) / (edges[1] - edges[0])
    if mixture.means.shape[1] == 1:
        return np.asarray(axis[:, :, 0] @ mixture.weights)
    return np.asarray(np.einsum("k,jk,ik->ji", mixture.weights, axis[:, :, 1], axis[:, :, 0]))


def bin_means(mixture: tl.Mixture, bins: int) -> np.ndarray:
    """Mean density over a bin's width around each edge of the bins of (-4, 4), (P, bins + 1)."""
    width, edges = 8 / bins, np.linspace(-4, 4, bins + 1)
    windows = [x + np.array([-0.5, 0.5]) * width for x in edges]
    return np.array([[cell_means(mixture, p, window)[0] for window in windows] for p in range(len(TIMES))])


def grid(cells: int) -> torch.Tensor:
    """The centres of cells x cells over [-3, 3]^2, row y upwards, column x."""
    centres = torch.from_numpy((np.arange(cells) + 0.5) * 6 / cells - 3)
    return torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=-1).reshape(-1, 2)


def single(values: np.ndarray) -> np.ndarray:
    """As a blob keeps them: float32, and float64 again."""
    return values.astype(np.float32).astype(np.float64)


def noised(x0: np.ndarray, eps: np.ndarray) -> np.ndarray:
    """x_t of the core at all TIMES, (P, ...)."""
    pair = torch.from_numpy(single(x0)), torch.from_numpy(single(eps))
    return np.stack([q_sample(SCHEDULE, pair[0], t, pair[1]).numpy() for t in TIMES])


def points() -> Golden:
    """Points under the core's closed form, and everything that is known exactly of their law."""
    rng = np.random.default_rng(0)
    x0, eps = 1.5 * rng.standard_normal((400, 2)), rng.standard_normal((400, 2))
    x_t = noised(x0, eps)
    both, one = law(), law(0)
    edges, raster = np.linspace(-4, 4, 41), np.linspace(-3, 3, 97)
    fields = [core_law(both).at(SCHEDULE, t).eps(grid(17)).numpy() for t in TIMES]
    smooth = core_law(both).at(SCHEDULE, 500).log_prob(grid(96)).exp().numpy()
    tracks: dict[str, tl.Track] = {
        "x0": tl.Constant(x0),
        "x_t": tl.Affine(np.sqrt(SIGNAL), "x0", np.sqrt(NOISE), eps),
        "x_s": tl.Shifted("x_t", -1),
        "step": tl.Affine(np.ones(5), "x_t", -np.ones(5), tl.Shifted("x_t", 1)),
        "signal": tl.Scalar(SIGNAL),
        "t": tl.Scalar(np.array(TIMES)),
    }
    layers = (tl.Density(both), tl.Field(both), tl.Points("x_t", label="x_t"), tl.Points("x0"), tl.Path("x_t"))
    panels: list[tl.Panel] = [
        tl.Plane(layers, "x_t"),
        tl.Histogram("x_t", "First coordinate", bins=40, density=one, component=0, mark="signal", top=np.ones(5)),
        tl.Numbers((("signal", "signal", BLUE), ("x", tl.Probe("x_t", 1, decimals="t"), None)), title="Numbers"),
    ]
    later = np.concatenate([x_t[1:], x_t[-1:]])
    numbers = {
        "x0": np.stack([single(x0)] * 5),
        "x_t": x_t,
        "x_s": np.concatenate([x_t[:1], x_t[:-1]]),
        "step": x_t - later,
        "signal": SIGNAL,
        "t": np.array(TIMES, float),
        "heights": np.stack([np.histogram(x[:, 0], edges)[0] / len(x) / 0.2 for x in x_t]),
        "curve": bin_means(one, 40),
        "raster": np.stack([cell_means(both, p, raster) for p in range(len(TIMES))]),
        "field": np.stack(fields),
        "smooth": smooth,
    }
    return Golden(TIMES, tracks, panels, numbers)


def pictures() -> Golden:
    """Pictures, as numbers and as bytes, with what can be shown of them."""
    rng = np.random.default_rng(1)
    x0, eps = rng.uniform(-1, 1, (4, 5, 6, 3)), rng.standard_normal((4, 5, 6, 3))
    guess = rng.integers(0, 256, (5, 4, 90)).astype(np.uint8)
    densities, vectors = rng.random((5, 12, 12)), rng.standard_normal((5, 3, 3, 2))
    tracks: dict[str, tl.Track] = {
        "x_t": tl.Affine(np.sqrt(SIGNAL), x0, np.sqrt(NOISE), eps),
        "guess": tl.Frames.of_pictures(guess),
        "walk": tl.Frames(rng.standard_normal((5, 7, 2))),
        "signal": tl.Scalar(SIGNAL),
    }
    walk = tracks["walk"]
    assert isinstance(walk, tl.Frames)
    stored = (tl.DensityFrames(densities), tl.DensityFrames(densities, top=1.0), tl.Field(vectors), tl.Points("walk"))
    panels: list[tl.Panel] = [
        tl.Images("x_t", height=5, width=6, channels=3, columns=2, title="x_t"),
        tl.Images("guess", height=5, width=6, channels=3, columns=4, title="guess", captions=["a", "b", "c", "d"]),
        tl.Plane(stored, "walk", domain=(-2, 2)),
        tl.Histogram("x_t", "All values", density=levels()),
        tl.Lines((tl.Line("signal", "signal", BLUE), tl.Line(NOISE, "noise", BLUE, dash=True)), "Levels", log_y=True),
        tl.Formula("<mn>{{x}}</mn>", {"x": tl.Probe("x_t")}),
    ]
    numbers = {
        "x_t": noised(x0, eps),
        "guess": guess / 127.5 - 1,
        "walk": single(walk.values),
        "signal": SIGNAL,
        "density": single(densities),
        "vectors": single(vectors),
        "curve": bin_means(levels(), 60),
    }
    return Golden(TIMES, tracks, panels, numbers, pick=100)


def waterfall() -> tl.Waterfall:
    """One to five pieces, the second of each below 0."""
    pieces = [[tl.Piece((-1) ** (i == 1) * (i + 1), f"L_{i}", i % 2) for i in range(n + 1)] for n in range(5)]
    return tl.Waterfall(pieces, (("even", BLUE), ("odd", BLUE)), "Sum", marks=(tl.Line(SIGMAS, "level", BLUE),))


def curves() -> Golden:
    """Bells whose mean follows a number that is dragged, and products; nothing is picked."""
    eps = np.random.default_rng(2).standard_normal(50)
    ends = np.stack([-4 - SIGMAS, 4 + SIGMAS], 1)
    stored = np.exp(-np.abs(np.linspace(-4, 4, 81) - SIGMAS[:, None]))
    tracks: dict[str, tl.Track] = {
        "mu": tl.Draggable(1.0, -2.0, 2.0),
        "sigma": tl.Scalar(SIGMAS),
        "variance": tl.Scalar(SIGMAS**2 + 0.01),
        "none": tl.Scalar(0 * SIGMAS),
        "shifted": tl.Affine(np.ones(5), "mu", np.full(5, 0.5), "sigma"),
        "eps": tl.Constant(eps),
        "z": tl.Affine(np.ones(5), "mu", SIGMAS, "eps"),
        "square": tl.Product("z", "z"),
        "scaled": tl.Product("shifted", "z"),
        "moved": tl.Affine(np.ones(5), "z", -SIGMAS, "shifted"),
    }
    bells = (tl.Bell("shifted", "variance", "bell", BLUE), tl.Bell("mu", "none", "spike", BLUE, dash=True))
    panels: list[tl.Panel] = [
        tl.Curves(bells, "Bells", domain=ends, handles=(tl.Handle("mu", "μ", BLUE), tl.Handle("shifted", "x_s", BLUE))),
        tl.Curves((tl.Curve(stored, "stored", BLUE, dash=True),), "Stored"),
        tl.Curves(bells, "Fitted", domain=tl.Fitted(6.0), handles=(tl.Handle("mu", "μ", BLUE),)),
        tl.Formula("<mn>{{m}}</mn>", {"m": "shifted"}, title="Mean"),
        tl.Formula([f"<math><mn>{i}</mn><mn>{{{{m}}}}</mn></math>" for i in range(5)], {"m": "shifted"}, title="Five"),
        waterfall(),
    ]
    numbers = {"sigma": SIGMAS, "stored": single(stored)}
    for prefix, mu in (("", 1.0), ("dragged ", DRAGGED)):
        shifted, z = mu + 0.5 * SIGMAS, mu + SIGMAS[:, None] * single(eps)
        x = np.linspace(ends[:, 0], ends[:, 1], 401, axis=-1)
        bell = np.exp(-((x - shifted[:, None]) ** 2) / (2 * (SIGMAS**2 + 0.01))[:, None])
        here = {"shifted": shifted, "z": z, "square": z**2, "scaled": shifted[:, None] * z, "bell": bell}
        here["moved"] = z - (SIGMAS * shifted)[:, None]
        numbers |= {prefix + name: values for name, values in {"mu": np.full(5, mu), **here}.items()}
    return Golden(tuple(SIGMAS.tolist()), tracks, panels, numbers)


def diagram() -> Golden:
    """Boxes that are lit in turn."""
    late = np.array([0.0, 0.0, 0.5, 1.0, 1.0])
    boxes = (
        tl.Box((20, 20), (40, 20), "z", "(B, 2)", color=BLUE, phase="early", says="latent"),
        tl.Box((80, 20), (20, 40), "G", "", color=BLUE, phase="late", form="wide", says="generator"),
        tl.Box((80, 90), (0, 0), "or", "", color=BLUE),
    )
    arrows = (tl.Arrow([(40, 20), (70, 20)], "late", "x"), tl.Arrow([(80, 40), (80, 60), (20, 60)], dash=True))
    panels: list[tl.Panel] = [tl.Diagram("Row", (120, 100), boxes, arrows, phases={"late": late, "early": 1 - late})]
    return Golden(TIMES, {}, panels, {"late": late, "early": 1 - late})


SCENES = {"points": points, "pictures": pictures, "curves": curves, "diagram": diagram}


def paired() -> tl.Picture:
    """The points beside a walk through three of their places only."""
    whole, kept = points(), [0, 3, 4]
    walk = tl.Frames(single(whole.numbers["x_t"][kept]))
    panels: list[tl.Panel] = [
        tl.Histogram("x_t", "First coordinate", bins=40, component=0),
        tl.Plane((tl.Points("x_t"),), "another x_t"),
        tl.Lines((tl.Line(np.arange(3.0), "k", BLUE),), "k"),
    ]
    first = tl.pack(whole.positions, whole.tracks, whole.panels, tl.LABELS)
    second = tl.pack([TIMES[k] for k in kept], {"x_t": walk}, panels, tl.LABELS)
    return tl.pair(first, second, ("whole", "few"))


def spec_of(sent: bytes) -> str:
    """The JSON of what is sent: the head, what is shown first, and the spec in the blob behind it."""
    head, blob = sent[4 : 4 + struct.unpack("<I", sent[:4])[0]], sent[4 + struct.unpack("<I", sent[:4])[0] :]
    length = struct.unpack("<Q", blob[:8])[0]
    return json.dumps(json.loads(json.loads(blob[8 : 8 + length])["__metadata__"]["spec"]) | json.loads(head))


def with_head(blob: bytes) -> bytes:
    """A blob as it is sent, from the beginning."""
    return Picture((0,), blob, 0, picks=1, panels=1).at("golden", Place())


def write() -> None:
    """Write everything anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    specs = ['import type { Spec } from "../../assets/timeline/types.d.ts";\n']
    for name, scene in SCENES.items():
        golden = scene()
        blob = tl.pack(golden.positions, golden.tracks, golden.panels, tl.LABELS).at("golden", Place(pick=golden.pick))
        (FOLDER / f"{name}.blob").write_bytes(blob)
        arrays = {key: np.ascontiguousarray(values, np.float64) for key, values in golden.numbers.items()}
        (FOLDER / f"{name}.numbers.blob").write_bytes(with_head(save(arrays, metadata={"spec": "{}"})))
        specs.append(f"export const {name}: Spec = {spec_of(blob)};\n")
    (FOLDER / "paired.blob").write_bytes(paired().at("golden", Place(position=2)))
    x = np.linspace(-9, 9, 2001)
    cdf = {"x": x, "cdf": norm.cdf(x)}
    (FOLDER / "normal.numbers.blob").write_bytes(with_head(save(cdf, metadata={"spec": "{}"})))
    (FOLDER / "specs.ts").write_text("".join(specs), encoding="utf-8")
    for script in ("timeline", "ear"):
        joined = join_modules(ASSETS / "timeline" / f"{script}.js")
        (FOLDER / f"{script}.joined.mjs").write_text(joined, encoding="utf-8")


if __name__ == "__main__":
    write()
