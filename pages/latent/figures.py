"""The pictures of *Why latents?*, and what its sections draw."""

import statistics

import numpy as np
import streamlit as st
import torch

from diffusion_core import cosine, linear, scaled_linear
from diffusion_core.denoisers import Predictor
from diffusion_core.laws.from_noise import ancestral_from_noise, ddim_from_noise, latent_variance, terminal_snr
from diffusion_core.nets.autoencoder import Autoencoder
from diffusion_core.nets.cost import FED
from pages.latent import charts, recipe, runs
from pages.latent.runs import Back
from pages.shared import controls, figures
from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed
from pages.shared.sheets import Tile, sheet
from pages.shared.timeline.formula import formula
from pages.shared.typography import significant, table
from pages.shared.weights import Model

SD_STD = 5.49  # of Stable Diffusion's latents before they are multiplied by 0.18215
FORMULA = r"""z_t &=& \sqrt{\bar\alpha_t}\,z_0 + \sqrt{1-\bar\alpha_t}\,\varepsilon \\
    &=& \live{signal}\cdot z_0 + \live{noise}\cdot\varepsilon"""


@kept
def picture(
    prompt: str, seed: int, *, steps: int, net: Model[Predictor] | None, coder: Model[Autoencoder] | None
) -> tl.Picture:
    """Out in pixels and in latents, and the way back; what there is without a network, or without an autoencoder."""
    if coder is None:
        return out_in_pixels(prompt, seed, steps, net)
    made, schedule = runs.way(prompt, seed, steps, net=net, coder=coder), runs.schedule_for(net)
    rows = list(made.positions)
    signal, noise = schedule.sqrt_alpha_bar[rows].numpy(), schedule.sqrt_one_minus_alpha_bar[rows].numpy()
    tracks: dict[str, tl.Track] = {
        "x_t": tl.Affine(signal, made.x0.reshape(-1), noise, made.eps.reshape(-1)),
        "z_t": tl.Affine(signal, made.z0.reshape(-1), noise, made.eps_z.reshape(-1)),
        "out": tl.Frames.of_pictures(made.out),
        "signal": tl.Scalar(signal),
        "noise": tl.Scalar(noise),
    }
    panels: list[tl.Panel] = [
        pixels("x_t", _("Out: x_t in pixels")),
        latent("z_t", _("Out: z_t, its four channels")),
        pixels("out", _("Out: z_t, decoded")),
    ]
    if made.back is not None:
        tracks |= back_tracks(made.back)
        panels += [
            pixels("guess", _("Back: the guess x̂₀, decoded")),
            latent("back_z", _("Back: z_t, its four channels")),
            pixels("back", _("Back: z_t, decoded")),
        ]
    numbers: dict[str, str | tl.Probe] = {"signal": "signal", "noise": "noise"}
    panels.append(formula(FORMULA, numbers, _("The same formula, in latents")))
    return packed(made.positions, tracks, panels)


def back_tracks(back: Back) -> dict[str, tl.Track]:
    """The guess, the latents and the pictures of the way back."""
    return {
        "back_z": tl.Frames.in_bytes(back.z, -3.0, 3.0),
        "back": tl.Frames.of_pictures(back.pictures),
        "guess": tl.Frames.of_pictures(back.guess),
    }


def pixels(track: str, title: str) -> tl.Images:
    """A picture in colour."""
    return tl.Images(track, height=32, width=32, channels=3, columns=1, title=title, weight=1.3)


def latent(track: str, title: str) -> tl.Images:
    """The four channels of a latent."""
    return tl.Images(track, height=8, width=8, channels=1, columns=2, title=title, value_range=(-3.0, 3.0), weight=1.3)


def out_in_pixels(prompt: str, seed: int, steps: int, net: Model[Predictor] | None) -> tl.Picture:
    """Out in pixels: all that there is without an autoencoder."""
    schedule = runs.schedule_for(net)
    positions = runs.positions_of(schedule, steps)
    rows = list(positions)
    x0, eps = (
        runs.channels_last(one[0]).reshape(-1) for one in recipe.scene(prompt, torch.Generator().manual_seed(seed))
    )
    signal, noise = schedule.sqrt_alpha_bar[rows].numpy(), schedule.sqrt_one_minus_alpha_bar[rows].numpy()
    panel = tl.Images("x_t", height=32, width=32, channels=3, columns=1, title=_("Out: x_t in pixels"))
    return packed(positions, {"x_t": tl.Affine(signal, x0, noise, eps)}, [panel])


# --- what it costs --------------------------------------------------------------------------------------------------


def cost() -> None:
    """The same U-Net fed in four ways: counted, and measured at a press."""
    names = {
        "pixels": _("pixels, 3 × 32 × 32"),
        "packed_2": _("pixels, squares of 2 × 2 as channels"),
        "packed_4": _("pixels, squares of 4 × 4 as channels"),
        "latents": _("latents, 4 × 8 × 8"),
    }
    presses = controls.presses("cost", _("Measure on this machine"), ":material/timer:")
    taken = runs.measured(presses) if presses else {}
    work = runs.cost_of()
    head = [_("fed with"), _("places"), _("multiply-adds"), _("of them attention"), _("ms a step and picture")]
    rows = []
    for name, label in names.items():
        times = taken.get(name)
        spread = f"**{statistics.median(times):.1f}** ({min(times):.1f} – {max(times):.1f})" if times else "—"
        rows.append([label, f"{FED[name].positions:,}", f"{work[name].total:,}", f"{work[name].attention:,}", spread])
    st.markdown(table(head, rows, "lrrrr"))
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


def loss(coder: Model[Autoencoder], seed: int) -> None:
    """Pictures beside their reconstructions, and the best linear code of as many numbers."""
    with_pca = controls.once("pca", _("Compare with PCA (takes some seconds)"), ":material/compare:")
    found = runs.compressed(seed, with_pca, coder)
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
        network = (runs.NUMBERS, found.psnr)
        st.plotly_chart(charts.code_sizes(runs.CODE_SIZES, runs.decibels(), network, _), key="latent_psnr")


def strip(pictures: np.ndarray) -> np.ndarray:
    """Pictures side by side, a grey line between them."""
    spaced = [np.pad(picture, ((0, 0), (0, 1), (0, 0)), constant_values=128) for picture in pictures]
    return np.concatenate(spaced, 1)[:, :-1]


# --- the scale, and the last t --------------------------------------------------------------------------------------


def scale(coder: Model[Autoencoder] | None) -> None:
    """Latents of any deviation under Stable Diffusion's schedule."""
    s = controls.number("s", _("Deviation s of the latents"), SD_STD, low=0.1, high=8.0, step=0.01)
    schedule, here, scaled = scaled_linear(1000), f"s = {s:g}", _("scaled, s = 1")
    variance = {scaled: latent_variance(schedule, 1.0).numpy(), here: latent_variance(schedule, s).numpy()}
    snr = {scaled: schedule.snr.numpy(), here: (s**2 * schedule.snr).numpy()}
    left, right = st.columns(2)
    chart = figures.schedule_curves(variance, here, _("Variance of z_t"), log=False)
    left.plotly_chart(chart, key="latent_variance")
    right.plotly_chart(figures.schedule_curves(snr, here, _("Signal-to-noise ratio"), log=True), key="snr")
    st.html(figures.legend(list(variance), here))
    st.markdown(
        _(
            "With $s={s}$: $\\mathrm{{SNR}}_T$ = **{snr}** in place of {right}, "
            "$\\mathrm{{Var}}\\,z_T$ = **{variance}** in place of 1."
        ).format(
            s=f"{s:g}",
            snr=significant(terminal_snr(schedule, s), 4),
            right=significant(terminal_snr(schedule, 1.0), 4),
            variance=f"{float(latent_variance(schedule, s)[-1]):.4f}",
        )
    )
    if coder is not None:
        own_scale(coder)


def own_scale(coder: Model[Autoencoder]) -> None:
    """What this lesson's autoencoder makes before it is scaled."""
    st.markdown(_("The latents of this lesson, before z = (raw − m) / s:"))
    rows = (
        (_("mean m, as encoded"), coder.network.mean.tolist()),
        (_("deviation s, as encoded"), coder.network.std.tolist()),
    )
    head = ["", *(_("channel {k}").format(k=k) for k in range(1, 5))]
    st.markdown(table(head, [[name, *(f"{v:.3f}" for v in values)] for name, values in rows], "lrrrr"))
    kl, sigma = runs.unlike_normal(coder)
    st.markdown(
        _(
            "The encoder’s own $N(\\mu,\\sigma^2)$ is far from $N(0,1)$: on 256 new pictures the KL is **{kl} "
            "nats** a number, and the mean of $\\sigma$ is **{sigma}**."
        ).format(kl=significant(kl), sigma=significant(sigma, 2))
    )


def stable_diffusion() -> None:
    """Stable Diffusion's own numbers, and what its last t does to a picture's brightness."""
    log_lam = controls.number("lam", _("log₁₀ λ: variance of the direction"), 3.0, low=0.0, high=4.0, step=0.1)
    lam, own = np.logspace(0, 4, 81), scaled_linear(1000)
    named = {"Stable Diffusion": own, _("linear (DDPM)"): linear(1000), _("cosine"): cosine(1000)}
    laws = {name: ancestral_from_noise(schedule, lam.tolist()) for name, schedule in named.items()}
    laws[_("Stable Diffusion, DDIM")] = ddim_from_noise(own, lam.tolist())
    ratios = {name: law.std_ratio.numpy() for name, law in laws.items()}
    biases = {name: law.bias.numpy() for name, law in laws.items()}
    left, right = st.columns(2)
    ratio = charts.over_lambda(lam, ratios, 10**log_lam, _("Deviation made / of the data"))
    left.plotly_chart(ratio, key="std_ratio")
    bias = charts.over_lambda(lam, biases, 10**log_lam, _("Bias of the mean / the mean"))
    right.plotly_chart(bias, key="mean_bias")
    st.html(figures.legend(list(laws), "Stable Diffusion"))
    here = ancestral_from_noise(own, 10**log_lam)
    st.markdown(
        _(
            "At λ = {lam}, Stable Diffusion’s schedule keeps **{std}** of the deviation and **{mean}** of the mean."
        ).format(
            lam=f"{10**log_lam:.0f}",
            std=f"{float(here.std_ratio):.3f}",
            mean=f"{1 + float(here.bias):.3f}",
        )
    )
