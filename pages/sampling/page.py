"""Lesson: the reverse chain with the exact denoiser or a trained network, each step opened."""

from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st
import torch

from diffusion_core import FiniteData, GaussianMixture, fixed_large, fixed_small, generated_variance
from diffusion_core.claims.reverse import COPIES, LAW, STEP, CopyRun, Run
from diffusion_core.errors import BadInput
from diffusion_core.laws.generated import gaussian_optimal
from diffusion_core.variance import VarianceChoice, learned_range
from pages.sampling import chains, exports
from pages.sampling.chains import DRAWS, DRAWS_PLANE, HELD_OUT, HELD_OUT_PLANE, Chain, Settings, field_of, run
from pages.shared import controls, figures, networks, shell, trainer
from pages.shared import lesson_old as lesson
from pages.shared.i18n import _, explain
from pages.shared.palette import COLORS
from pages.shared.scenes import Scene, data_names, density, drawn, pick_scene, schedule_names
from pages.shared.scenes import scene as scene_of
from pages.shared.timeline import (
    Affine,
    Constant,
    Field,
    Formula,
    Frames,
    Line,
    Lines,
    Numbers,
    Path,
    Probe,
    Scalar,
    Shifted,
    Track,
    mathml,
)
from pages.shared.trainer import View

DATA = ["eight_gaussians", "two_moons", "swiss_roll", "checkerboard", "spiral", "word", "picture", "digits"]
TRAINED = DATA[:6]  # what a visitor's network may have been trained on
DENOISERS = ("exact", "network", "learned", "yours")
SHOWN = 600
SPACINGS = {"iddpm": "iddpm", "trailing": "trailing", "leading": "leading"}


def variance_names(network: bool = False) -> dict[str, str]:
    """The variances of DDPM's step by their word in the URL; only an exact law knows Var[x_0 | x_t] at each x_t."""
    names = {
        "small": "β̃",
        "large": "β",
        "learned": _("learned"),
        "optimal": _("optimal"),
    }
    return names if network else {**names, "state": _("optimal for each x_t")}


def formula(settings: Settings) -> Formula:
    """The step opened: each intermediate, its place in the formula, its number."""
    m = mathml
    eq, plus, times = m.op("="), m.op("+"), m.op("·")
    x_t, x_s = m.sub(m.sym("x"), m.sym("t")), m.sub(m.sym("x"), m.sym("s"))
    eps, x0 = m.hat(m.sym("ε")), m.sub(m.hat(m.sym("x")), m.num("0"))
    ab_t, ab_s = m.sub(m.bar(m.sym("α")), m.sym("t")), m.sub(m.bar(m.sym("α")), m.sym("s"))
    rest = m.sqrt(m.num("1"), m.op("−"), ab_t)
    used = m.sup(m.hat(m.sym("ε")), m.op("′")) if settings.clip else eps  # what agrees with a clipped x0_hat
    if settings.sampler == "ddpm":
        mean, partner = m.tilde(m.sym("μ")), "x_t"
        symbols = m.row(m.sub(m.sym("c"), m.sym("t")), x_t, plus, m.sub(m.sym("c"), m.num("0")), x0)
    else:
        mean, partner = m.sym("μ"), "eps_used" if settings.clip else "eps"
        direction = m.sqrt(m.num("1"), m.op("−"), ab_s, m.op("−"), m.sup(m.sym("σ"), m.num("2")))
        symbols = m.row(direction, used, plus, m.sqrt(ab_s), x0)

    def product(factor: str, value: str) -> str:
        return m.row(m.live(factor), times, m.paren(m.live(value)))

    guess = m.row(m.live("scale"), times, m.paren(m.live("x_t_long"), m.op("−"), product("rest", "eps_long")))
    whole = m.frac(m.row(x_t, m.op("−"), rest, eps), m.sqrt(ab_t))
    again: tuple[tuple[str, ...], ...] = ()
    if settings.clip:
        limits = m.row(m.op(","), m.num("−1"), m.op(","), m.num("1"))
        guess, whole = (m.row(m.text("clip"), m.paren(part, limits)) for part in (guess, whole))
        if settings.sampler == "ddim":
            again = ((used, eq, m.row(m.frac(m.row(x_t, m.op("−"), m.sqrt(ab_t), x0), rest), eq, m.live("eps_used"))),)
    middle = m.row(product("first", partner), plus, product("second", "x0_hat"))
    drawn_now = m.row(m.live("mean"), plus, product("sigma", "z"))
    lines = (
        (x0, eq, whole),
        ("", eq, m.row(guess, eq, m.live("x0_hat"))),
        *again,
        (mean, eq, symbols),
        ("", eq, m.row(middle, eq, m.live("mean"))),
        (x_s, eq, m.row(mean, plus, m.sym("σ"), m.sym("z"))),
        ("", eq, m.row(drawn_now, eq, m.live("x_s"))),
        (m.row(m.text(_("stored") + "\N{NO-BREAK SPACE}"), x_s), eq, m.live("stored")),
    )
    results = ["x0_hat", "mean", "x_s", "stored", *(["eps_used"] if again else [])]
    return Formula(
        m.math(m.rows(*lines)),
        values={
            **{name: Probe(name, decimals="few") for name in results},
            **{name: Probe(name, decimals="some") for name in ("x_t", "eps", "z", "scale", "first", "second", "sigma")},
            **{f"{name}_long": Probe(name, decimals="many") for name in ("x_t", "eps")},
            "rest": Probe("rest", decimals="many"),
        },
        title=_("The step opened, for what you picked (recomputed in your browser)"),
    )


def decimals(chain: Chain) -> dict[str, Scalar]:
    """How many decimals the formula's numbers have at each position, so that it is right as printed.

    Results have 3 and their parts 5; what is multiplied by 1 / sqrt(alpha_bar_t) has so many more as that takes away.
    At t = 0, where no step begins, no number is shown.
    """
    lost = np.ceil(np.log10(chain.x0_hat_scale)).astype(int)
    counts = {"few": np.full_like(lost, 3), "some": np.full_like(lost, 5), "many": np.maximum(5, 4 + lost)}
    for values in counts.values():
        values[-1] = -1
    return {name: Scalar(values) for name, values in counts.items()}


def code(s: Settings) -> str:
    """The lines that made the picture."""
    law = {
        "digits": "digits().law",
        "word": f"word({s.word!r}).law",
        "picture": "picture(decode_photo(open('assets/data/example_photo.jpg', 'rb').read())).law",
    }.get(s.data, f"TOYS[{s.data!r}]().law")
    draws = DRAWS.get(s.data, DRAWS_PLANE)
    variance = {
        "learned": f"learned_range({s.v})",
        "optimal": f"optimal_for(law, schedule, timesteps, {draws}, torch.Generator().manual_seed(0))",
        "state": "state_dependent(law, schedule)",
    }.get(s.variance, f"fixed_{s.variance}")
    n = 16 if s.data == "digits" else SHOWN
    setup = f"""schedule = SCHEDULES[{s.schedule!r}]({s.T})
law = {law}
denoiser = law.denoiser(schedule)                   # exact: E[eps | x_t], by Bayes' rule"""
    shape, start = f"({n}, {784 if s.data == 'digits' else 2})", ""
    if s.network:
        file = "network.safetensors" if s.run else f"assets/models/{networks.FILES[s.denoiser][s.data]}"
        setup = f"""law = {law}
network = load_denoiser("{file}")
schedule, denoiser = network.schedule, network      # it knows no other schedule"""
        start = ".float()"
        if s.own_v:
            setup += "\nlearned = denoiser = LearnedVariance(network)        # its own v, for each x_t"
            variance = "learned.variance"
        if s.variance == "optimal":
            variance = "optimal_for_network(losses)"
    if s.network and s.data == "digits":
        labels = networks.labels_of(s.label, n).tolist()
        setup += f"""
labels = torch.tensor({labels})
denoiser = Guided(network, labels, {s.w})"""
        start = ".float().reshape(-1, 1, 28, 28)"
    losses = losses_code(s) if s.network and s.variance == "optimal" else ""
    limits = f", clip={s.clip}" if s.clip else ""
    call = (
        f"ddim(denoiser, schedule, x_T, timesteps, {s.eta}, generator{limits})"
        if s.sampler == "ddim"
        else f"ancestral(denoiser, schedule, x_T, timesteps, variance, generator{limits})"
    )
    return f"""import torch
from diffusion_core import SCHEDULES, ancestral, ddim, fixed_large, fixed_small
from diffusion_core import eps_from_x0, learned_range, optimal_for, optimal_for_network, q_sample, state_dependent
from diffusion_core import x0_from_eps
from diffusion_core.training.checkpoint import load_denoiser
from diffusion_core.data.digits import digits
from diffusion_core.data.photos import decode_photo
from diffusion_core.data.pictures import picture, word
from diffusion_core.data.toys import TOYS
from diffusion_core.denoisers import Guided, LearnedVariance
from diffusion_core.train import digit_images

{setup}
timesteps = schedule.timesteps({s.steps}, spacing={s.spacing!r})
{losses}variance = {variance}

generator = torch.Generator().manual_seed({s.seed})
x_T = torch.randn({shape}, generator=generator, dtype=torch.float64){start}
for step in {call}:
    print(f"t = {{step.t:4d}} -> {{step.s:4d}}: std of x_s {{step.x_s.std():.3f}}, of x0_hat {{step.x0_hat.std():.3f}}")
x_0 = step.x_s
"""


def losses_code(s: Settings) -> str:
    """The lines that measure the network's loss at each timestep."""
    drawn = f"x0, labels = law.sample({HELD_OUT_PLANE}, draws).float(), None"
    clip = ""
    if s.data == "digits":
        drawn = f"""images, classes = digit_images(held_out=True)
rows = torch.randperm(len(images), generator=draws)[:{HELD_OUT[s.data]}]
x0, labels = images[rows], classes[rows]"""
        clip = """
    x0_hat = x0_from_eps(schedule, x_t, eps_hat, t).clamp(-1, 1)
    eps_hat = eps_from_x0(schedule, x_t, x0_hat, t)"""
    return f"""
draws = torch.Generator().manual_seed(0)
{drawn}
losses = {{}}                                         # of the network, on data that it has never seen
for t in timesteps:
    eps = torch.randn(x0.shape, generator=draws)
    x_t = q_sample(schedule, x0, t, eps)
    eps_hat = network(x_t, t, labels){clip}
    losses[t] = (eps - eps_hat).square().mean().item()
"""


def panels(scene: Scene, chain: Chain, settings: Settings, alpha_bar: np.ndarray) -> list[object]:
    """x_t with its exact density and field, x0_hat, the noise predicted, the variances, the step opened."""
    a, v = np.sqrt(alpha_bar), 1 - alpha_bar
    shown: list[object] = []
    if scene.kind == "images":
        shown += [
            drawn(scene, "x_t", "x_t"),
            drawn(scene, "x0_hat", _("x̂₀, the guess of the end")),
            drawn(scene, "eps", _("ε̂, the noise predicted"), value_range=(-3.0, 3.0)),
            *([drawn(scene, "eps_star", _("ε*, the exact one"), value_range=(-3.0, 3.0))] if settings.network else []),
            drawn(scene, "nearest", _("Nearest training digit to x_0")),
        ]
    else:
        law = density(scene, a, v)
        field = (Field(law, color=COLORS["eps"]),) if law else ()
        title = _("x_t, its exact density, and the field ε̂")
        if settings.network:
            field = (*field, Field(field_of(settings), color=COLORS["x_t"]))
            title = _("x_t, its exact density, ε* (green) and ε_θ (orange)")
        data = density(scene, np.ones_like(a), np.zeros_like(a))
        shown += [
            drawn(scene, "x_t", title, density=law, layers=(*field, Path("x_t"))),
            drawn(scene, "x0_hat", _("x̂₀, the guess of the end, on the data"), density=data, color=COLORS["x0_hat"]),
        ]
    used = (chain.sigma**2).reshape(len(chain.positions), -1).mean(1)
    beta, beta_tilde, used = (np.append(values[:-1], np.nan) for values in (chain.beta, chain.beta_tilde, used))
    shown.append(  # at t = 0 there is no step
        Lines(
            (
                Line(beta, "β", COLORS["beta"]),
                Line(beta_tilde, "β̃", COLORS["beta_tilde"], dash=True),
                Line(used, _("σ² used, on average") if settings.looks_at_x_t else _("σ² used"), COLORS["eps"]),
            ),
            title=_("Variance of the step"),
        )
    )
    if chain.eps_star is not None:
        gap = np.square(chain.eps_hat - chain.eps_star).mean((1, 2))
        gap[-1] = np.nan  # at t = 0 there is no noise left to predict
        shown += [
            Lines((Line(gap, "‖ε_θ − ε*‖² / d", COLORS["x0_hat"]),), title=_("How far ε_θ is from ε*"), log_y=True),
            Numbers(
                (
                    ("ε_θ", Probe("eps", decimals="some"), COLORS["x_t"]),
                    ("ε*", Probe("eps_star", decimals="some"), COLORS["eps"]),
                ),
                title=_("Predicted noise, for what you picked"),
            ),
        ]
    shown.append(formula(settings))
    return shown


def of_digits(chain: Chain, scene: Scene, settings: Settings) -> tuple[np.ndarray, str]:
    """The nearest training digit to each sample, and what the distances say."""
    assert isinstance(scene.law, FiniteData)
    x_0 = torch.from_numpy(chain.x[-1])
    if not settings.network:
        index, distance = scene.law.nearest(x_0.double())
        sentence = _(
            "Largest distance from a sample to its nearest training digit: {distance}. The exact denoiser copies: "
            "E[x₀ | x_t] is a weighted mean of the training digits, and as t falls all the weight goes to one."
        ).format(distance=lesson.significant(float(distance.max())))
        return scene.law.points[index].float().numpy(), sentence
    known, real = networks.training_digits()
    index, distance = known.nearest(x_0)
    sentence = _(
        "Distance from a sample to its nearest training digit: from {low} to {high}. Real digits that the network has "
        "never seen are at {real} (median). The exact denoiser would copy: distance 0."
    ).format(
        low=lesson.significant(float(distance.min())),
        high=lesson.significant(float(distance.max())),
        real=lesson.significant(real),
    )
    return known.points[index].numpy(), sentence


def show_quality(settings: Settings, law: FiniteData | GaussianMixture) -> None:
    """How near the samples are to the data, against the number of steps: measured when asked."""
    counts = tuple(N for N in (2, 5, 10, 20, 50, 100) if N <= settings.noise_schedule.T)
    if settings.data == "digits":
        counts = (4, 8, 16, 32)
        if not settings.network:
            return
    st.header(_("How good are the samples?"), anchor="quality")
    st.markdown(_("The chosen sampler, with other numbers of steps; the bars are 95% intervals."))
    wanted = replace(settings, steps=0)
    if st.button(_("Measure"), icon=":material/straighten:"):
        st.session_state["measured"] = wanted
    if st.session_state.get("measured") != wanted:
        return
    with st.spinner(_("Measuring…")):
        if isinstance(law, GaussianMixture):
            show_distances(settings, law, counts)
        else:
            show_judged(settings, law, counts)


def show_distances(settings: Settings, law: GaussianMixture, counts: tuple[int, ...]) -> None:
    """Sliced Wasserstein distance: the exact denoiser, the network where there is one, the data from themselves."""
    asked = {_("exact"): replace(settings, steps=0, denoiser="exact")}
    if settings.network:
        asked[_("network")] = replace(settings, steps=0)
    found = {label: chains.distances(one, counts, law) for label, one in asked.items()}
    floor = next(iter(found.values()))[1]
    st.plotly_chart(
        figures.quality(
            counts,
            {label: values for label, (values, _floor) in found.items()},
            _("sliced Wasserstein distance to the data"),
            (floor.value, _("data against data")),
            _,
        ),
        key="quality_distances",
    )


def show_judged(settings: Settings, law: FiniteData, counts: tuple[int, ...]) -> None:
    """The share of digits that show the class asked for, and which classes the judge sees."""
    found = chains.judged(replace(settings, steps=0), counts, law)
    left, right = st.columns(2)
    with left:
        st.plotly_chart(
            figures.quality(
                counts,
                {_("network"): found.right},
                _("share judged to be the digit asked for"),
                (1.0, _("all of them")),
                _,
            ),
            key="quality_right",
        )
    with right:
        even = [chains.JUDGED / 10] * 10 if settings.label == "all" else None
        st.plotly_chart(figures.class_counts(found.classes, even, counts[-1], _), key="quality_classes")


def show_run(id: str) -> None:
    """Which run's network is yours, its address in the URL."""
    st.session_state["url_run"] = id
    controls.remember("run", id, "")


def pick_run() -> View | None:
    """The run whose network is asked for: the URL's, else the last one of this session; what lacks is one sentence."""
    key, mine = controls.bind("run", "", lambda raw: raw), st.session_state.get("my_run", "")
    if not st.session_state[key] and mine != st.session_state.get("left_run", ""):
        show_run(mine)
    id = st.session_state[key]
    view = networks.the_trainer().view(id)
    if view and view.milestones and np.isfinite(view.milestones[-1].samples).all():
        return view
    if not id:
        st.info(
            _(
                "Train a network on the page *Predict the noise*, or give the file of one below. "
                "Until then the exact denoiser is shown."
            ),
            icon=":material/school:",
        )
    elif view is None:
        st.warning(
            _("There is no run {run} on this server (any more); the exact denoiser is shown.").format(run=id[:40]),
            icon=":material/link_off:",
        )
    elif view.milestones or view.state == "failed":
        st.error(
            _("This network answers with numbers that are not finite; the exact denoiser is shown."),
            icon=":material/error:",
        )
    else:
        st.info(
            _("This run has no network yet; until it has one, the exact denoiser is shown."),
            icon=":material/hourglass_empty:",
        )
    return None


def leave_run(id: str) -> None:
    """Make place for another network; this one can be had back."""
    st.session_state["left_run"] = id
    show_run("")


def offer_runs(scene: Scene) -> None:
    """Where no run is shown: train one, take the one that was left, or give a file."""
    runs, left = networks.the_trainer(), st.session_state.get("left_run", "")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(shell.page_path("training"), label=_("Predict the noise"), icon=":material/school:")
        if runs.view(left):
            st.button(_("Back to the network before"), icon=":material/undo:", on_click=show_run, args=(left,))
    upload = st.file_uploader(
        _("A network or a run from Predict the noise. It is compared with the data chosen above."),
        type=["safetensors"],
        key="sampling_upload",
    )
    if upload is None:
        return
    assert isinstance(scene.law, GaussianMixture)  # as all data of TRAINED are
    try:
        id = runs.load(trainer.Data(scene.name, scene.word, scene.law), upload.getvalue())
    except BadInput as error:
        st.error(explain(error), icon=":material/error:")
        return
    show_run(id)
    st.rerun()


def show_yours(view: View) -> None:
    """Which network it is, and the ways to its training and to another one."""
    step = view.milestones[-1].step
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            _("**Your network**, after {step} steps").format(step=f"{step:,}") if view.step else _("**Your network**")
        )
        st.page_link(
            shell.page_path("training"),
            label=_("Predict the noise"),
            icon=":material/school:",
            query_params={"run": view.id},
        )
        st.button(_("Another network"), icon=":material/swap_horiz:", on_click=leave_run, args=(view.id,))


def pick_denoiser(scene: Scene, view: View | None) -> tuple[str, str, float]:
    """Which denoiser, where a trained network knows the data; for digits also which class, and how strongly."""
    data = scene.name
    names = {"exact": _("exact"), "network": _("network"), "learned": _("network with its σ²"), "yours": _("yours")}
    names = {
        key: name
        for key, name in names.items()
        if key == "exact" or data in (TRAINED if key == "yours" else networks.FILES[key])
    }
    if len(names) == 1:
        return "exact", "all", 2.0
    columns = st.columns([3, 3, 2, 3] if data == "digits" else [1, 1])
    with columns[0]:
        denoiser = controls.choice("denoiser", _("Denoiser"), names, "exact", pills=True)
    if denoiser == "yours":
        with columns[1]:
            if view:
                show_yours(view)
            else:
                offer_runs(scene)
        return "yours" if view else "exact", "all", 2.0
    if denoiser != "exact" and networks.network(data, denoiser) is None:
        st.info(
            _("The trained network is not installed ({file} is missing); the exact denoiser is shown.").format(
                file=f"assets/models/{networks.FILES[denoiser][data]}"
            ),
            icon=":material/info:",
        )
        return "exact", "all", 2.0
    if denoiser == "exact" or data != "digits":
        return denoiser, "all", 2.0
    with columns[1]:
        classes = {"all": _("all ten"), **{str(k): str(k) for k in range(10)}}
        label = controls.choice("label", _("Class"), classes, "all")
    with columns[3]:
        w = controls.number("w", _("Guidance w"), 2.0, 0.0, 6.0, 0.25)
    return denoiser, label, w


prose = lesson.open_lesson("sampling")
with lesson.picture_first() as picture:
    top = st.columns([3, 3, 2, 3])
    with top[3]:
        seed = controls.seed()
    key = controls.bind("denoiser", "exact", controls.parse_choice("denoiser", DENOISERS))
    with picture:
        view = pick_run() if st.session_state[key] == "yours" else None
    with top[0]:
        if view:
            scene = scene_of(view.data.name, view.data.word, seed)
            data_name = scene.word or data_names()[scene.name]
            st.markdown(_("Data of the network: **{name}**").format(name=data_name))
        else:
            scene = pick_scene(DATA, "eight_gaussians", seed)
    denoiser, label, w = pick_denoiser(scene, view)
    run_step = view.milestones[-1].step if view else 0
    network = networks.of_run(view.id, run_step, view.denoiser) if view else None
    if denoiser in networks.FILES:
        network = networks.network(scene.name, denoiser)
    if network:
        name, T = network.schedule.name, network.schedule.T
        shown_name = schedule_names().get(name, name)
        with top[1]:
            st.markdown(_("Schedule of the network: **{name}**, T = {T}").format(name=shown_name, T=T))
        own = {"schedule": name, "T": str(T)}
        if view:
            own |= {"data": scene.name, "word": scene.word} if scene.word else {"data": scene.name}
        if any(st.query_params.get(key, value) != value for key, value in own.items()):
            text = _("A network knows only the schedule that it was trained with: {name}, T = {T} is used here.")
            if view:
                text = _("Your network knows only what it was trained with: {data}; {name}, T = {T} is used here.")
            st.info(
                text.format(name=shown_name, T=T, data=data_name if view else ""),
                icon=":material/lock:",
            )
    else:
        with top[1]:
            schedules = {key: label for key, label in schedule_names().items() if key != "zero_terminal_snr"}
            name = controls.choice("schedule", _("Schedule"), schedules, "linear")
        with top[2]:
            T = controls.integer("T", "T", 1000, 1, 4000)
    low = st.columns([3, 3, 2, 3])
    with low[0]:
        sampler = controls.choice("sampler", _("Sampler"), {"ddpm": "DDPM", "ddim": "DDIM"}, "ddpm", pills=True)
    with low[1]:
        if sampler == "ddpm":
            variance = controls.choice("variance", _("Variance"), variance_names(network is not None), "small")
            v = 0.5
            if variance == "learned" and network and network.config.learned_variance:
                st.caption(_("v is the network's own, at each x_t and for each coordinate."))
            elif variance == "learned":
                v = controls.number("v", _("v of the learned variance"), 0.5, -0.25, 1.25, 0.05)
            eta = 0.0
        else:
            variance, v = "small", 0.5
            eta = controls.number("eta", "η", 0.0, 0.0, 1.0, 0.05)
    with low[2]:
        limit = min(T, 100 if scene.name == "digits" else 250)
        steps = controls.integer("N", _("Steps N"), min(limit, 25 if scene.name == "digits" else 50), 1, limit)
    with low[3]:
        spacing = controls.choice("spacing", _("Spacing"), SPACINGS, "trailing", pills=True)

settings = Settings(
    scene.name, scene.word, name, T, steps, spacing, sampler, variance, v, eta, seed, denoiser, label, w,
    view.id if view else "", run_step,
)  # fmt: skip
schedule = settings.noise_schedule
n = len(scene.x0) if scene.kind == "images" else SHOWN
assert scene.law is not None  # a photo is no law to sample from, and is not offered here
with picture, st.spinner(_("The network draws digits…")) if settings.clip else nullcontext():
    try:
        chain = run(settings, scene.law, n)
    except BadInput as error:  # few steps over a long schedule, in the float32 of a network
        st.error(explain(error), icon=":material/error:")
        st.stop()
alpha_bar = schedule.alpha_bar.numpy()[list(chain.positions)]
inverse = np.divide(1, chain.eps_scale, out=np.zeros_like(chain.eps_scale), where=chain.eps_scale > 0)
eps_from_x0_hat = Affine(inverse, "x_t", -inverse / chain.x0_hat_scale, "x0_hat")
tracks: dict[str, Track] = {
    "x_t": Frames(chain.x),
    "x0_hat": Frames(chain.x0_hat),
    # made of x0_hat: the other way round, float32 would be multiplied by 1 / sqrt(alpha_bar_t)
    "eps": Frames(chain.eps_hat) if settings.clip else eps_from_x0_hat,
    "z": Frames(chain.noise),
    "scale": Scalar(chain.x0_hat_scale),
    "rest": Scalar(chain.eps_scale),
    "first": Scalar(chain.first),
    "second": Scalar(chain.second),
    **decimals(chain),
    "mean": Affine(
        chain.first, "x_t" if sampler == "ddpm" else "eps_used" if settings.clip else "eps", chain.second, "x0_hat"
    ),
    "stored": Shifted("x_t", 1),
}
if settings.looks_at_x_t:  # sigma has a number for each point, where the mean has one for each step
    one = np.ones(len(chain.positions))
    tracks["sigma"] = Frames(np.broadcast_to(chain.sigma, chain.noise.shape).astype(np.float32))
    tracks["sigma_z"] = Frames((chain.sigma * chain.noise).astype(np.float32))
    tracks["x_s"] = Affine(one, "mean", one, "sigma_z")
else:
    tracks["sigma"] = Scalar(chain.sigma)
    tracks["x_s"] = Affine(np.ones_like(chain.sigma), "mean", chain.sigma, "z")
if settings.clip:  # eps again, from the clipped x0_hat
    tracks["eps_used"] = eps_from_x0_hat
if chain.eps_star is not None:
    tracks["eps_star"] = Frames(chain.eps_star)
sentence = None
if isinstance(scene.law, FiniteData):
    nearest, sentence = of_digits(chain, scene, settings)
    tracks["nearest"] = Constant(nearest)

with picture:
    state = lesson.show_timeline(
        key="sampling",
        positions=chain.positions,
        tracks=tracks,
        panels=panels(scene, chain, settings, alpha_bar),
        t=2 * T // 5,
    )
    if sentence:
        st.info(sentence, icon=":material/content_copy:")
st.markdown(prose["picture"])
picture_size = (scene.height, scene.width) if scene.kind == "images" else None
with st.container(horizontal=True):
    st.download_button(
        _("Animation (GIF)"),
        lambda: exports.gif(chain.x, chain.positions, picture_size),
        "chain.gif",
        "image/gif",
        icon=":material/movie:",
        on_click="ignore",
    )
    st.download_button(
        _("All the numbers (.npz)"),
        lambda: exports.npz(chain.arrays()),
        "chain.npz",
        "application/octet-stream",
        icon=":material/data_array:",
        on_click="ignore",
    )
    if view:
        st.download_button(
            _("The network (.safetensors)"),
            partial(trainer.write, view, "network"),
            "network.safetensors",
            icon=":material/download:",
            on_click="ignore",
        )

show_quality(settings, scene.law)

st.header(_("The formula"), anchor="formula")
st.markdown(prose["formula"])

few = schedule.timesteps(min(steps, 10), spacing="trailing")  # where the choice of variance shows most


def of_quarter(choice: VarianceChoice, timesteps: tuple[int, ...]) -> str:
    """Variance of the samples over that of data of variance 1/4, exact."""
    variance = generated_variance(schedule, timesteps, choice, Run.data_variance)
    return lesson.significant(variance / Run.data_variance)


gaussian = {"large": fixed_large, "small": fixed_small, "learned": learned_range(v)}  # for it, both optima are one
checked = "optimal" if settings.own_v else variance  # a network's v knows no Gaussian data
law = Run(schedule, few, gaussian.get(checked, gaussian_optimal(Run.data_variance)))
lesson.check(
    prose,
    [
        lesson.Checked(
            STEP, Run(schedule, settings.timesteps, fixed_small), (name, T, settings.run, settings.timesteps)
        ),
        lesson.Checked(
            LAW,
            law,
            (name, T, settings.run, few, checked, v),
            _(
                "{n} trailing steps with {variance}, data of variance 1/4: in theory the samples have {ratio} of its "
                "variance. In {N} steps, spaced as chosen above, they have {large} of it with β and {small} with β̃."
            ).format(
                n=len(few),
                variance=variance_names()[checked],
                ratio=of_quarter(law.variance, few),
                N=steps,
                large=of_quarter(fixed_large, settings.timesteps),
                small=of_quarter(fixed_small, settings.timesteps),
            ),
        ),
        lesson.Checked(COPIES, CopyRun(schedule, schedule.timesteps(min(T, 25))), (name, T, settings.run)),
    ],
)
lesson.show_code(code(settings), "sampling")
lesson.article(prose)
