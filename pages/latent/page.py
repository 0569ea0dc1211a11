"""Lesson: why latents; a picture through the encoder to noise and back, what that costs, loses, and asks for."""

import statistics

import numpy as np
import streamlit as st

from diffusion_core import SCHEDULES, cosine, linear, scaled_linear
from diffusion_core.claims import autoencoder as coder_claims
from diffusion_core.claims import latent as claims
from diffusion_core.data.captions import parse
from diffusion_core.denoisers import Predictor
from diffusion_core.errors import BadInput
from diffusion_core.laws.from_noise import ancestral_from_noise, ddim_from_noise, latent_variance, terminal_snr
from diffusion_core.nets.autoencoder import Autoencoder
from diffusion_core.nets.cost import FED
from diffusion_core.schedule import NoiseSchedule
from pages.latent import latents
from pages.latent.latents import Way
from pages.shared import controls, figures, networks, prompts
from pages.shared import lesson_old as lesson
from pages.shared.i18n import _, explain
from pages.shared.sheets import Tile, sheet
from pages.shared.timeline import Affine, Formula, Frames, Images, Panel, Scalar, Track, mathml

DEFAULT = "a large red star at the top left"
SD_STD = 5.49  # of Stable Diffusion's latents before they are multiplied by 0.18215


# --- the way --------------------------------------------------------------------------------------------------------


def formula(about: str) -> Formula:
    """The jump to t in latents, and its numbers."""
    m = mathml
    z, alpha_bar, eps = m.sym("z"), m.sub(m.bar(m.sym("α")), m.sym("t")), m.sym("ε")
    z_t, z_0 = m.sub(z, m.sym("t")), m.sub(z, m.num("0"))
    rest = m.row(m.num("1"), m.op("−"), alpha_bar)
    lines = (
        (
            z_t,
            m.op("="),
            m.row(m.sqrt(alpha_bar), z_0, m.op("+"), m.sqrt(rest), eps),
        ),
        (
            "",
            m.op("="),
            m.row(m.live("signal"), m.op("·"), z_0, m.op("+"), m.live("noise"), m.op("·"), eps),
        ),
    )
    return Formula(m.math(m.rows(*lines)), {"signal": "signal", "noise": "noise"}, title=about)


def picture_of(made: Way, signal: np.ndarray, noise: np.ndarray) -> tuple[dict[str, Track], list[Panel]]:
    """Out in pixels and in latents, and the way back."""
    tracks: dict[str, Track] = {
        "x_t": Affine(signal, made.x0.reshape(-1), noise, made.eps.reshape(-1)),
        "z_t": Affine(signal, made.z0.reshape(-1), noise, made.eps_z.reshape(-1)),
        "out": Frames.of_pictures(made.out),
        "signal": Scalar(signal),
        "noise": Scalar(noise),
    }
    panels: list[Panel] = [
        Images("x_t", 32, 32, 3, 1, _("Out: x_t in pixels"), weight=1.3),
        Images("z_t", 8, 8, 1, 2, _("Out: z_t, its four channels"), (-3.0, 3.0), weight=1.3),
        Images("out", 32, 32, 3, 1, _("Out: z_t, decoded"), weight=1.3),
    ]
    if made.back_z is not None and made.back is not None and made.guess is not None:
        levels = (np.clip(made.back_z / 3, -1, 1) * 127.5 + 127.5).round().astype(np.uint8)
        tracks |= {
            "back_z": Frames(levels.reshape(len(levels), -1), 3 / 127.5, -3.0),
            "back": Frames.of_pictures(made.back),
            "guess": Frames.of_pictures(made.guess),
        }
        panels += [
            Images("guess", 32, 32, 3, 1, _("Back: the guess x̂₀, decoded"), weight=1.3),
            Images("back_z", 8, 8, 1, 2, _("Back: z_t, its four channels"), (-3.0, 3.0), weight=1.3),
            Images("back", 32, 32, 3, 1, _("Back: z_t, decoded"), weight=1.3),
        ]
    return tracks, [*panels, formula(_("The same formula, in latents"))]


def show_pixels(prompt: str, seed: int, schedule: NoiseSchedule, positions: tuple[int, ...]) -> None:
    """Out in pixels: all that there is without an autoencoder."""
    rows = list(positions)
    x0, eps = latents.scene_and_noise(prompt, seed)
    signal, noise = schedule.sqrt_alpha_bar[rows].numpy(), schedule.sqrt_one_minus_alpha_bar[rows].numpy()
    lesson.show_timeline(
        key="latent",
        positions=positions,
        tracks={"x_t": Affine(signal, x0.reshape(-1), noise, eps.reshape(-1))},
        panels=[Images("x_t", 32, 32, 3, 1, _("Out: x_t in pixels"))],
        t=300,
    )


def network() -> Predictor | None:
    """The network that goes back; where it cannot be had, one sentence."""
    text = _("The network that reads text is not installed ({file} is missing): the way back is not shown.")
    found = networks.or_say(prompts.shipped, text.format(file=f"assets/models/{networks.SHAPES}"))
    return None if found is None else found.predictor


def coder() -> Autoencoder | None:
    """The autoencoder; where it cannot be had, one sentence."""
    text = _("The autoencoder is not installed ({file} is missing): no latents can be shown.")
    return networks.or_say(networks.autoencoder, text.format(file=f"assets/models/{networks.AUTOENCODER}"))


# --- what it costs --------------------------------------------------------------------------------------------------


def show_cost() -> None:
    """The same U-Net fed in four ways: counted, and measured at a press."""
    st.header(_("What a step costs"), anchor="cost")
    st.markdown(prose["cost"])
    names = {
        "pixels": _("pixels, 3 × 32 × 32"),
        "packed_2": _("pixels, squares of 2 × 2 as channels"),
        "packed_4": _("pixels, squares of 4 × 4 as channels"),
        "latents": _("latents, 4 × 8 × 8"),
    }
    presses = st.session_state.setdefault("latent_presses", 0)

    def press() -> None:
        st.session_state["latent_presses"] += 1

    st.button(_("Measure on this machine"), icon=":material/timer:", on_click=press)
    taken = latents.measured(presses) if presses else {}
    work = latents.cost_of()
    head = [_("fed with"), _("places"), _("multiply-adds"), _("of them attention"), _("ms a step and picture")]
    rows = []
    for name, label in names.items():
        times = taken.get(name)
        spread = f"**{statistics.median(times):.1f}** ({min(times):.1f} – {max(times):.1f})" if times else "—"
        rows.append([label, f"{FED[name].positions:,}", f"{work[name].total:,}", f"{work[name].attention:,}", spread])
    st.markdown("|" + "|".join(head) + "|\n|:--|" + "--:|" * 4 + "\n" + "\n".join(f"|{'|'.join(r)}|" for r in rows))
    if taken:
        here = {name: statistics.median(times) for name, times in taken.items()}
        st.markdown(
            _(
                "On this machine a step in pixels takes {pixels} times a step in latents; packed 4 × 4, {packed} times."
            ).format(
                pixels=f"{here['pixels'] / here['latents']:.1f}", packed=f"{here['packed_4'] / here['latents']:.2f}"
            )
        )


# --- what it loses --------------------------------------------------------------------------------------------------


def show_loss(autoencoder: Autoencoder, key: str, seed: int) -> None:
    """Pictures beside their reconstructions, and the best linear code of as many numbers."""
    st.header(_("What compression throws away"), anchor="loss")
    st.markdown(prose["loss"])
    if not st.session_state.get("latent_pca"):
        st.button(
            _("Compare with PCA (takes some seconds)"),
            icon=":material/compare:",
            on_click=lambda: st.session_state.update(latent_pca=True),
        )
    with_pca = bool(st.session_state.get("latent_pca"))
    found = latents.compressed(seed, with_pca, key, autoencoder)
    rows = [(_("as it is"), found.true), (_("decoded"), found.decoded), (_("missed, × 4"), found.missed)]
    if found.linear is not None and found.linear_missed is not None:
        rows += [(_("PCA, 256 numbers"), found.linear), (_("PCA missed, × 4"), found.linear_missed)]
    tiles: list[Tile] = [(name, strip(pictures), name, []) for name, pictures in rows]
    st.html(sheet(tiles, least=280, most=620))
    st.markdown(
        _("**{psnr} dB** on 128 new pictures: 256 numbers in place of 3,072, a twelfth.").format(
            psnr=f"{found.psnr:.1f}"
        )
    )
    if with_pca:
        figure = figures.code_sizes(latents.CODE_SIZES, latents.decibels(), (latents.NUMBERS, found.psnr), _)
        st.plotly_chart(figure, key="latent_psnr")


def strip(pictures: np.ndarray) -> np.ndarray:
    """Pictures side by side, a grey line between them."""
    spaced = [np.pad(picture, ((0, 0), (0, 1), (0, 0)), constant_values=128) for picture in pictures]
    return np.concatenate(spaced, 1)[:, :-1]


# --- the scale, and the last t --------------------------------------------------------------------------------------


def show_scale(autoencoder: Autoencoder | None) -> None:
    """Latents of any deviation under Stable Diffusion's schedule."""
    st.header(_("Why latents are scaled"), anchor="scale")
    st.markdown(prose["scale"])
    s = controls.number("s", _("Deviation s of the latents"), SD_STD, 0.1, 8.0, 0.01)
    schedule = scaled_linear(1000)
    curves = {
        _("scaled, s = 1"): latent_variance(schedule, 1.0).numpy(),
        f"s = {s:g}": latent_variance(schedule, s).numpy(),
    }
    snr = {
        _("scaled, s = 1"): schedule.snr.numpy(),
        f"s = {s:g} ": (s**2 * schedule.snr).numpy(),
    }
    left, right = st.columns(2)
    with left:
        st.plotly_chart(
            figures.schedule_curves(curves, f"s = {s:g}", _("Variance of z_t"), log=False), key="latent_variance"
        )
    with right:
        st.plotly_chart(figures.schedule_curves(snr, f"s = {s:g} ", _("Signal-to-noise ratio"), log=True), key="snr")
    st.html(figures.legend(list(curves), f"s = {s:g}"))
    v_T = float(latent_variance(schedule, s)[-1])
    st.markdown(
        _(
            "With $s={s}$: $\\mathrm{{SNR}}_T$ = **{snr}** in place of {right}, "
            "$\\mathrm{{Var}}\\,z_T$ = **{variance}** in place of 1."
        ).format(
            s=f"{s:g}",
            snr=lesson.significant(terminal_snr(schedule, s), 4),
            right=lesson.significant(terminal_snr(schedule, 1.0), 4),
            variance=f"{v_T:.4f}",
        )
    )
    if autoencoder is not None:
        means, deviations = autoencoder.mean.tolist(), autoencoder.std.tolist()
        head = "| |" + "|".join(_("channel {k}").format(k=k) for k in range(1, 5)) + "|\n|:--|--:|--:|--:|--:|"
        rows = ((_("mean m, as encoded"), means), (_("deviation s, as encoded"), deviations))
        body = "\n".join(f"|{name}|" + "|".join(f"{v:.3f}" for v in values) + "|" for name, values in rows)
        st.markdown(_("The latents of this lesson, before z = (raw − m) / s:"))
        st.markdown(f"{head}\n{body}")
        kl, sigma = latents.unlike_normal(latents.coder_key(), autoencoder)
        st.markdown(
            _(
                "The encoder’s own $N(\\mu,\\sigma^2)$ is far from $N(0,1)$: on 256 new pictures the KL is **{kl} "
                "nats** a number, and the mean of $\\sigma$ is **{sigma}**."
            ).format(kl=lesson.significant(kl), sigma=lesson.significant(sigma, 2))
        )


def show_brightness() -> None:
    """Stable Diffusion's own numbers, and what its last t does to a picture's brightness."""
    st.header(_("Stable Diffusion’s own numbers"), anchor="stable_diffusion")
    st.markdown(prose["stable_diffusion"])
    log_lam = controls.number("lam", _("log₁₀ λ: variance of the direction"), 3.0, 0.0, 4.0, 0.1)
    lam = np.logspace(0, 4, 81)
    named = {
        "Stable Diffusion": scaled_linear(1000),
        _("linear (DDPM)"): linear(1000),
        _("cosine"): cosine(1000),
    }
    laws = {name: ancestral_from_noise(schedule, lam.tolist()) for name, schedule in named.items()}
    laws[_("Stable Diffusion, DDIM")] = ddim_from_noise(scaled_linear(1000), lam.tolist())
    left, right = st.columns(2)
    with left:
        st.plotly_chart(
            figures.over_lambda(
                lam,
                {n: law.std_ratio.numpy() for n, law in laws.items()},
                10**log_lam,
                _("Deviation made / of the data"),
            ),
            key="std_ratio",
        )
    with right:
        st.plotly_chart(
            figures.over_lambda(
                lam, {n: law.bias.numpy() for n, law in laws.items()}, 10**log_lam, _("Bias of the mean / the mean")
            ),
            key="mean_bias",
        )
    st.html(figures.legend(list(laws), "Stable Diffusion"))
    here = ancestral_from_noise(scaled_linear(1000), 10**log_lam)
    st.markdown(
        _(
            "At λ = {lam}, Stable Diffusion’s schedule keeps **{std}** of the deviation and **{mean}** of the mean."
        ).format(
            lam=f"{10**log_lam:.0f}",
            std=f"{float(here.std_ratio):.3f}",
            mean=f"{1 + float(here.bias):.3f}",
        )
    )


# --- code -----------------------------------------------------------------------------------------------------------


def code(prompt: str, seed: int, steps: int, has_net: bool) -> str:
    """The lines that made the picture."""
    back = f"""
network = load_denoiser("assets/models/{networks.SHAPES}")
z_T = torch.randn(z0.shape, generator=generator)
with torch.no_grad():
    *_, last = ddim(Guided(network, tokenize([prompt]), {latents.GUIDANCE}), schedule, z_T, timesteps)   # never clipped
    picture = autoencoder.decode(last.x_s).clamp(-1, 1)                             # (1, 3, 32, 32)
print("made:", [f"{{seen.thing}} {{seen.place}}" for seen in read(picture[0]).things])
"""
    return f"""import torch
from diffusion_core import cosine, ddim, q_sample
from diffusion_core.training.checkpoint import load_autoencoder, load_denoiser
from diffusion_core.denoisers import Guided
from diffusion_core.nets.autoencoder import psnr
from diffusion_core.nets.text import tokenize
from diffusion_core.data.reading import read
from diffusion_core.data.captions import parse
from diffusion_core.data.scenes import draw

autoencoder = load_autoencoder("assets/models/{networks.AUTOENCODER}")
schedule = cosine(1000)
timesteps = schedule.timesteps({steps}, spacing="trailing")
prompt, generator = {prompt!r}, torch.Generator().manual_seed({seed})
x0 = draw([parse(prompt)], generator)                                               # (1, 3, 32, 32)
eps = torch.randn(x0.shape, generator=generator)
z0 = autoencoder.encode(x0)                                                         # (1, 4, 8, 8), variance 1
eps_z = torch.randn(z0.shape, generator=generator)
print(f"{{x0.numel()}} numbers become {{z0.numel()}}; decoded again: {{psnr(x0, autoencoder.decode(z0)):.1f}} dB")
for t in (0, *reversed(timesteps)):
    x_t = q_sample(schedule, x0, t, eps) if t else x0
    z_t = q_sample(schedule, z0, t, eps_z) if t else z0
    print(f"t = {{t:4d}}: deviation of x_t {{x_t.std():.2f}}, of z_t {{z_t.std():.2f}}")
{back if has_net else ""}"""


# --- the page -------------------------------------------------------------------------------------------------------

prose = lesson.open_lesson("latent")
with lesson.picture_first() as picture:
    first, second, third = st.columns([5, 2, 3], vertical_alignment="bottom")
    with first:
        wanted = controls.text("prompt", _("A scene, in words"), DEFAULT)
    prompt = prompts.or_default(wanted, parse, DEFAULT)
    with second:
        steps = controls.integer("N", _("Steps N"), 25, 2, 50)
    with third:
        seed = controls.seed()

with picture:
    net, autoencoder = network(), coder()
    schedule = net.schedule if net else SCHEDULES["cosine"](1000)
    steps = min(steps, schedule.T)
    key = f"{prompts.shipped_key()} {latents.coder_key()}"
    if autoencoder is not None:
        try:
            made = latents.way(prompt, seed, steps, key, schedule, net, autoencoder)
        except BadInput as error:
            st.error(explain(error), icon=":material/error:")
        else:
            rows = list(made.positions)
            tracks, panels = picture_of(
                made, schedule.sqrt_alpha_bar[rows].numpy(), schedule.sqrt_one_minus_alpha_bar[rows].numpy()
            )
            lesson.show_timeline(key="latent", positions=made.positions, tracks=tracks, panels=panels, t=300)
    else:
        show_pixels(prompt, seed, schedule, (0, *reversed(schedule.timesteps(steps, spacing="trailing"))))

st.markdown(prose["picture"])
show_cost()
if autoencoder is not None:
    show_loss(autoencoder, key, seed)
show_scale(autoencoder)
show_brightness()
st.header(_("The formula"), anchor="formula")
st.markdown(prose["formula"])
checks = [lesson.Checked(claim) for claim in claims.CLAIMS]
if autoencoder is not None:
    checks += [lesson.Checked(claim) for claim in coder_claims.CLAIMS]
lesson.check(prose, checks)
if autoencoder is not None:
    lesson.show_code(code(prompt, seed, steps, net is not None), "latent")
lesson.article(prose)
