r"""The judges of trained networks: what is recorded beside the shipped ones.

- Points: how far the loss is above its exact floor. By Pythagoras
  :math:`E\|\epsilon-f\|^2 = E\|\epsilon-\epsilon^*\|^2 + E\|f-\epsilon^*\|^2`, and the last term, measured against the
  exact denoiser, has no luck in it: what is above the floor cannot be negative.
- Digits: guided samples, judged by a classifier that never saw them; and whether they are copies: their distance to the
  nearest training digit beside that of real digits which were held out.
- Shapes: what the autoencoder loses, beside the best linear code of the same size (PCA); and whether pictures made from
  captions show what these say, as `reading` reads them.

References:
    Ho, Jain, Abbeel 2020, section 4 and appendix D (nearest neighbours). Salimans et al. 2016, section 4 (a judge).
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import torch
from torch import Tensor

from diffusion_core.data.captions import Caption
from diffusion_core.data.pca import pca
from diffusion_core.data.reading import ASPECTS, Reading, agreement, read
from diffusion_core.data.scenes import captioned_shapes, random_captions
from diffusion_core.denoisers import Guided, Predictor
from diffusion_core.errors import check_rows, check_whole
from diffusion_core.forward import q_sample
from diffusion_core.laws.estimates import loss_floor
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.law import Law
from diffusion_core.nets.autoencoder import Autoencoder, psnr
from diffusion_core.nets.text import tokenize
from diffusion_core.objectives import simple_loss
from diffusion_core.samplers import ddim
from diffusion_core.training.held_out import even_times
from diffusion_core.training.recipes import digit_images

__all__ = [
    "AutoencoderReport",
    "DigitsReport",
    "Judge",
    "PointsReport",
    "ShapesReport",
    "accuracy",
    "generate",
    "generate_shapes",
    "judge_autoencoder",
    "judge_digits",
    "judge_points",
    "judge_shapes",
    "nearest_distance",
]


Judge = Callable[[Tensor], Tensor]
"""Pictures (n, 1, 28, 28) -> how much each looks like each class, (n, 10): a `Classifier`, say."""


@dataclass(frozen=True)
class PointsReport:
    """Losses in units of eps, a dimension, averaged over t.

    Attributes:
        floor: the least possible, :math:`E\\,\\ell_t`.
        loss: the network's, on new draws.
        above_floor: :math:`E\\|f-\\epsilon^*\\|^2/d`, what a perfect network would not have.
        percent: above_floor in percent of floor.
    """

    floor: float
    loss: float
    above_floor: float
    percent: float


@torch.no_grad()
def judge_points(denoiser: Predictor, law: Law, n: int = 2000, timesteps: int = 200, seed: int = 1) -> PointsReport:
    """The loss of a network and its floor, at timesteps evenly spaced, n draws each."""
    schedule, star = denoiser.schedule, law.denoiser(denoiser.schedule)
    generator = torch.Generator().manual_seed(seed)
    sums = torch.zeros(3, dtype=torch.float64)
    spread = even_times(schedule.T, timesteps)
    for t in spread:
        x0 = law.sample(n, generator).float()
        eps = torch.randn(x0.shape, generator=generator)
        x_t = q_sample(schedule, x0, t, eps)
        eps_hat = denoiser(x_t, t)
        floor = loss_floor(law, schedule, t, n=n, generator=generator).value
        loss, above = (eps - eps_hat).square().mean(), (eps_hat - star(x_t, t)).square().mean()
        sums += torch.tensor([floor, loss, above])
    floor, loss, above = (sums / len(spread)).tolist()
    return PointsReport(floor, loss, above, 100 * above / floor)


@dataclass(frozen=True)
class DigitsReport:
    """What can be said of generated digits.

    Attributes:
        samples, steps, guidance: how many, in how many steps, with which scale.
        right_percent: how many of them the judge takes for the class that was asked for.
        worst_class_percent: the same for the class with the least.
        ink, real_ink: the mean grey level, 0 paper to 1 ink, of the samples and of the held-out digits.
        nearest, real_nearest: the median Euclidean distance (pixels in [-1, 1]) to the nearest training digit, of the
            samples and of the held-out digits.
        copies_percent: how many samples are nearer to a training digit than 99 % of the held-out digits are.
        held_out_loss: the eps loss with the class known, averaged over t, on the held-out digits.
        seconds_for_16: to make 16 digits, on the machine at hand.
    """

    samples: int
    steps: int
    guidance: float
    right_percent: float
    worst_class_percent: float
    ink: float
    real_ink: float
    nearest: float
    real_nearest: float
    copies_percent: float
    held_out_loss: float
    seconds_for_16: float


@torch.no_grad()
def judge_digits(
    denoiser: Predictor, judge: Judge, n: int = 1000, steps: int = 50, guidance: float = 3.0, seed: int = 1
) -> DigitsReport:
    """Samples of every class, n in all, and what the judge and the nearest neighbours say of them.

    Raises:
        BadInput: n below 10, where a class has no sample.
    """
    check_whole("samples", n, 10, 10**6)
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 10
    ask = partial(generate, denoiser, steps=steps, guidance=guidance, generator=generator)
    x = torch.cat([ask(part) for part in labels.split(100)])
    right = judge(x).argmax(1) == labels
    by_class = [right[labels == k].double().mean().item() for k in range(10)]
    real, real_labels = digit_images(held_out=True)
    training = digit_images()[0]
    ours, theirs = nearest_distance(x, training), nearest_distance(real, training)
    start = time.perf_counter()
    ask(labels[:16])
    seconds = time.perf_counter() - start
    return DigitsReport(
        samples=n,
        steps=steps,
        guidance=guidance,
        right_percent=100 * right.double().mean().item(),
        worst_class_percent=100 * min(by_class),
        ink=(x.mean().item() + 1) / 2,
        real_ink=(real.mean().item() + 1) / 2,
        nearest=ours.median().item(),
        real_nearest=theirs.median().item(),
        copies_percent=100 * (ours < theirs.quantile(0.01)).double().mean().item(),
        held_out_loss=_held_out_loss(denoiser, real, real_labels, generator),
        seconds_for_16=seconds,
    )


@torch.no_grad()
def generate(denoiser: Predictor, labels: Tensor, steps: int, guidance: float, generator: torch.Generator) -> Tensor:
    """One digit for each label, (n, 1, 28, 28): DDIM without noise, x0_hat held to [-1, 1]."""
    x_T = torch.randn((len(labels), 1, 28, 28), generator=generator)
    timesteps = denoiser.schedule.timesteps(steps, spacing="trailing")
    *_, last = ddim(Guided(denoiser, labels, guidance), denoiser.schedule, x_T, timesteps, clip=(-1, 1))
    return last.x_s


def nearest_distance(x: Tensor, training: Tensor) -> Tensor:
    """(n,) the Euclidean distance of each picture to the nearest of the training set."""
    return FiniteData(training.flatten(1)).nearest(x.flatten(1))[1]


def _held_out_loss(denoiser: Predictor, x0: Tensor, labels: Tensor, generator: torch.Generator) -> float:
    """Row i meets t = 1 + floor(i T / n), i = 0..n - 1: as even over 1..T as can be."""
    t = 1 + torch.arange(len(x0)) * denoiser.schedule.T // len(x0)
    t = t[torch.randperm(len(t), generator=generator)]  # labels are sorted
    eps = torch.randn(x0.shape, generator=generator)
    parts = zip(*(whole.split(100) for whole in (x0, labels, t, eps)), strict=True)
    rows = [simple_loss(denoiser, denoiser.schedule, x, t=s, eps=e, cond=c) for x, c, s, e in parts]
    return torch.cat(rows).mean().item()


@torch.no_grad()
def accuracy(judge: Judge, images: Tensor, labels: Tensor) -> float:
    """The part of the pictures that the judge names right."""
    check_rows("images", images)
    right: Tensor = judge(images).argmax(1) == labels
    return right.double().mean().item()


@dataclass(frozen=True)
class AutoencoderReport:
    """What the autoencoder loses, on new pictures.

    Attributes:
        psnr: of the pictures decoded again, decibels.
        pca_psnr: of the best linear code with as many numbers, found on 4,096 other pictures.
        latent_std: of each channel of z, scaled.
        largest_latent: the largest number in z, beyond its sign.
        read_percent: pictures that are still read right after encoding and decoding.
    """

    psnr: float
    pca_psnr: float
    latent_std: list[float]
    largest_latent: float
    read_percent: float


@torch.no_grad()
def judge_autoencoder(net: Autoencoder, n: int = 512, seed: int = 1) -> AutoencoderReport:
    """Encodes and decodes n new pictures; the linear code is fitted to eight times as many others."""
    generator = torch.Generator().manual_seed(seed)
    training = captioned_shapes(8 * n, generator)[0].flatten(1)
    x, captions = captioned_shapes(n, generator)
    z = net.encode(x)
    y = net.decode(z).clamp(-1, 1)
    mean, directions = pca(training, z[0].numel())
    linear = (x.flatten(1) - mean) @ directions.T @ directions + mean
    right = [all(agreement(caption, read(picture)).values()) for caption, picture in zip(captions, y, strict=True)]
    return AutoencoderReport(
        psnr=psnr(x, y),
        pca_psnr=psnr(x.flatten(1), linear.clamp(-1, 1)),
        latent_std=z.std((0, 2, 3)).tolist(),
        largest_latent=z.abs().max().item(),
        read_percent=100 * sum(right) / n,
    )


@dataclass(frozen=True)
class ShapesReport:
    """Whether pictures show what their captions say; in percent of the captions that say it.

    Attributes:
        samples, steps, guidance: how many of each kind, in how many steps, with which scale.
        one: for captions of one thing, by aspect (`reading.ASPECTS`), and "all": every aspect right.
        held_out: the same for a colour and a shape that never met in training.
        two: the same for two things.
        misfit, real_misfit: the median `reading.Seen.misfit` of the samples' things, and of true pictures'.
        seconds_for_4: to make four pictures, on the machine at hand.
    """

    samples: int
    steps: int
    guidance: float
    one: dict[str, float]
    held_out: dict[str, float]
    two: dict[str, float]
    misfit: float
    real_misfit: float
    seconds_for_4: float


@torch.no_grad()
def judge_shapes(
    denoiser: Predictor, autoencoder: Autoencoder, n: int = 500, steps: int = 20, guidance: float = 3.0, seed: int = 1
) -> ShapesReport:
    """n pictures of each kind of caption, read back.

    Raises:
        BadInput: n below 1.
    """
    check_whole("samples", n, 1, 10**6)
    generator = torch.Generator().manual_seed(seed)
    draw = partial(generate_shapes, denoiser, autoencoder, steps=steps, guidance=guidance, generator=generator)
    scores, misfits = [], []
    for held_out, two in ((False, 0), (True, 0), (False, 1)):
        captions = random_captions(n, generator, held_out, two)
        pictures = draw(captions)
        readings = [read(picture) for picture in pictures]
        misfits += [thing.misfit for reading in readings for thing in reading.things]
        scores.append(score(captions, readings))
    real = [thing.misfit for picture in captioned_shapes(min(n, 200), generator)[0] for thing in read(picture).things]
    start = time.perf_counter()
    draw(captions[:4])
    seconds = time.perf_counter() - start
    one, kept, pairs = scores
    misfit = median(misfits) if misfits else math.nan  # nothing was seen on any picture
    return ShapesReport(
        samples=n,
        steps=steps,
        guidance=guidance,
        one=one,
        held_out=kept,
        two=pairs,
        misfit=misfit,
        real_misfit=median(real),
        seconds_for_4=seconds,
    )


def score(captions: Sequence[Caption], readings: Sequence[Reading]) -> dict[str, float]:
    """How many captions are right, in percent, by aspect and in all aspects."""
    answers = [agreement(caption, reading) for caption, reading in zip(captions, readings, strict=True)]
    by_aspect = {aspect: [a[aspect] for a in answers if aspect in a] for aspect in ASPECTS}
    by_aspect["all"] = [all(a.values()) for a in answers]
    return {aspect: 100 * sum(right) / len(right) for aspect, right in by_aspect.items() if right}


@torch.no_grad()
def generate_shapes(
    denoiser: Predictor,
    autoencoder: Autoencoder,
    captions: Sequence[Caption | str],
    steps: int,
    guidance: float,
    generator: torch.Generator,
) -> Tensor:
    """One picture for each caption, (n, 3, 32, 32) in [-1, 1]: DDIM without noise, latents never clipped."""
    z_T = torch.randn((len(captions), 4, 8, 8), generator=generator)
    timesteps = denoiser.schedule.timesteps(steps, spacing="trailing")
    pictures = []
    for z, tokens in zip(z_T.split(100), tokenize(map(str, captions)).split(100), strict=True):
        *_, last = ddim(Guided(denoiser, tokens, guidance), denoiser.schedule, z, timesteps)
        pictures.append(autoencoder.decode(last.x_s).clamp(-1, 1))
    return torch.cat(pictures)
