r"""Denoisers: whatever says which noise there is in x_t, ``model(x_t, t, cond=None) -> eps``.

Exact denoisers of a known law (`laws`), networks, guided ones and those of diffusers are all asked alike: the samplers,
the losses and the judges know this one contract. A network gives what it was trained to predict; `Predictor` turns it
into a denoiser. `Guided` turns a denoiser that knows classes into one that follows a class more than its data do:

.. math:: \hat\epsilon = \epsilon_\theta(x_t) + w\,\big(\epsilon_\theta(x_t, c) - \epsilon_\theta(x_t)\big).

References:
    Salimans, Ho 2022, section 4 and appendix D (what to predict). Ho, Salimans 2022, eq. 6 (guidance; their w is ours
    less 1). Nichol, Dhariwal 2021, section 3.1 (v for the variance).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from diffusion_core.errors import BadInput, check_at_least_zero, check_floating, check_one_of
from diffusion_core.parameterization import TARGETS, Target
from diffusion_core.posterior import Transition
from diffusion_core.schedule import NoiseSchedule, from_beta
from diffusion_core.variance import Variance, learned_range

__all__ = [
    "Denoiser",
    "Guided",
    "LearnedVariance",
    "Model",
    "OutputConfig",
    "Predictor",
    "StepDenoiser",
    "check_predicts",
    "from_diffusers",
]


class Denoiser(Protocol):
    """(x_t, t, cond) -> the predicted eps, shape of x_t.

    Args:
        x_t: (batch, ...) the state.
        t: an integer in 1..T, or (batch,) of them, one a row.
        cond: (batch,) classes, (batch, L) tokens, or None: no condition. Those that know none do not look at it.
    """

    def __call__(self, x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor: ...


StepDenoiser = Callable[[Tensor, int], Tensor]
"""What a sampler asks: (x_t, t) -> the predicted eps, one t for all rows. Every `Denoiser` is one."""

Model = Callable[[Tensor, int | Tensor, Tensor | None], Tensor]
"""What a loss asks: (x_t, t, cond) -> what is predicted, eps or another `Target`. Every `Denoiser` is one."""


class OutputConfig(Protocol):
    """What a `Predictor` asks of its network's configuration."""

    @property
    def learned_variance(self) -> bool:
        """Whether there is a second output, v of the variance."""
        ...


@dataclass(frozen=True, eq=False)
class Predictor:
    """A network as a denoiser.

    Args:
        net: built by `config`.
        config: its configuration.
        schedule: the one it was trained with.
        predicts: what its output is, the name of a `Target`. With a learned variance: eps, and v of the variance.

    Raises:
        BadInput: predicts has no such name, or is not eps where the variance is learned.
    """

    net: nn.Module
    config: OutputConfig
    schedule: NoiseSchedule
    predicts: str = "eps"

    def __post_init__(self) -> None:
        check_predicts(self.predicts, self.config)

    @property
    def target(self) -> Target:
        """What the network predicts."""
        return TARGETS[self.predicts]

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
        return self.target.eps(self.schedule, x_t, output, t), None


def check_predicts(predicts: str, config: OutputConfig) -> None:
    """Raises BadInput unless a network of this configuration can predict that."""
    check_one_of("predicts", predicts, TARGETS)
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

    def __call__(self, x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
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

    denoiser: Denoiser
    cond: Tensor
    scale: float = 1.0

    def __post_init__(self) -> None:
        check_at_least_zero("scale", self.scale)

    def __call__(self, x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        cond = self.cond if cond is None else cond
        if self.scale == 1:
            return self.denoiser(x_t, t, cond)
        without = self.denoiser(x_t, t)
        if self.scale == 0:
            return without
        return torch.lerp(without, self.denoiser(x_t, t, cond), self.scale)


# --- diffusers ------------------------------------------------------------------------------------------------------

PREDICTION_TYPES = {"epsilon": "eps", "sample": "x0", "v_prediction": "v"}


@dataclass(frozen=True)
class _FromDiffusers:
    learned_variance: bool


class _CountsFromZero(nn.Module):
    """Their network at our t: ours is 1..T, theirs 0..T - 1."""

    def __init__(self, unet: nn.Module, schedule: NoiseSchedule) -> None:
        super().__init__()
        self.unet, self.schedule = unet, schedule

    def forward(self, x: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        self.schedule.index(t, x, low=1)
        output: Tensor = self.unet(x, t - 1, cond).sample
        return output


def from_diffusers(unet: nn.Module, scheduler: Any) -> Predictor:
    """A network of diffusers as a denoiser; its schedule is ``.schedule``. Here alone t is counted from 0.

    Args:
        unet: UNet2DModel (cond: classes), UNet2DConditionModel (cond: what it reads, its ``encoder_hidden_states``), or
            any module whose call (x_t, t, cond) returns an object with a ``sample``.
        scheduler: of DDPM, DDIM or another kind with betas; of its configuration the betas, ``prediction_type`` and
            ``variance_type`` count. Timesteps, clipping and the variance are the sampler's arguments here.

    Raises:
        BadInput: a scheduler without betas; another prediction_type; a learned variance that is no range; (when
            called) t outside 1..T.
    """
    if not hasattr(scheduler, "betas"):
        raise BadInput("The scheduler must have betas; got {got}.", got=type(scheduler).__name__)
    config = scheduler.config
    kind, variance = config.get("prediction_type", "epsilon"), config.get("variance_type")
    check_one_of("prediction_type", kind, PREDICTION_TYPES)
    if variance == "learned":
        raise BadInput("variance_type must be learned_range, or a fixed one; got {got}.", got=variance)
    schedule = from_beta(scheduler.betas, config.get("beta_schedule", "diffusers"))
    known = _FromDiffusers(learned_variance=variance == "learned_range")
    return Predictor(_CountsFromZero(unet, schedule), known, schedule, PREDICTION_TYPES[kind])
