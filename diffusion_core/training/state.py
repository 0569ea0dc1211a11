"""What decides a run, and where it stands: configuration, snapshot, state."""

import math
from dataclasses import KW_ONLY, dataclass
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from diffusion_core.denoisers import Predictor, check_predicts
from diffusion_core.errors import BadInput, check_between, check_whole
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.parameterization import TARGETS, Target
from diffusion_core.schedule import NoiseSchedule

__all__ = [
    "BINS",
    "NetConfig",
    "RunConfig",
    "RunState",
    "Snapshot",
    "Stored",
    "Trainable",
    "TrainingConfig",
    "TrainingState",
    "check_target",
    "net_config",
]

NetConfig = MLPConfig | UNetConfig
"""The networks that are trained here."""
BINS = 20
"""The loss by t is the mean over this many equal parts of 1..T."""


def net_config(denoiser: Predictor) -> NetConfig:
    """The configuration of its network.

    Raises:
        BadInput: the network is none that is trained here.
    """
    if not isinstance(denoiser.config, NetConfig):
        raise BadInput(
            "The network must be one that is trained here, an MLP or a U-Net; got {got}.",
            got=type(denoiser.net).__name__,
        )
    return denoiser.config


class Trainable(Protocol):
    """A configuration of networks that can be trained."""

    def build(self) -> nn.Module:
        """New networks in one module, their weights from PyTorch's global generator: call it through `seeded`."""
        ...

    def check_data(self, shape: tuple[int, ...]) -> None:
        """Raises BadInput unless the networks take data of this shape, without the batch."""
        ...


@dataclass(frozen=True)
class RunConfig:
    """What decides how any run goes, whatever it trains.

    Args:
        net: the configuration of the networks.
        steps: of the optimizer.
        batch: rows a step (of each process).
        lr: the highest learning rate; it rises over `warmup` steps, then falls to 0 along a cosine.
        weight_decay: AdamW's.
        beta1, beta2: how much AdamW's averages of the gradient and of its square keep at each step.
        max_norm: the gradient is shortened to this.
        ema: decay of the average of the weights; less in the first steps, min(ema, (1 + k) / (10 + k)).
        seed: of the first weights and of every draw.

    Raises:
        BadInput: a number outside its range.
    """

    net: Trainable
    _: KW_ONLY
    steps: int = 4000
    batch: int = 512
    lr: float = 2e-3
    warmup: int = 100
    weight_decay: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    max_norm: float = 1.0
    ema: float = 0.999
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole("steps", self.steps, 1, 10**8)
        check_whole("batch", self.batch, 1, 10**6)
        check_whole("warmup", self.warmup, 0, 10**8)
        check_whole("seed", self.seed, 0, 2**31)
        for name, high in (("lr", 100), ("weight_decay", 100), ("max_norm", 1e9), ("ema", 1)):
            check_between(name, getattr(self, name), 0, high)
        for name in ("beta1", "beta2"):
            check_between(name, getattr(self, name), 0, 0.9999)

    def lr_at(self, step: int) -> float:
        """The learning rate of step k = 0, 1, ..."""
        rise = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        return self.lr * rise * 0.5 * (1 + math.cos(math.pi * step / self.steps))


@dataclass(frozen=True)
class TrainingConfig(RunConfig):
    """All that decides how the run of a denoiser goes, besides its data and its schedule; and what `RunConfig` says.

    Args:
        net: the network's configuration.
        predicts: what it is trained to predict, the name of a `Target`; eps where the variance is learned.
        drop_class: how often a row loses its class or its text, so that the network learns guidance.

    Raises:
        BadInput: a number outside its range.
    """

    net: NetConfig
    predicts: str = "eps"
    drop_class: float = 0.1

    def __post_init__(self) -> None:
        check_predicts(self.predicts, self.net)
        super().__post_init__()
        check_between("drop_class", self.drop_class, 0, 1)

    @property
    def target(self) -> Target:
        """What it is trained to predict."""
        return TARGETS[self.predicts]


def check_target(config: TrainingConfig, schedule: NoiseSchedule) -> None:
    """Raises BadInput where a network would predict eps of pure noise: it could never be sampled from there."""
    if config.predicts == "eps" and schedule.log_alpha_bar[-1] == -math.inf:
        raise BadInput(
            "alpha_bar is 0 at t = {t} of the schedule {schedule}, where eps says nothing of x_0: "
            "let the network predict x0 or v there, without a learned variance.",
            t=schedule.T,
            schedule=schedule.name,
        )


Config = TypeVar("Config", bound=RunConfig, covariant=True)


@dataclass(frozen=True, eq=False, kw_only=True)
class Stored(Generic[Config]):
    """A run that can go on: copies, which later steps do not touch.

    Attributes:
        config: of the run.
        step: how many steps are done.
        net, ema: the weights and their average, by name.
        moments: AdamW's two averages, "exp_avg.name" and "exp_avg_sq.name".
    """

    config: Config
    step: int
    net: dict[str, Tensor]
    ema: dict[str, Tensor]
    moments: dict[str, Tensor]


@dataclass(frozen=True, eq=False, kw_only=True)
class Snapshot(Stored[TrainingConfig]):
    """The run of a denoiser, with its schedule."""

    schedule: NoiseSchedule

    @property
    def denoiser(self) -> Predictor:
        """A new network with the averaged weights, as a denoiser."""
        net = seeded(0, self.config.net.build).requires_grad_(False)
        net.load_state_dict(self.ema)
        return Predictor(net, self.config.net, self.schedule, self.config.predicts)


@dataclass(frozen=True, eq=False, kw_only=True)
class RunState(Generic[Config]):
    """Where any run stands. Networks are the living ones: use them before the next state is asked for, or copy them.

    Attributes:
        config: of the run.
        step: how many steps are done.
        loss: the mean since the last state of what the first turn of a step lowers.
        lr: the learning rate of the last step.
        rows_per_second: of training data, without the time that the caller took.
        net, ema: the network, and the one with the averaged weights, the better one to sample with.
        optimizer: AdamW.
    """

    config: Config
    step: int
    loss: float
    lr: float
    rows_per_second: float
    net: nn.Module
    ema: nn.Module
    optimizer: torch.optim.AdamW

    def copies(self) -> dict[str, Any]:
        """What a `Stored` is made of, on the CPU."""
        names: dict[Tensor, str] = {parameter: name for name, parameter in self.net.named_parameters()}
        moments = {
            f"{key}.{names[parameter]}": _copy(value)
            for parameter, values in self.optimizer.state.items()
            for key, value in values.items()
            if key != "step"  # all are at the same step
        }
        net, ema = ({name: _copy(w) for name, w in m.state_dict().items()} for m in (self.net, self.ema))
        return {"config": self.config, "step": self.step, "net": net, "ema": ema, "moments": moments}


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingState(RunState[TrainingConfig]):
    """Where the run of a denoiser stands.

    Attributes:
        schedule: of the run.
        eps_loss: the loss in the units of eps, averaged over t evenly: what the floor bounds from below.
        eps_loss_by_t: (BINS,) the same in each part of 1..T; NaN where no t was drawn.
    """

    schedule: NoiseSchedule
    eps_loss: float
    eps_loss_by_t: Tensor

    @property
    def denoiser(self) -> Predictor:
        """The averaged network as a denoiser."""
        return Predictor(self.ema, self.config.net, self.schedule, self.config.predicts)

    def snapshot(self) -> Snapshot:
        """A copy on the CPU, to save or to resume from."""
        return Snapshot(schedule=self.schedule, **self.copies())


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", memory_format=torch.contiguous_format, copy=True)
