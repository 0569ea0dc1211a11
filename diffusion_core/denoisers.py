r"""Networks, and the two wrappers that make a denoiser of them.

A network gives what it was trained to predict; a denoiser gives eps, whatever that is
(``model(x_t, t, cond=None)`` -> eps in the shape of x_t). `Predictor` turns the one into the other; `Guided` turns a
denoiser that knows classes into one that follows a class more than its data do:

.. math:: \hat\epsilon = \epsilon_\theta(x_t) + w\,\big(\epsilon_\theta(x_t, c) - \epsilon_\theta(x_t)\big).

References:
    Salimans, Ho 2022, section 4 and appendix D (what to predict). Ho, Salimans 2022, eq. 6 (guidance; their w is ours
    less 1). Nichol, Dhariwal 2021, section 3.1 (v for the variance).
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from diffusion_core.errors import BadInput, check_floating
from diffusion_core.nets.attention import attention_by_word
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.parameterization import eps_from_v, eps_from_x0
from diffusion_core.posterior import Transition
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.variance import Variance, learned_range

__all__ = [
    "PREDICTS",
    "ConditionalDenoiser",
    "Guided",
    "GuidedCall",
    "LearnedVariance",
    "NetConfig",
    "Predictor",
    "WatchedGuidance",
]

NetConfig = MLPConfig | UNetConfig
PREDICTS = ("eps", "x0", "v")


class ConditionalDenoiser(Protocol):
    """(x_t, t, cond) -> eps in the shape of x_t."""

    def __call__(self, x_t: Tensor, t: int, cond: Tensor | None = None) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Predictor:
    """A network as a denoiser.

    Args:
        net: built by `config`.
        config: its configuration.
        schedule: the one it was trained with.
        predicts: what its output is: "eps", "x0" or "v". With a learned variance: eps, and v of the variance.

    Raises:
        BadInput: predicts has no such name, or is not eps where the variance is learned.
    """

    net: nn.Module
    config: NetConfig
    schedule: NoiseSchedule
    predicts: str = "eps"

    def __post_init__(self) -> None:
        check_predicts(self.predicts, self.config)

    def __call__(
        self, x_t: Tensor, t: int | Tensor, cond: Tensor | None = None, maps: dict[str, Tensor] | None = None
    ) -> Tensor:
        """The predicted eps, shape of x_t.

        Args:
            t: an integer or (batch,) integers.
            cond: (batch,) classes, (batch, L) tokens, or None.
            maps: a dictionary that a U-Net fills with what its blocks say.
        """
        return self.eps_and_v(x_t, t, cond, maps)[0]

    def eps_and_v(
        self, x_t: Tensor, t: int | Tensor, cond: Tensor | None = None, maps: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """eps, and the v of `variance.learned_range` (None without a learned variance), each in the shape of x_t."""
        check_floating("x_t", x_t)
        output = self.net(x_t, t, cond) if maps is None else self.net(x_t, t, cond, maps)
        if self.config.learned_variance:
            return split_variance(output)
        if self.predicts == "x0":
            return eps_from_x0(self.schedule, x_t, output, t), None
        if self.predicts == "v":
            return eps_from_v(self.schedule, x_t, output, t), None
        return output, None


def check_predicts(predicts: str, config: NetConfig) -> None:
    """Raises BadInput unless a network of this configuration can predict that."""
    if predicts not in PREDICTS:
        raise BadInput("predicts must be one of {allowed}; got {got}.", allowed=", ".join(PREDICTS), got=predicts)
    if config.learned_variance and predicts != "eps":
        raise BadInput("predicts must be eps where the variance is learned; got {got}.", got=predicts)


def split_variance(output: Tensor) -> tuple[Tensor, Tensor]:
    """The two halves of an output with a learned variance: eps, and v, which starts in the middle, at 1/2."""
    eps_hat, v = output.chunk(2, dim=1)
    return eps_hat, (v + 1) / 2


class LearnedVariance:
    """One run of a sampler with the network's own variance: the denoiser and the choice of variance share each call.

    ``run = LearnedVariance(predictor); ancestral(run, schedule, x_T, timesteps, run.variance, generator)``. It holds
    the v of the last call, so each run needs its own.

    Raises:
        BadInput: the network has no second output; the variance is asked for before the denoiser.
    """

    def __init__(self, predictor: Predictor, cond: Tensor | None = None) -> None:
        if not predictor.config.learned_variance:
            raise BadInput("The network has no learned variance: it was trained without a second output.")
        self._predictor, self._cond = predictor, cond
        self._v: Tensor | None = None

    def __call__(self, x_t: Tensor, t: int, cond: Tensor | None = None) -> Tensor:
        eps_hat, self._v = self._predictor.eps_and_v(x_t, t, self._cond if cond is None else cond)
        return eps_hat

    def variance(self, transition: Transition, x_t: Tensor) -> Variance:
        """The choice of variance at the x_t of the last call."""
        if self._v is None:
            raise BadInput("The denoiser must be asked before its variance.")
        return learned_range(self._v)(transition, x_t)


@dataclass(frozen=True, eq=False)
class Guided:
    """Classifier-free guidance: a denoiser around a denoiser.

    Args:
        denoiser: knows classes or reads text; cond = None asks it for none.
        cond: (batch,) the class, or (batch, L) the tokens of the text, that each row shall have.
        scale: w: 0 no condition, 1 the condition as the data have it, more: more than the data.

    Raises:
        BadInput: scale is not a finite number of at least 0.
    """

    denoiser: ConditionalDenoiser
    cond: Tensor
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.scale < math.inf:
            raise BadInput("scale must be a finite number of at least 0; got {got}.", got=self.scale)

    def __call__(self, x_t: Tensor, t: int, cond: Tensor | None = None) -> Tensor:
        cond = self.cond if cond is None else cond
        if self.scale == 1:
            return self.denoiser(x_t, t, cond)
        without = self.denoiser(x_t, t)
        if self.scale == 0:
            return without
        return torch.lerp(without, self.denoiser(x_t, t, cond), self.scale)


@dataclass(frozen=True, eq=False)
class GuidedCall:
    """What a guided call was made of.

    Attributes:
        t: the timestep.
        eps_cond, eps_uncond: shape of x_t, with the text and without; eps is the second + w times their difference.
        words: (batch, L, side, side) which part of its attention each place gives to each token, the mean over all
            blocks and heads; the sum over the tokens is 1.
    """

    t: int
    eps_cond: Tensor
    eps_uncond: Tensor
    words: Tensor


class WatchedGuidance:
    """`Guided` by text, that keeps what each call was made of, in order, in `calls`.

    It asks for both eps at every scale, also where one of them is not needed.

    Raises:
        BadInput: scale is not a finite number of at least 0; the network reads no text.
    """

    def __init__(self, predictor: Predictor, tokens: Tensor, scale: float) -> None:
        if not isinstance(predictor.config, UNetConfig) or predictor.config.text is None:
            raise BadInput("The network reads no text: it was trained without.")
        Guided(predictor, tokens, scale)  # the same rule for scale
        self.predictor, self.tokens, self.scale = predictor, tokens, scale
        self.calls: list[GuidedCall] = []

    def __call__(self, x_t: Tensor, t: int, cond: Tensor | None = None) -> Tensor:
        maps: dict[str, Tensor] = {}
        eps_cond = self.predictor(x_t, t, self.tokens if cond is None else cond, maps)
        eps_uncond = self.predictor(x_t, t)
        self.calls.append(GuidedCall(t, eps_cond, eps_uncond, attention_by_word(maps, x_t.shape[-1])))
        return torch.lerp(eps_uncond, eps_cond, self.scale)
