"""The pictures of *Add noise*."""

import numpy as np
import streamlit as st
import torch

from diffusion_core import NoiseSchedule, forward_kl
from pages.add_noise import recipe
from pages.shared import figures
from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed
from pages.shared.palette import COLORS
from pages.shared.scenes import Scene, density, drawn, pixel_histogram, schedule_names, schedule_of, terminal_kl
from pages.shared.timeline.formula import formula
from pages.shared.typography import significant, table

NOT_NOISE = 0.01  # nats a dimension, x_0 known: from here on a picture can be seen in x_T
FORMULA = r"""x_t &=& \sqrt{\bar\alpha_t}\cdot x_0 + \sqrt{1-\bar\alpha_t}\cdot\varepsilon \\
    &=& \live{a}\cdot(\live{x0}) + \live{b}\cdot(\live{eps}) \\
    &=& \live{x_t}"""


@kept
def picture(scene: Scene, schedule: NoiseSchedule, seed: int) -> tl.Picture:
    """x_t with its exact density, a pixel's values, what is left of the signal, and the formula."""
    a, noise_variance = schedule.sqrt_alpha_bar.numpy(), schedule.one_minus_alpha_bar.numpy()
    tracks: dict[str, tl.Track] = {
        "x0": tl.Constant(scene.x0),
        "eps": tl.Constant(recipe.noise(torch.from_numpy(scene.x0), seed).numpy()),
        "x_t": tl.Affine(a, "x0", schedule.sqrt_one_minus_alpha_bar.numpy(), "eps"),
        "a": tl.Scalar(a),
        "b": tl.Scalar(schedule.sqrt_one_minus_alpha_bar.numpy()),
        "alpha_bar": tl.Scalar(schedule.alpha_bar.numpy()),
        "noise_variance": tl.Scalar(noise_variance),
    }
    panels = [drawn(scene, "x_t", "x_t", density=density(scene, a, noise_variance), weight=1.6)]
    if scene.kind != "line":
        one = density(scene, a, noise_variance, component=0)
        panels.append(pixel_histogram(scene, "x_t", one, _("Values of x_t and their exact density")))
    left = (
        tl.Line("alpha_bar", _("signal ᾱ_t"), COLORS["x0"]),
        tl.Line("noise_variance", _("noise 1 − ᾱ_t"), COLORS["eps"]),
    )
    values: dict[str, str | tl.Probe] = {"a": "a", "b": "b"} | {
        name: tl.Probe(name, 0) for name in ("x0", "eps", "x_t")
    }
    panels += [
        tl.Lines(left, title=_("How much is left")),
        formula(FORMULA, values | {"a": "a", "b": "b"}, _("The picked element, at this t")),
    ]
    return packed(range(schedule.T + 1), tracks, panels)


@kept
def one_step(scene: Scene, seed: int) -> tl.Picture:
    """x_0 and one noising step from it, for every beta: the browser makes it itself."""
    beta = np.linspace(0, 1, 101)
    keep, add = np.sqrt(1 - beta), np.sqrt(beta)
    noise = recipe.noise(torch.from_numpy(scene.x0), seed).numpy()
    tracks: dict[str, tl.Track] = {
        "x0": tl.Constant(scene.x0),
        "x_1": tl.Affine(keep, "x0", add, noise),
        "keep": tl.Scalar(keep),
        "start": tl.Product("keep", "x0"),
    }
    shares = (
        tl.Line(1 - beta, _("of the data, 1 − β"), COLORS["x0"]),
        tl.Line(beta, _("of new noise, β"), COLORS["eps"]),
    )
    none = density(scene, np.ones(101), 0 * beta) if scene.kind == "plane" else None
    panels = [
        drawn(scene, "x0", _("x_0, before"), density=none),
        drawn(scene, "start", _("√(1 − β) x_0, a little smaller")),
        drawn(scene, "x_1", _("x_1 = √(1 − β) x_0 + √β z, after one step"), density=density(scene, keep, beta)),
        tl.Shares(shares, title=_("Where the variance 1 of x_1 comes from, for data of variance 1")),
    ]
    return packed(beta.round(2).tolist(), tracks, panels, label=_("Variance of the step β"))


def second_moment(scene: Scene) -> float:
    """E|x_0|^2 / d of what is shown."""
    return float(np.mean(scene.x0.astype(float) ** 2))


@kept
def not_noise_yet(scene: Scene, schedule_name: str, schedule: NoiseSchedule) -> str | None:
    """What must be said where x_T is not noise."""
    if forward_kl(schedule, second_moment(scene), schedule.T) <= NOT_NOISE:
        return None
    kl, exact = terminal_kl(
        scene.name, scene.word, schedule_name, schedule.T, second_moment=second_moment(scene), _law=scene.law
    )
    away = _("{kl} nats") if exact else _("at most {kl} nats a pixel")
    return _(
        "$x_T$ is not noise yet: $\\sqrt{{\\bar\\alpha_T}}$ = {amplitude} of the signal is left. Its distance "
        "from $N(0,I)$ in the sense of KL is {away}; sampling that starts from $N(0,I)$ starts from another "
        "law."
    ).format(
        amplitude=significant(float(schedule.sqrt_alpha_bar[-1])),
        away=away.format(kl=significant(kl)),
    )


def schedules(scene: Scene, chosen: str, T: int) -> None:
    """All schedules side by side, and where each ends."""
    labels, tables = schedule_names(), {key: schedule_of(key, T) for key in schedule_names()}
    st.html(figures.legend(list(labels.values()), labels[chosen]))
    shown = (("beta", "β_t", True), ("alpha_bar", "ᾱ_t", False), ("snr", "SNR_t", True))
    for column, (field, title, log) in zip(st.columns(3), shown, strict=True):
        curves = {labels[key]: getattr(one, field).numpy() for key, one in tables.items()}
        column.plotly_chart(figures.schedule_curves(curves, labels[chosen], title, log), key=f"schedules_{field}")
    st.markdown(ends(scene, tables, chosen))


def ends(scene: Scene, tables: dict[str, NoiseSchedule], chosen: str) -> str:
    """What is left of the signal at T, and how far x_T is from noise for this data."""
    head = (
        _("Schedule"),
        r"$\bar\alpha_T$",
        r"$\sqrt{\bar\alpha_T}$",
        r"$\mathrm{SNR}_T$",
        r"$\mathrm{KL}\big(q(x_T)\,\Vert\,N(0,I)\big)$",
    )
    rows, exact = [], True
    for key, one in tables.items():
        kl, exact = terminal_kl(scene.name, scene.word, key, one.T, second_moment=second_moment(scene), _law=scene.law)
        label = f"**{schedule_names()[key]}**" if key == chosen else schedule_names()[key]
        numbers = (float(one.alpha_bar[-1]), float(one.sqrt_alpha_bar[-1]), float(one.snr[-1]), kl)
        rows.append((label, *map(significant, numbers)))
    how = (
        _("KL in nats, exact, by quadrature of the density of $x_T$.")
        if exact
        else _(
            "An upper bound of the KL, in nats a pixel: the mean of the KL with $x_0$ known, "
            "$\\mathrm{KL}(q(x_T\\mid x_0)\\,\\Vert\\,N(0,I))$, over the pictures shown."
        )
    )
    return f"{table(head, rows)}\n\n{how}"
