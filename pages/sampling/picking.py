"""What the visitor chooses: data, denoiser, schedule, sampler; a network brings its data and its schedule."""

from dataclasses import replace

import streamlit as st

from diffusion_core.denoisers import Predictor
from pages.sampling import networks
from pages.sampling.runs import Run, Settings
from pages.sampling.yours import offer_runs, pick_run, show_yours
from pages.shared import controls
from pages.shared.beside import Axis
from pages.shared.denoiser_run import View
from pages.shared.i18n import _
from pages.shared.lesson import Page
from pages.shared.scenes import Scene, data_names, pick_scene, schedule_names, startable
from pages.shared.scenes import scene as scene_of

__all__ = ["comparable", "pick", "variance_names"]

DATA = ["eight_gaussians", "two_moons", "swiss_roll", "checkerboard", "spiral", "word", "picture", "digits"]
TRAINED = DATA[:6]  # what a visitor's network may have been trained on
DENOISERS = ("exact", "network", "learned", "yours")
SAMPLERS = {"ddpm": "DDPM", "ddim": "DDIM"}
STEPS = (1, 2, 5, 10, 25, 50, 100, 250)
ETAS = ("0.0", "0.2", "0.5", "1.0")
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


def pick(page: Page) -> tuple[Run, View | None]:
    """All controls; and the visitor's own run, where its network is shown."""
    with page.controls(3, 4) as (left, right):
        with page.more():
            seed = controls.seed()
        key = controls.bind("denoiser", "exact", controls.parse_choice("denoiser", DENOISERS))
        with page.above():
            view = pick_run() if st.session_state[key] == "yours" else None
        with left:
            scene = pick_data(view, seed)
        with right:
            settings = pick_denoiser(scene, view)
        network = network_of(settings, scene, view)
        if network:
            with right:
                say_what_it_knows(scene, network, view)
        with page.more():
            schedule = shown_schedule(network) if network else pick_schedule()
            T = network.schedule.T if network else controls.integer("T", "T", 1000, low=1, high=4000)
            settings = replace(settings, schedule=schedule, T=T, seed=seed)
            settings = pick_sampler(settings, network, scene)
    return Run.of(settings, scene), view


def pick_data(view: View | None, seed: int) -> Scene:
    """The data; a visitor's network has its own."""
    if view is None:
        return pick_scene(DATA, "eight_gaussians", seed)
    scene = scene_of(view.data.name, view.data.word, seed)
    st.markdown(_("Data of the network: **{name}**").format(name=scene.word or data_names()[scene.name]))
    return scene


def denoiser_names(data: str) -> dict[str, str]:
    """The denoisers that know the data."""
    names = {"exact": _("exact"), "network": _("network"), "learned": _("network with its σ²"), "yours": _("yours")}
    return {
        key: name
        for key, name in names.items()
        if key == "exact" or data in (TRAINED if key == "yours" else networks.FILES[key])
    }


def pick_denoiser(scene: Scene, view: View | None) -> Settings:
    """Which denoiser, where a trained network knows the data; for digits also which class, and how strongly."""
    names, exact = denoiser_names(scene.name), Settings()
    if len(names) == 1:
        return exact
    denoiser = controls.choice("denoiser", _("Denoiser"), names, "exact", pills=True)
    if denoiser == "yours":
        if view is None:
            offer_runs(scene)
            return exact
        show_yours(view)
        return replace(exact, denoiser="yours", run=view.id, run_step=view.milestones[-1].step)
    missing = _("The trained network is not installed ({file} is missing); the exact denoiser is shown.")
    if denoiser != "exact" and networks.FILES[denoiser][scene.name].or_say(missing) is None:
        return exact
    if denoiser == "exact" or scene.name != "digits":
        return replace(exact, denoiser=denoiser)
    classes = {"all": _("all ten"), **{str(k): str(k) for k in range(10)}}
    left, right = st.columns(2)
    with left:
        label = controls.choice("label", _("Class"), classes, "all")
    with right:
        w = controls.number("w", _("Guidance w"), 2.0, low=0.0, high=6.0, step=0.25)
    return replace(exact, denoiser=denoiser, label=label, w=w)


def network_of(settings: Settings, scene: Scene, view: View | None) -> Predictor | None:
    """The network that was chosen; of a run it is kept as it is at this step."""
    if view is not None and settings.denoiser == "yours":
        return networks.of_run(view.id, settings.run_step, view.denoiser)
    return networks.network(scene.name, settings.denoiser) if settings.denoiser in networks.FILES else None


def pick_schedule() -> str:
    """One from whose end one can start."""
    return controls.choice("schedule", _("Schedule"), startable(), "linear")


def shown_schedule(network: Predictor) -> str:
    """The network's own."""
    name, T = network.schedule.name, network.schedule.T
    shown_name = schedule_names().get(name, name)
    st.markdown(_("Schedule of the network: **{name}**, T = {T}").format(name=shown_name, T=T))
    return name


def say_what_it_knows(scene: Scene, network: Predictor, view: View | None) -> None:
    """One sentence, where the URL asks for other data or another schedule than the network's."""
    name, T = network.schedule.name, network.schedule.T
    own = {"schedule": name, "T": str(T)}
    if view:
        own |= {"data": scene.name, "word": scene.word} if scene.word else {"data": scene.name}
    if all(st.query_params.get(key, value) == value for key, value in own.items()):
        return
    text = _("A network knows only the schedule that it was trained with: {name}, T = {T} is used here.")
    if view:
        text = _("Your network knows only what it was trained with: {data}; {name}, T = {T} is used here.")
    data = scene.word or data_names()[scene.name]
    st.info(text.format(name=schedule_names().get(name, name), T=T, data=data), icon=":material/lock:")


def pick_sampler(settings: Settings, network: Predictor | None, scene: Scene) -> Settings:
    """DDPM with a variance, or DDIM with eta; how many steps, and where they lie."""
    digits = scene.name == "digits"
    limit = min(settings.T, 100 if digits else 250)
    steps = controls.integer("N", _("Steps N"), min(limit, 25 if digits else 50), low=1, high=limit)
    sampler = controls.choice("sampler", _("Sampler"), SAMPLERS, "ddpm", pills=True)
    settings = replace(settings, sampler=sampler)
    settings = pick_variance(settings, network) if sampler == "ddpm" else pick_eta(settings)
    spacing = controls.choice("spacing", _("Spacing"), SPACINGS, "trailing", pills=True)
    return replace(settings, steps=steps, spacing=spacing)


def pick_eta(settings: Settings) -> Settings:
    """DDIM's share of noise."""
    return replace(settings, eta=controls.number("eta", "η", 0.0, low=0.0, high=1.0, step=0.05))


def pick_variance(settings: Settings, network: Predictor | None) -> Settings:
    """DDPM's variance, and where between its ends a learned one lies."""
    variance = controls.choice("variance", _("Variance"), variance_names(network is not None), "small")
    if variance != "learned":
        return replace(settings, variance=variance)
    if network and network.config.learned_variance:
        st.caption(_("v is the network's own, at each x_t and for each coordinate."))
        return replace(settings, variance=variance)
    v = controls.number("v", _("v of the learned variance"), 0.5, low=-0.25, high=1.25, step=0.05)
    return replace(settings, variance=variance, v=v)


def comparable(run: Run) -> dict[str, Axis]:
    """What of a run can be another one beside it: what a network brings along cannot."""
    now, digits = run.settings, run.scene.name == "digits"
    most = min(run.schedule.T, 100 if digits else 250)
    axes = {"sampler": Axis(_("Sampler"), SAMPLERS, now.sampler)}
    if now.sampler == "ddpm":
        axes["variance"] = Axis(_("Variance"), variance_names(run.network is not None), now.variance)
    else:
        axes["eta"] = Axis("η", {eta: f"{float(eta):g}" for eta in ETAS}, f"{now.eta:g}")
    axes["N"] = Axis(_("Steps N"), {str(N): str(N) for N in STEPS if most >= N}, str(now.steps))
    others = {key: name for key, name in denoiser_names(run.scene.name).items() if key != "yours"}
    if now.denoiser in others and len(others) > 1:
        axes["denoiser"] = Axis(_("Denoiser"), others, now.denoiser)
    if run.network is None:
        axes["schedule"] = Axis(_("Schedule"), startable(), now.schedule)
    return axes
