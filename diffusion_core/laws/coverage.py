r"""What samples reach and where they stray, by the density of the data, which is known.

.. math::
    \text{quality} = \frac1n\sum_i \ln p(s_i) + H(p), \qquad
    \text{outside}_a = P\big(\ln p(s) < c_a\big), \quad P_p\big(\ln p(x) < c_a\big) = 1 - a.

Quality is 0 for the truth, and above 0 for a law that is too narrow: so never alone. Its mean is ruled by bridges,
where ln p may be -13 or -97; its median is not. *Outside* counts the strays, each once.

*Shares* are responsibilities summed over parts of the data (each bead, or 16 arcs of neighbouring beads), in the mean
exactly their weights. A part is *caught* if the samples of it inside the 99.9 % region make at least half of its
weight; that a sample is nearest to it is less.

References:
    Metz et al. 2017 (counting modes). Kynkäänniemi et al. 2019 (fidelity and coverage are two).
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from diffusion_core.laws.law import places_of
from diffusion_core.laws.mixtures import GaussianMixture

__all__ = ["Coverage", "Reference", "bridge_level"]

PARTS = 16  # the most that are told apart


@dataclass(frozen=True)
class Coverage:
    """What is said of samples.

    Attributes:
        quality, quality_median: in nats, 0 for the truth.
        outside_999, outside_99: shares outside the regions that hold 99.9 % and 99 % of the data.
        caught: how many parts have at least half their weight in samples inside the 99.9 % region.
        nearest: the same, counting all samples.
        parts: how many there are.
        shares_kl: KL(shares || weights) in nats.
    """

    quality: float
    quality_median: float
    outside_999: float
    outside_99: float
    caught: int
    nearest: int
    parts: int
    shares_kl: float


@dataclass(frozen=True, eq=False)
class Reference:
    """The data, and what ln p is at their own draws.

    Args:
        law: p, with a density.
        n: draws that entropy and quantiles are made of.
        seed: of these draws.
    """

    law: GaussianMixture
    n: int = 200_000
    seed: int = 0

    @cached_property
    def log_probs(self) -> Tensor:
        """ln p at draws of p, (n,), from low to high."""
        generator = torch.Generator().manual_seed(self.seed)
        parts = (min(20_000, self.n - start) for start in range(0, self.n, 20_000))
        return torch.cat([self.law.log_prob(self.law.sample(n, generator)) for n in parts]).sort().values

    @cached_property
    def entropy(self) -> float:
        """H(p) in nats."""
        return -self.log_probs.mean().item()

    def cut(self, share: float) -> float:
        """c_a: ln p lies above it for this share of the data."""
        return self.log_probs[int((1 - share) * len(self.log_probs))].item()

    @cached_property
    def part(self) -> Tensor:
        """Of each component the part that it belongs to, (K,): beads in a row make an arc."""
        K = len(self.law.weights)
        return torch.arange(K) * min(K, PARTS) // K

    @cached_property
    def weights(self) -> Tensor:
        """Of each part, (parts,)."""
        return self._by_part(self.law.weights[None])[0]

    def _by_part(self, values: Tensor) -> Tensor:
        """(n, K) -> (n, parts), sums."""
        empty = values.new_zeros(len(values), int(self.part[-1]) + 1)
        return empty.index_add(1, self.part, values)

    def coverage(self, samples: Tensor) -> Coverage:
        """What is said of samples (n, d).

        Raises:
            BadInput: samples that are not finite, or not in the dimension of the data.
        """
        samples = places_of(samples, self.law.dimension)
        log_p, shares = self.law.log_prob(samples), self._by_part(self.law.responsibilities(samples))
        cut_999, cut_99 = self.cut(0.999), self.cut(0.99)
        inside = (log_p >= cut_999)[:, None]
        mean, half = shares.mean(0), self.weights / 2
        return Coverage(
            quality=log_p.mean().item() + self.entropy,
            quality_median=(log_p.median() - self.log_probs.median()).item(),
            outside_999=1 - inside.double().mean().item(),
            outside_99=(log_p < cut_99).double().mean().item(),
            caught=int(((shares * inside).mean(0) >= half).sum()),
            nearest=int((mean >= half).sum()),
            parts=len(half),
            shares_kl=torch.special.xlogy(mean, mean / self.weights).sum().item(),
        )


def bridge_level(log_density: Tensor, places: list[tuple[int, int]]) -> float:
    r"""The highest c at which :math:`\{\ln q \ge c\}` joins all the places: how deep the lowest pass between them lies.

    Args:
        log_density: ln q on a grid, (rows, columns).
        places: (row, column) of each, two or more.
    """
    rows, columns = log_density.shape
    flat = log_density.flatten()
    root = [-1] * flat.numel()  # -1: not yet above the water

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    def neighbours(i: int) -> list[int]:
        row, column = divmod(i, columns)
        beside = ((row, column - 1), (row, column + 1), (row - 1, column), (row + 1, column))
        return [r * columns + c for r, c in beside if 0 <= r < rows and 0 <= c < columns]

    wanted = [row * columns + column for row, column in places]
    order: list[int] = flat.argsort(descending=True).tolist()
    for i in order:
        root[i] = i
        for j in neighbours(i):
            if root[j] >= 0:
                root[find(j)] = find(i)
        if all(root[k] >= 0 for k in wanted) and len({find(k) for k in wanted}) == 1:
            return flat[i].item()
    raise AssertionError("a grid is connected")
