r"""Networks too small for their task, trained on all noise levels at once under one weighting of the loss or another.

Their task is the data `bimodal` and :math:`\epsilon^*`; the weight of a level is that of `weightings`, t drawn evenly
along the cosine. As :math:`E(\epsilon-f)^2 = \ell + E(f-\epsilon^*)^2`, the loss less its floor is a sum over levels
and quadrature nodes: nothing is drawn, so what is left when training ends is what a network of that width cannot do.
All networks of one width are trained side by side, from some starts each. Then, a few times, each weighting takes the
network that is best by its loss, whichever it was trained for, and trains it on: what is left is less a matter of luck.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from diffusion_core.data.toys import bimodal
from diffusion_core.errors import BadInput
from diffusion_core.levels import SHAPES, from_log_snr, log_snr_at
from diffusion_core.weightings import DENSITIES, WEIGHTINGS

__all__ = ["NAMES", "WIDTHS", "Small", "Task", "load", "save", "task", "train"]

NAMES = tuple(name for name in WEIGHTINGS if name != "fm")  # along the cosine it is v times pi / 2
WIDTHS = (2, 4, 8)
ENDS = (1e3, 1e-3)
LEVELS, NODES = 33, 24
STARTS, ROUNDS, STEPS, RATE = 4, 3, 2_500, 0.02
SCALE = 4.0  # ln SNR is divided by it before it enters a network
PARTS = ("w1", "b1", "w2", "b2", "w3", "b3")


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be learned: places at each level, their share of it, and the answers. (L,), then (L, n) each."""

    log_snr: Tensor
    x: Tensor
    share: Tensor
    answer: Tensor

    @cached_property
    def weights(self) -> Tensor:
        """(weightings, L): of each weighting over the levels; their sum is 1."""
        rows = torch.stack([WEIGHTINGS[name].over_log_snr(self.log_snr, DENSITIES["cosine"]) for name in NAMES])
        return rows / rows.sum(1, keepdim=True)


def task(levels: int = LEVELS, nodes: int = NODES) -> Task:
    """Gauss-Hermite nodes of both peaks at levels even in ln SNR."""
    law = bimodal().law
    log_snr = log_snr_at(SHAPES["log_snr"], ENDS, torch.linspace(0, 1, levels, dtype=torch.float64))
    schedule = from_log_snr(log_snr)
    z, share = map(torch.from_numpy, np.polynomial.hermite_e.hermegauss(nodes))
    x, answer = [], []
    for t in range(1, levels + 1):
        now = law.at(schedule, t)
        x.append((now.means + now.eigenvalues.sqrt() * z).flatten())
        answer.append(now.eps(x[-1][:, None])[:, 0])
    shares = (law.weights[:, None] * share / share.sum()).flatten()
    parts = (log_snr, torch.stack(x), shares.expand(levels, -1), torch.stack(answer))
    return Task(*(part.float() for part in parts))


@dataclass(frozen=True, eq=False)
class Small:
    """Networks of one width, side by side: two layers of tanh, from (x_t, ln SNR) to eps.

    Args:
        parts: by `PARTS`, the first axis over the networks.
    """

    parts: dict[str, Tensor]

    @property
    def width(self) -> int:
        return self.parts["b1"].shape[-1]

    @classmethod
    def random(cls, n: int, width: int, generator: torch.Generator) -> "Small":
        """n networks to begin with."""
        shapes = {"w1": (2, width), "b1": (width,), "w2": (width, width), "b2": (width,), "w3": (width, 1), "b3": (1,)}
        fan = {"w1": 2, "w2": width, "w3": width}
        parts = {
            name: torch.randn((n, *shape), generator=generator) / fan.get(name, 1) ** 0.5
            for name, shape in shapes.items()
        }
        return cls(parts)

    def __call__(self, x: Tensor, log_snr: Tensor) -> Tensor:
        """eps of every network at (N,) places with their levels, (n, N)."""
        p = self.parts
        inputs = torch.stack([x, log_snr / SCALE], -1)
        hidden = torch.tanh(inputs @ p["w1"] + p["b1"][:, None])
        hidden = torch.tanh(hidden @ p["w2"] + p["b2"][:, None])
        return (hidden @ p["w3"] + p["b3"][:, None])[..., 0]

    def chosen(self, rows: Tensor) -> "Small":
        """Some of them, each as often as it is named."""
        return Small({name: part[rows] for name, part in self.parts.items()})

    def beside(self, others: "Small") -> "Small":
        """These, and others of the same width."""
        return Small({name: torch.cat([part, others.parts[name]]) for name, part in self.parts.items()})

    def errors(self, task: Task) -> Tensor:
        r""":math:`E(f-\epsilon^*)^2` at each level, (n, L)."""
        levels = task.log_snr[:, None].expand_as(task.x)
        answers = self(task.x.flatten(), levels.flatten()).reshape(-1, *task.x.shape)
        return (task.share * (answers - task.answer).square()).sum(-1)


def train(width: int, *, steps: int = STEPS, starts: int = STARTS, seed: int = 0) -> Small:
    """One network for each weighting, in the order of `NAMES`."""
    wanted = task()
    first = Small.random(starts * len(NAMES), width, torch.Generator().manual_seed(seed))
    known = improve(first, wanted, wanted.weights.repeat_interleave(starts, 0), steps)
    for _round in range(ROUNDS):
        known = known.beside(improve(best_of(known, wanted), wanted, wanted.weights, steps))
    return best_of(known, wanted)


def best_of(networks: Small, wanted: Task) -> Small:
    """Of all these, by the loss of each weighting, the best."""
    return networks.chosen((wanted.weights @ networks.errors(wanted).T).argmin(1))


def improve(nets: Small, wanted: Task, weights: Tensor, steps: int) -> Small:
    """Each network trained on for the loss that its row of the weights, (n, L), makes."""
    nets = Small({name: part.clone().requires_grad_(True) for name, part in nets.parts.items()})
    optimizer = torch.optim.Adam(nets.parts.values(), lr=RATE)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _step in range(steps):
        optimizer.zero_grad()
        loss = (weights * nets.errors(wanted)).sum(1)
        (loss / loss.detach()).sum().backward()  # each by its own loss, however small that is
        optimizer.step()
        rate.step()
    return Small({name: part.detach() for name, part in nets.parts.items()})


# --- on disk --------------------------------------------------------------------------------------------------------


def save(path: Path, networks: list[Small]) -> None:
    """All widths in one file, float32, with what they were trained for."""
    parts = {f"{one.width}.{name}": part for one in networks for name, part in one.parts.items()}
    save_file(parts, path, {"weightings": ",".join(NAMES), "widths": ",".join(str(one.width) for one in networks)})


def load(path: Path) -> dict[int, Small]:
    """The networks by their width.

    Raises:
        BadInput: the file is missing or damaged, or holds networks of other weightings.
    """
    try:
        with safe_open(path, "pt") as file:
            said = file.metadata()
            widths = [int(width) for width in said["widths"].split(",")]
            found = {w: {name: file.get_tensor(f"{w}.{name}") for name in PARTS} for w in widths}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BadInput("The small networks cannot be read: {error}.", error=type(error).__name__) from None
    except Exception as error:  # safetensors' own
        raise BadInput("The small networks cannot be read: {error}.", error=type(error).__name__) from None
    if said["weightings"] != ",".join(NAMES):
        raise BadInput("The small networks were trained for {got}.", got=said["weightings"])
    return {width: Small(parts) for width, parts in found.items()}
