r"""Training: draw, predict, step; one loop for a page, a notebook and a command line.

`run` trains whatever a `Task` says: what is drawn in a step, and which losses are lowered in turn. `train` trains a
denoiser by it: data, t and noise are drawn, and there is one loss,

.. math::
    L = E_{x_0,\ t\sim U\{1..T\},\ \epsilon}\ \|y - f_\theta(x_t, t)\|^2/d, \qquad
    y = \epsilon,\quad x_0 \quad\text{or}\quad v = \sqrt{\bar\alpha_t}\,\epsilon - \sqrt{1-\bar\alpha_t}\,x_0,

the simple loss in the units of what the network predicts, or, where it has a second output, the hybrid loss
(`objectives`). Whatever y is, the error of eps that follows from the output is that of y times `Target.weight`: that
one can be laid beside the exact floor (`laws.estimates.loss_floor`), and no network's mean falls below it.

The draws of step k depend on the seed and on k alone. So a run that is resumed needs no state of a random generator,
and goes on bit for bit as if it had never stopped. They are made on the CPU, and x_t of them: every device sees the
same, and none is waited for.

References:
    Ho, Jain, Abbeel 2020, algorithm 1, eq. 14. Salimans, Ho 2022 (x_0 and v). Nichol, Dhariwal 2021 (hybrid).
"""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from diffusion_core.denoisers import Model, split_variance
from diffusion_core.errors import BadInput, check_finite, check_whole
from diffusion_core.forward import q_sample
from diffusion_core.nets.initial import seeded
from diffusion_core.objectives import hybrid_loss, row_errors, simple_loss
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.training.draws import DataSampler
from diffusion_core.training.state import (
    BINS,
    RunConfig,
    RunState,
    Snapshot,
    Stored,
    Trainable,
    TrainingConfig,
    TrainingState,
    check_target,
)

__all__ = ["Batch", "Learner", "Task", "objective", "run", "train"]

State = TypeVar("State", bound=RunState[RunConfig], covariant=True)
Drawn = TypeVar("Drawn")

LOST = 1e4  # a network that answers 0 has a loss of about 1


# --- the loop -------------------------------------------------------------------------------------------------------


def train(
    config: TrainingConfig,
    sample: DataSampler,
    schedule: NoiseSchedule,
    every: int = 50,
    resume: Snapshot | None = None,
    device: torch.device | str = "cpu",
    bf16: bool = False,
    wrap: Callable[[nn.Module], nn.Module] = lambda net: net,
    rank: int = 0,
) -> Iterator[TrainingState]:
    """Trains, and yields its state every few steps, at multiples of `every` and at the end.

    Args:
        config: the run.
        sample: draws the data; its generator is on the CPU.
        schedule: the noise.
        every: steps between two states; which ones are yielded changes nothing in the run.
        resume: the snapshot to go on from; its network must be the configuration's.
        device: of the network.
        bf16: run the network under bfloat16 autocast.
        wrap: what the step calls in place of the network: `torch.compile`, or an engine's data-parallel wrapper.
        rank: the number of this process, where several train together: each draws its own data.

    Raises:
        BadInput: arguments that do not fit; eps on a schedule that ends in pure noise; data that the network cannot
            take; (while it runs) data or a loss that are not finite, or a loss beyond all measure.
    """
    check_target(config, schedule)
    learner = Learner(config, sample, resume=resume, device=torch.device(device))
    model = _model(wrap(learner.net), learner.device, bf16)
    task = _Denoising(config, sample, schedule, model=model, meter=_Meter(schedule.T, learner.device))
    return run(task, learner, every, rank=rank)


class Task(Protocol[State, Drawn]):
    """What one family of networks does in a step of `run`, which does the rest."""

    def draw(self, generator: torch.Generator) -> Drawn:
        """The draws of one step."""
        ...

    def turns(self, drawn: Drawn) -> Iterator[Tensor]:
        """The losses of the step, 0-d, in turn; the optimizer moves what a loss depends on before the next one."""
        ...

    def state(self, facts: dict[str, Any]) -> State:
        """What is told: the facts that all runs have, with the losses since the last state."""
        ...


def run(task: Task[State, Any], learner: "Learner", every: int, rank: int = 0) -> Iterator[State]:
    """Trains, and yields the task's state at multiples of `every` and at the end; arguments are those of `train`."""
    check_whole("every", every, 1, 10**8)
    return _states(task, learner, every, rank)


def _states(task: Task[State, Any], learner: "Learner", every: int, rank: int) -> Iterator[State]:
    config, told, generator = learner.config, learner.first, torch.Generator()
    clock = time.perf_counter()
    for k in range(learner.first, config.steps):
        generator.manual_seed(_seed(config.seed, rank, k))
        for loss in task.turns(task.draw(generator)):
            loss.backward()
            learner.step(k)
        learner.average(k)
        if (k + 1) % every == 0 or k + 1 == config.steps:
            seconds = time.perf_counter() - clock
            state = task.state(learner.facts(k, rows_per_second=(k + 1 - told) * config.batch / seconds))
            _check_loss(state.loss, k + 1, config.lr)
            yield state
            clock, told = time.perf_counter(), k + 1


def _model(net: nn.Module, device: torch.device, bf16: bool) -> Model:
    """The network on its device, asked from the CPU; it answers in float32, there."""

    def model(x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        told = None if cond is None else cond.to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            output: Tensor = net(x_t.to(device), torch.as_tensor(t).to(device), told)
        return output.float()

    return model


# --- what comes in --------------------------------------------------------------------------------------------------


def _check_data(net: Trainable, x0: Tensor) -> None:
    check_finite("the data", x0)
    if x0.dtype != torch.float32:
        raise BadInput("The data must be torch.float32, as the network is; got {got}.", got=x0.dtype)
    net.check_data(x0.shape[1:])


def _check_loss(loss: float, step: int, lr: float) -> None:
    if not loss < LOST:  # NaN fails every comparison
        raise BadInput(
            "Training diverged before step {step}: the loss is {loss:g}. Try a lower learning rate than {lr:g}.",
            step=step,
            loss=loss,
            lr=lr,
        )


def _seed(seed: int, rank: int, step: int) -> int:
    """Another number for each step of a run; PyTorch's generator on the CPU looks at 32 bits of it."""
    return (step + 1_000_003 * rank + 2_654_435_761 * seed) % 2**32


# --- what a run changes ---------------------------------------------------------------------------------------------


class Learner:
    """What a run changes: the network, the average of its weights, and AdamW's two averages of its gradients.

    Args:
        config: the run.
        sample: draws the data, which are looked at once.
        resume: the snapshot to go on from; its network must be the configuration's.
        device: of the network.

    Raises:
        BadInput: data that the network cannot take, a snapshot of another network.
    """

    def __init__(
        self, config: RunConfig, sample: DataSampler, resume: Stored[RunConfig] | None, device: torch.device
    ) -> None:
        if resume is not None and resume.config.net != config.net:
            raise BadInput(
                "resume must hold the network {expected}; got {got}.", expected=config.net, got=resume.config.net
            )
        _check_data(config.net, sample(1, torch.Generator().manual_seed(0))[0])
        self.config, self.device = config, device
        self.first = 0 if resume is None else resume.step
        self.net = seeded(config.seed, config.net.build).to(device)
        self.ema = copy.deepcopy(self.net).requires_grad_(False)
        self._weights: list[Tensor] = list(self.net.parameters())
        self._averages: list[Tensor] = list(self.ema.parameters())
        self.optimizer = torch.optim.AdamW(
            self._weights,
            lr=config.lr,
            betas=(config.beta1, config.beta2),
            weight_decay=config.weight_decay,
            fused=True,
        )
        if resume is not None:
            self.net.load_state_dict(resume.net)
            self.ema.load_state_dict(resume.ema)
            self._set_moments(resume)

    def _set_moments(self, resume: Stored[RunConfig]) -> None:
        for name, weight in self.net.named_parameters():
            moments = {
                key: torch.empty_like(weight).copy_(resume.moments[f"{key}.{name}"])
                for key in ("exp_avg", "exp_avg_sq")
            }
            steps = torch.tensor(float(resume.step), device=weight.device)
            self.optimizer.state[weight] = {"step": steps, **moments}

    @torch.no_grad()
    def step(self, k: int) -> None:
        """Moves the weights that have gradients along them."""
        _shorten([w.grad for w in self._weights if w.grad is not None], self.config.max_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.lr_at(k)
        self.optimizer.step()
        self.optimizer.zero_grad()

    @torch.no_grad()  # or the average would drag the history of every step along
    def average(self, k: int) -> None:
        """Moves the average of the weights."""
        torch._foreach_lerp_(self._averages, self._weights, 1 - min(self.config.ema, (1 + k) / (10 + k)))

    def facts(self, k: int, rows_per_second: float) -> dict[str, Any]:
        """What every `RunState` has, after step k, besides its loss."""
        return {
            "config": self.config,
            "step": k + 1,
            "lr": self.config.lr_at(k),
            "rows_per_second": rows_per_second,
            "net": self.net,
            "ema": self.ema,
            "optimizer": self.optimizer,
        }


def _shorten(gradients: list[Tensor], max_norm: float) -> None:
    """PyTorch's clip_grad_norm_ with all tensors in one call: a small network's step is 3 % shorter so."""
    if not gradients:
        return
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, (max_norm / (norm + 1e-6)).clamp(max=1.0))


# --- one step of a denoiser -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Batch:
    """The draws of one step: x_0, its classes or tokens or None, t in 1..T and eps, a row each; on the CPU."""

    x0: Tensor
    cond: Tensor | None
    t: Tensor
    eps: Tensor


def _draw(config: TrainingConfig, sample: DataSampler, schedule: NoiseSchedule, generator: torch.Generator) -> Batch:
    x0, cond = sample(config.batch, generator)
    t = torch.randint(1, schedule.T + 1, (config.batch,), generator=generator)
    eps = torch.randn(x0.shape, generator=generator)
    nothing = config.net.no_condition
    if cond is not None and nothing is not None:
        dropped = torch.rand(config.batch, generator=generator) < config.drop_class
        cond = torch.where(dropped.reshape(-1, *[1] * nothing.ndim), nothing, cond)
    return Batch(x0, cond, t, eps)


@dataclass(frozen=True, eq=False)
class _Denoising:
    """What a denoiser does in a step."""

    config: TrainingConfig
    sample: DataSampler
    schedule: NoiseSchedule
    model: Model
    meter: "_Meter"

    def draw(self, generator: torch.Generator) -> Batch:
        return _draw(self.config, self.sample, self.schedule, generator)

    def turns(self, drawn: Batch) -> Iterator[Tensor]:
        loss, eps_loss = objective(self.config, self.schedule, self.model, drawn)
        self.meter.add(loss.detach(), eps_loss, drawn.t)
        yield loss

    def state(self, facts: dict[str, Any]) -> TrainingState:
        read = self.meter.read()
        return TrainingState(
            schedule=self.schedule,
            loss=read.loss,
            eps_loss=read.eps_loss,
            eps_loss_by_t=read.eps_loss_by_t,
            **facts,
        )


def objective(config: TrainingConfig, schedule: NoiseSchedule, model: Model, batch: Batch) -> tuple[Tensor, Tensor]:
    """The loss, a 0-d tensor to differentiate, and the squared error of eps in each row, (batch,), detached.

    Args:
        model: (x_t, t, cond) -> the network's output.
    """
    x0, cond, t, eps = batch.x0, batch.cond, batch.t, batch.eps
    if config.net.learned_variance:
        eps_hat, v = split_variance(model(q_sample(schedule, x0, t, eps), t, cond))
        eps = eps.to(eps_hat.device)
        return hybrid_loss(eps_hat, v, schedule, t=t, eps=eps), row_errors(eps_hat.detach(), eps)
    rows = simple_loss(model, schedule, x0, t=t, eps=eps, cond=cond, target=config.target)
    return rows.mean(), rows.detach() * config.target.weight(schedule, t, rows)


@dataclass(frozen=True)
class _Read:
    """Means since the last state: the loss, eps's, eps's by t, (BINS,); and over how many steps."""

    loss: float
    eps_loss: float
    eps_loss_by_t: Tensor
    steps: int


class _Meter:
    """Sums since the last state, kept on the device: reading them is what waits for it."""

    def __init__(self, T: int, device: torch.device) -> None:
        self.bin = ((torch.arange(T + 1) - 1) * BINS // T).clamp(min=0)  # of each t
        self.sums = torch.zeros(3, BINS, device=device)  # the loss (in the first place), eps by t, how often
        self.waiting: list[tuple[Tensor, Tensor, Tensor]] = []  # 25 sums take as long as one
        self.steps = 0

    def add(self, loss: Tensor, eps_loss: Tensor, t: Tensor) -> None:
        self.waiting.append((loss, eps_loss, t))
        self.steps += 1
        if len(self.waiting) == 25:
            self._sum()

    def _sum(self) -> None:
        if self.waiting:
            loss, eps_loss, t = (torch.stack(part) for part in zip(*self.waiting, strict=True))
            place, errors = self.bin[t].flatten().to(self.sums.device), eps_loss.flatten()
            self.sums[0, 0] += loss.sum()
            self.sums[1].index_add_(0, place, errors)
            self.sums[2].index_add_(0, place, torch.ones_like(errors))
            self.waiting.clear()

    def read(self) -> _Read:
        self._sum()
        sums, steps = self.sums.double().cpu(), self.steps
        self.sums.zero_()
        self.steps = 0
        by_t = sums[1] / sums[2]
        return _Read(sums[0, 0].item() / steps, (sums[1].sum() / sums[2].sum()).item(), by_t, steps)
