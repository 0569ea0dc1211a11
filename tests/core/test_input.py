"""Whatever comes in, whole numbers, complex ones, few digits, no rows, NaN: it works, or it is one sentence."""

import math
from collections.abc import Callable, Iterable

import numpy as np
import pytest
import torch
from torch import Tensor

from diffusion_core.data import pca
from diffusion_core.denoisers import Predictor
from diffusion_core.errors import BadInput
from diffusion_core.forward import collapse_noise, q_chain, q_sample, q_step
from diffusion_core.laws.finite import FiniteData
from diffusion_core.laws.law import Law
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.laws.variances import state_dependent
from diffusion_core.nets.autoencoder import AutoencoderConfig, psnr
from diffusion_core.nets.classifier import ClassifierConfig, train_classifier
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.nets.text import LENGTH, tokenize
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.objectives import hybrid_loss, simple_loss, vlb_loss
from diffusion_core.parameterization import (
    check_signal,
    eps_from_score,
    eps_from_v,
    eps_from_x0,
    score_from_eps,
    v_from_eps,
    v_from_x0,
    x0_from_eps,
    x0_from_v,
)
from diffusion_core.posterior import q_posterior, transition
from diffusion_core.reverse import ReverseStep, reverse_step
from diffusion_core.samplers import ancestral, ddim
from diffusion_core.schedule import SCHEDULES, NoiseSchedule, cosine, from_beta, linear, scaled_linear
from diffusion_core.training import judges
from diffusion_core.training.draws import images
from diffusion_core.training.held_out import floors, held_out
from diffusion_core.training.loop import train
from diffusion_core.training.quality import sliced_wasserstein
from diffusion_core.training.state import TrainingConfig
from diffusion_core.variance import Variance

SCHEDULE = cosine(100)
LAW = GaussianMixture.isotropic([0.5, 0.5], [[-0.9, 0.0], [0.9, 0.0]], 0.1)
POINTS = FiniteData(torch.tensor([[-0.9, 0.0], [0.9, 0.0]], dtype=torch.float64))
MLP = MLPConfig(2, 8)
NET = Predictor(MLP.build().requires_grad_(False), MLP, SCHEDULE)

Call = Callable[[Tensor, Tensor], Tensor]
Conversion = Callable[[NoiseSchedule, Tensor, Tensor, int | Tensor], Tensor]


def rows(x: Tensor) -> Tensor:
    return torch.arange(len(x)) + 3


def same(x_t: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
    return x_t


def last(steps: Iterable[ReverseStep]) -> Tensor:
    return list(steps)[-1].x_s


def with_index(convert: Conversion, index: Callable[[Tensor], int | Tensor]) -> Call:
    return lambda x, y: convert(SCHEDULE, x, y, index(x))


def number(x: Tensor) -> int:
    return 3


def variance_at(x: Tensor, _: Tensor) -> Tensor:
    return torch.as_tensor(state_dependent(LAW, SCHEDULE)(transition(SCHEDULE, 3, 2), x).value)


def of_law(law: Law, name: str) -> Call:
    def call(x: Tensor, _: Tensor) -> Tensor:
        found: Tensor = getattr(law.at(SCHEDULE, 3), name)(x)
        return found

    return call


PAIRS = (x0_from_eps, eps_from_x0, v_from_eps, v_from_x0, x0_from_v, eps_from_v)
TWO: dict[str, Call] = {  # of two tensors of one shape
    **{f.__name__: with_index(f, number) for f in PAIRS},
    **{f"{f.__name__}, rows": with_index(f, rows) for f in PAIRS},
    "q_sample": lambda x, y: q_sample(SCHEDULE, x, 3, y),
    "q_sample, rows": lambda x, y: q_sample(SCHEDULE, x, rows(x), y),
    "q_step": lambda x, y: q_step(SCHEDULE, x, 2, 3, eps=y),
    "q_chain": lambda x, y: list(q_chain(SCHEDULE, x, torch.stack([y, y])))[-1],
    "q_posterior": lambda x, y: q_posterior(SCHEDULE, x, y, t=3, s=2)[0],
    "simple_loss": lambda x, y: simple_loss(same, SCHEDULE, x, rows(x), eps=y),
    "vlb_loss": lambda x, y: vlb_loss(x, y, SCHEDULE, 3, eps=y),
    "vlb_loss, rows": lambda x, y: vlb_loss(y, y, SCHEDULE, rows(x), eps=x),
    "hybrid_loss": lambda x, y: hybrid_loss(y, x, SCHEDULE, 3, eps=y),
}
ONE: dict[str, Call] = {
    "at": lambda x, _: x * SCHEDULE.at(SCHEDULE.beta, 3, x),
    "at, rows": lambda x, _: x * SCHEDULE.at(SCHEDULE.beta, rows(x), x),
    "collapse_noise": lambda x, _: collapse_noise(SCHEDULE, x.expand(2, *x.shape), 2),
    "score_from_eps": lambda x, _: score_from_eps(SCHEDULE, x, 3),
    "score_from_eps, rows": lambda x, _: score_from_eps(SCHEDULE, x, rows(x)),
    "eps_from_score": lambda x, _: eps_from_score(SCHEDULE, x, 3),
    "ancestral": lambda x, _: last(ancestral(same, SCHEDULE, x, (3, 1), generator=torch.Generator())),
    "ddim": lambda x, _: last(ddim(same, SCHEDULE, x, (3, 1))),
    "state_dependent": variance_at,
    **{f"mixture, {name}": of_law(LAW, name) for name in ("log_prob", "eps", "x0_mean")},
    **{f"points, {name}": of_law(POINTS, name) for name in ("log_prob", "eps")},
}
NETWORKS: dict[str, Call] = {"network": lambda x, _: NET(x, 3), "network, rows": lambda x, _: NET(x, rows(x))}
DRAWN = torch.randn((2, 4, 2), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool, torch.complex64])
@pytest.mark.parametrize("name", [*TWO, *ONE, *NETWORKS])
def test_numbers_that_are_not_floating_are_one_sentence(name: str, dtype: torch.dtype) -> None:
    """A picture's bytes with a batch of t once became all zeros: the tables were cast to them."""
    call = {**TWO, **ONE, **NETWORKS}[name]
    x, y = (3 * DRAWN).to(dtype)
    tries = [(x, y), (x, DRAWN[1]), *([(DRAWN[0], y)] if name in TWO else [])]
    for first, second in tries:
        with pytest.raises(BadInput, match=rf"must be a tensor of floating-point numbers.*; got {dtype}\.$"):
            call(first, second)


def test_the_sentence_says_what_to_do_with_a_picture() -> None:
    picture = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    eps, t = torch.zeros(1, 1, 16, 16), torch.tensor([3])
    with pytest.raises(BadInput) as error:
        q_sample(SCHEDULE, picture, t, eps)
    sentence = "x0 must be a tensor of floating-point numbers (of a picture of 0 to 255 make {}); got torch.uint8."
    remedy = "x.float() / 127.5 - 1"
    assert str(error.value) == sentence.format(remedy)
    x_t = q_sample(SCHEDULE, eval(remedy, {"x": picture}), t, eps)  # the remedy as the sentence has it
    assert abs(x_t.min() + SCHEDULE.sqrt_alpha_bar[3]) < 1e-6 and abs(x_t.max() - SCHEDULE.sqrt_alpha_bar[3]) < 1e-6
    for other in (np.zeros(3), [0.0, 1.0], 1.0, None):
        with pytest.raises(BadInput, match=rf"got {type(other).__name__}\.$"):
            q_sample(SCHEDULE, other, 3, eps)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("name", [*TWO, *ONE])
def test_every_floating_dtype_is_kept(name: str, dtype: torch.dtype) -> None:
    x, y = DRAWN.to(dtype)
    call = {**TWO, **ONE}[name]
    got = call(x, y)
    assert got.dtype == dtype and torch.isfinite(got).all()
    close = 30 * torch.finfo(dtype).eps
    assert torch.allclose(got.double(), call(x.double(), y.double()), rtol=close, atol=close)


@pytest.mark.parametrize("name", [name for name in TWO if "loss" not in name])
def test_of_two_dtypes_the_wider_one_is_worked_in(name: str) -> None:
    x, y = DRAWN.bfloat16().float()  # they have few digits, and no more are lost
    expected = TWO[name](x, y)
    for got in (TWO[name](x.bfloat16(), y), TWO[name](x, y.bfloat16())):
        assert got.dtype == torch.float32
        assert torch.allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize("name", [*TWO, *ONE, *NETWORKS])
def test_an_empty_batch_stays_empty_or_is_one_sentence(name: str) -> None:
    none = torch.empty(0, 2)
    call = {**TWO, **ONE, **NETWORKS}[name]
    if name in ("simple_loss", "hybrid_loss"):  # a mean over nothing
        with pytest.raises(BadInput, match=r"must hold at least one row; got the shape \(0, 2\)\.$"):
            call(none, none)
    else:
        assert call(none, none).shape[0] == 0


def test_nothing_to_work_on_is_one_sentence() -> None:
    coder, unet = AutoencoderConfig(8).build(), UNetConfig(widths=(8, 16), heads=2).build()
    sees = ClassifierConfig(2).build()
    generator = torch.Generator()
    nothing, pictures = torch.empty(0, 3, 32, 32), torch.ones(2, 1, 8, 8)
    cases: list[tuple[str, Callable[[], object]]] = [
        (r"x must hold at least one row; got the shape \(0, 3, 32, 32\)", lambda: coder.encode(nothing)),
        (r"x must hold at least one row; got the shape \(0, 1, 28, 28\)", lambda: unet(torch.empty(0, 1, 28, 28), 3)),
        (r"data must hold at least one row; got the shape \(0, 1, 8, 8\)", lambda: images(torch.empty(0, 1, 8, 8))),
        ("labels must hold one for each of the 2 rows of data; got 3", lambda: images(pictures, torch.ones(3))),
        ("timesteps must hold at least one timestep", lambda: floors(LAW, SCHEDULE, [])),
        ("timesteps must hold at least one timestep", lambda: held_out(LAW, SCHEDULE, [], n=2, generator=generator)),
        ("n must be an integer", lambda: floors(LAW, SCHEDULE, [3], 0)),
        ("n must be an integer", lambda: held_out(LAW, SCHEDULE, [3], n=0, generator=generator)),
        (
            "batch must be an integer from 1 to 0; got 64",
            lambda: list(train_classifier(ClassifierConfig(2), torch.empty(0, 1, 28, 28), torch.empty(0))),
        ),
        (r"x must hold at least one row; got the shape \(0, 2\)", lambda: pca.pca(torch.empty(0, 2), 1)),
        (r"x must hold at least one row", lambda: psnr(nothing, nothing)),
        (r"images must hold at least one row", lambda: judges.accuracy(sees, nothing, torch.empty(0))),
        (r"x must hold at least one row", lambda: sliced_wasserstein(torch.empty(0, 2), torch.empty(0, 2), generator)),
        ("samples must be an integer from 10 to 1000000; got 0", lambda: judges.judge_digits(NET, sees, 0)),
        ("samples must be an integer from 1 to 1000000; got 0", lambda: judges.judge_shapes(NET, coder, 0)),
    ]
    for sentence, call in cases:
        with pytest.raises(BadInput, match="^" + sentence):
            call()
    assert coder.decode(torch.empty(0, 4, 8, 8)).shape == (0, 3, 32, 32)
    assert tokenize([]).shape == (0, LENGTH) and tokenize([]).dtype == torch.int64 and len(tokenize(["", "a"])) == 2


def test_data_that_a_network_cannot_be_trained_on_is_one_sentence() -> None:
    config, picture = TrainingConfig(MLPConfig(4, 8), steps=1, batch=2), torch.zeros(2, 4)
    for data, sentence in (
        (picture.byte(), "the data must be a tensor of floating-point numbers .*; got torch.uint8"),
        (picture.double(), "The data must be torch.float32, as the network is; got torch.float64"),
        (picture / 0, "the data must hold finite numbers only"),
    ):
        with pytest.raises(BadInput, match="^" + sentence):
            train(config, images(data), linear())
    coder = AutoencoderConfig(8).build()
    for call in (coder.encode, coder.decode):
        with pytest.raises(BadInput, match=r"must be a tensor of floating-point numbers.*; got torch\.uint8\.$"):
            call(torch.zeros(1, 3, 32, 32).byte())
    assert len(list(train(config, images(picture), linear()))) == 1


@pytest.mark.parametrize("name", [*TWO, *ONE])
def test_nan_is_one_sentence_or_stays_nan(name: str) -> None:
    call = {**TWO, **ONE}[name]
    x, y = DRAWN
    x = torch.where(torch.arange(4)[:, None] == 2, torch.nan, x)
    try:
        got = call(x, y)
    except BadInput as error:
        assert "finite" in str(error)
    else:
        assert got[2].isnan().all() if got.ndim else got.isnan()
        assert got.ndim == 0 or torch.isfinite(got[:2]).all()


# --- what rounding leaves of a signal -------------------------------------------------------------------------------


def falling(kept: float) -> NoiseSchedule:
    """From t = 1 to t = 3 the signal falls to `kept`."""
    return from_beta([0.5, 1 - kept, 1 - kept])


def rms_error(kept: float, dtype: torch.dtype) -> float:
    """Of x_1 after the step from t = 3: in this dtype against float64."""
    schedule = falling(kept)
    pair = transition(schedule, 3, 1)
    x = torch.randn(20_000, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)
    eps = (x.double() * schedule.sqrt_one_minus_alpha_bar[3]).to(dtype)  # the exact one of N(0, 1) data
    rough, fine = (
        reverse_step(pair, x.to(kind), eps.to(kind), Variance(0.0, -math.inf)).x_s.double()
        for kind in (dtype, torch.float64)
    )
    return (rough - fine).square().mean().sqrt().item()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_step_is_refused_where_rounding_is_as_large_as_the_data(dtype: torch.dtype) -> None:
    eps = torch.finfo(dtype).eps
    assert rms_error(8 * eps, dtype) < 0.1
    assert 0.1 < rms_error(eps, dtype) < 1 < rms_error(eps / 16, dtype)  # x_1 has a variance of about 1
    check_signal(falling(1.05 * eps), 3, dtype, 1)
    for kept in (0.95 * eps, eps / 16):
        with pytest.raises(BadInput, match="From s = 1 to t = 3 the signal falls to"):
            check_signal(falling(kept), 3, dtype, 1)


def test_the_limits_of_a_signal_to_the_last_digit() -> None:
    """float16 has eps = 2^-10 and ends at 65504: x0_hat of 8 deviations of x_t is to fit."""
    check_signal(from_beta([1 - 2**-18]), 1, torch.float16)  # 2^-9 is left
    with pytest.raises(BadInput, match=r"From s = 0 to t = 1 the signal falls to 0\.001 of what it was"):
        check_signal(from_beta([1 - 2**-20]), 1, torch.float16)  # 2^-10
    for deviations, fits in ((8.01, True), (7.99, False)):
        in_two_steps = from_beta([1 - deviations / 65504] * 2)  # each loses few digits
        if fits:
            check_signal(in_two_steps, 2, torch.float16, 1)
        else:
            with pytest.raises(BadInput, match=r"From s = 1 to t = 2 the signal falls to 0\.01 of what it was"):
                check_signal(in_two_steps, 2, torch.float16, 1)


def test_what_rounding_has_eaten_is_one_sentence() -> None:
    """An exact denoiser once came to |x_0| = 1.4e80 here, and in float32 to 9e3."""
    x, long = torch.ones(3, 2, dtype=torch.float64), linear(100_000)
    with pytest.raises(BadInput) as error:
        ddim(LAW.denoiser(long), long, x, long.timesteps(10))
    assert str(error.value) == (
        "From s = 88889 to t = 100000 the signal falls to 9e-47 of what it was, too little for the digits of "
        "torch.float64: take a smaller t, shorter steps or a dtype with more digits."
    )
    for schedule in (linear(30_000), scaled_linear(30_000)):
        with pytest.raises(BadInput, match=r"From s = 15000 to t = 30000 the signal falls to \de-\d\d of what it was"):
            ancestral(LAW.denoiser(schedule), schedule, x.float(), (30_000, 15_000, 1))
    for convert in (x0_from_eps, v_from_eps):
        for t in (3000, torch.tensor([1, 3000, 2])):
            assert torch.isfinite(convert(long, x, x, t)).all()
            assert torch.isfinite(convert(long, x.float(), x.float(), 3000)).all()
        for few in ((x.float(), x.float()), (x, x.float()), (x.float(), x)):
            with pytest.raises(BadInput, match=r"From s = 0 to t = 18000 .* the digits of torch\.float32"):
                convert(long, *few, torch.tensor([1, 18_000, 2]))
    for run in (ddim(LAW.denoiser(long), long, x, long.timesteps(300)), ddim(same, linear(), x, (1000,))):
        assert last(run).abs().max() < 200
    with pytest.raises(BadInput, match=r"From s = 999 to t = 1000 .* the digits of torch\.float16"):  # x0_hat overflows
        ddim(same, cosine(), 4 * x.half(), cosine().timesteps(1000))


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "zero_terminal_snr"])
def test_float32_is_enough_for_every_schedule(name: str) -> None:
    schedule, x = SCHEDULES[name](1000), DRAWN[0]
    for n in (1, 2, 5, 50, 1000):
        for spacing in ("iddpm", "trailing", "leading"):
            ddim(same, schedule, x, schedule.timesteps(n, spacing))
    eps = LAW.at(schedule, 1000).eps(x)
    rough, fine = x0_from_eps(schedule, x, eps, 1000), x0_from_eps(schedule, x.double(), eps.double(), 1000)
    assert (rough - fine).abs().max() < 4e-3  # cosine: 1 / sqrt(alpha_bar_T) is 20,291
