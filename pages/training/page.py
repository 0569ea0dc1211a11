"""Lesson: a network learns to predict the noise, beside the best that any network can do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
import torch

from diffusion_core.claims import network as claims
from diffusion_core.errors import BadInput
from diffusion_core.laws.mixtures import GaussianMixture
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.schedule import NoiseSchedule
from diffusion_core.training.held_out import HeldOut, errors, even_times, floors, held_out, mean_floor
from diffusion_core.training.state import TrainingConfig
from pages.shared import controls, shell, trainer
from pages.shared import lesson_old as lesson
from pages.shared.i18n import _, explain, language
from pages.shared.lesson_old import timeline
from pages.shared.palette import COLORS
from pages.shared.scenes import data_names, density, drawn, law_of, pick_scene, scene, schedule_names, schedule_of
from pages.shared.timeline import (
    Constant,
    Curve,
    Curves,
    DensityFrames,
    Field,
    Formula,
    Frames,
    Line,
    Lines,
    Mixture,
    Numbers,
    Plane,
    Points,
    Scalar,
    mathml,
)
from pages.shared.trainer import Data, View, the_trainer

DATA = ["eight_gaussians", "two_moons", "swiss_roll", "checkerboard", "spiral", "word"]
WIDTHS = ("8", "16", "32", "64", "128", "256")
RATES = ("0.0001", "0.0005", "0.002", "0.01", "0.1", "100")
ARROWS = 17  # a side
EDGE = 3.0  # of the frame
LIGHT = 16  # components; a law with more of them is looked at more coarsely, so that a picture takes about a second
POLL = 2.5  # seconds between two looks at a run
FLOOR, NETWORK, DISTANCE = COLORS["eps"], COLORS["x_t"], COLORS["x0_hat"]


@st.cache_resource(show_spinner=False)
def shipped() -> View:
    """The run that is there before anyone trains."""
    return trainer.shipped()


# --- what is exact: once for a data set and a schedule --------------------------------------------------------------


def schedule_key(schedule: NoiseSchedule) -> tuple[str, int, float]:
    """Tells schedules apart: one from a file may have any name."""
    return schedule.name, schedule.T, float(schedule.alpha_bar.sum())


@dataclass(frozen=True, eq=False)
class Exact:
    """eps* and the density on a grid, draws for the times shown, and the floor: there, at even times, over all t."""

    side: int  # cells of the grid, a multiple of the arrows
    grid: torch.Tensor  # (cells, 2)
    eps_star: torch.Tensor  # (P, cells, 2)
    weight: torch.Tensor  # (P, cells) q_t(x) over the largest q_t |eps*|^2
    draws: HeldOut
    floor_shown: np.ndarray  # (P,)
    floor: np.ndarray  # (even times,)
    mean_floor: float
    digits: int  # that are known of it


@st.cache_resource(show_spinner=False, max_entries=16)
def exact(name: str, word: str, key: tuple[str, int, float], _data: Data, _schedule: NoiseSchedule) -> Exact:
    """All of it that no network changes."""
    times, law = trainer.sampling_times(_schedule.T), _data.law
    light = len(law.weights) <= LIGHT
    side = ARROWS * (3 if light else 1)
    axis = (torch.arange(side, dtype=torch.float64) + 0.5) * 6 / side - 3
    grid = torch.cartesian_prod(axis, axis).flip(1)  # rows upwards: y varies slowest
    eps_star = torch.stack([law.eps(grid, _schedule, t) for t in times])
    density = torch.stack([law.log_prob(grid, _schedule, t).exp() for t in times])
    blank = (density * eps_star.square().sum(-1)).amax(1, keepdim=True)  # what a network that says 0 does wrong
    draws = held_out(law, _schedule, times, 1_000 if light else 300, torch.Generator().manual_seed(3))
    n, parts = (4096, 128) if light else (256, 64)
    return Exact(
        side,
        grid,
        eps_star,
        density / blank,
        draws,
        floor_shown=floors(law, _schedule, times, n).numpy(),
        floor=floors(law, _schedule, even_times(_schedule.T), n // 4).numpy(),
        mean_floor=mean_floor(law, _schedule, n, parts),
        digits=4 if light else 3,
    )


def exact_of(view: View) -> Exact:
    """The exact side of a run."""
    return exact(view.data.name, view.data.word, schedule_key(view.schedule), view.data, view.schedule)


# --- what the network does ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Seen:
    """The network of a run at its last milestone, at the times shown."""

    field: np.ndarray  # (P, arrows, arrows, 2)
    mistake: np.ndarray  # (P, cells, cells) its part in the loss, 1 where a network that says 0 is worst
    x_s: np.ndarray  # (P, n, 2) samples after the step from t
    loss: np.ndarray  # (P,)
    error: np.ndarray  # (P,) one standard error of the loss
    distance: np.ndarray  # (P,)


@st.cache_resource(show_spinner=False, max_entries=24)
def seen(id: str, step: int, data: str, word: str, _view: View) -> Seen:
    """Ask the network everywhere on the grid, at the held-out draws, and for samples."""
    denoiser, known = _view.denoiser, exact_of(_view)
    assert denoiser is not None
    times, cells = known.draws.times, len(known.grid)
    with torch.no_grad():
        x = known.grid.float().repeat(len(times), 1)
        eps = denoiser(x, torch.tensor(times).repeat_interleave(cells)).double().reshape(len(times), cells, 2)
    mistake = known.weight * (eps - known.eps_star).square().sum(-1)
    square = eps.reshape(len(times), known.side, known.side, 2)
    step = known.side // ARROWS
    wrong = errors(denoiser, known.draws)
    return Seen(
        square[:, step // 2 :: step, step // 2 :: step].float().numpy(),
        mistake.reshape(len(times), known.side, known.side).float().numpy(),
        torch.stack(trainer.draw_samples(denoiser, _view.schedule)).numpy(),
        wrong.loss.mean(1).numpy(),
        (wrong.loss.std(1) / wrong.loss.shape[1] ** 0.5).numpy(),
        wrong.distance.mean(1).numpy(),
    )


def formula() -> Formula:
    """Pythagoras with the numbers at this t."""
    m = mathml
    eps, net = m.sym("ε"), m.sub(m.sym("ε"), m.sym("θ"))
    star = m.sup(m.sym("ε"), m.op("*"))

    def mean(first: str, second: str) -> str:
        norm = m.row(m.op("‖"), first, m.op("−"), second, m.sup(m.op("‖"), m.num("2")))
        return m.row(m.sym("E"), norm, m.op("/"), m.sym("d"))

    lines = (
        (mean(eps, net), m.op("="), m.row(m.sub(m.sym("ℓ"), m.sym("t")), m.op("+"), mean(net, star))),
        ("", m.op("="), m.row(m.live("floor"), m.op("+"), m.live("distance"), m.op("="), m.live("sum"))),
        (m.text(_("measured")), m.op("="), m.row(m.live("loss"), m.op("±"), m.live("error"))),
    )
    values = {name: name for name in ("floor", "distance", "sum", "loss", "error")}
    return Formula(
        m.math(m.rows(*lines)), values=values, title=_("The loss at this t, on new draws, ± one standard error")
    )


def show_fields(view: View) -> None:
    """The network against the exact answer over t: fields, map of the error, samples, loss."""
    known, made = exact_of(view), seen(view.id, view.milestones[-1].step, view.data.name, view.data.word, view)
    times = known.draws.times
    here = scene(view.data.name, view.data.word, 0)

    def law_at(rows: tuple[int, ...]) -> Mixture:
        at = list(rows)
        law = density(here, view.schedule.sqrt_alpha_bar.numpy()[at], view.schedule.one_minus_alpha_bar.numpy()[at])
        assert law is not None  # every data set of this page is a mixture
        return law

    law = law_at(times)
    lesson.show_timeline(
        key="training_t",
        positions=times,
        tracks={
            "x_s": Frames(made.x_s),
            "loss": Scalar(made.loss),
            "error": Scalar(made.error),
            "floor": Scalar(known.floor_shown),
            "distance": Scalar(made.distance),
            "sum": Scalar(known.floor_shown + made.distance),
        },
        panels=[
            Plane((Field(law, color=FLOOR), Field(made.field, color=NETWORK)), _("ε* (green) and ε_θ (orange)")),
            Plane((DensityFrames(made.mistake, top=0.25),), _("Where ε_θ errs: q_t(x) ‖ε_θ − ε*‖²")),
            drawn(here, "x_s", _("x_s, sampled with the network"), density=law_at((*times[1:], 0))),
            Lines(
                (
                    Line("sum", _("this network"), NETWORK),
                    Line("floor", _("floor ℓ_t"), FLOOR, dash=True),
                ),
                title=_("Loss by t"),
                log_y=True,
            ),
            formula(),
        ],
        t=times[3 * len(times) // 4],
    )


def show_history(view: View) -> None:
    """The run over its steps: samples, losses, what is left above the floor, loss by t."""
    known, kept = exact_of(view), view.milestones
    steps = [one.step for one in kept]
    by_t = np.array([one.distance for one in kept])  # (M, even times)
    floor, above = known.mean_floor, by_t.mean(1)
    outside = np.array([np.mean(np.abs(one.samples).max(1) > EDGE) for one in kept])
    level = np.full(len(steps), floor)
    losses = np.array([one.loss for one in kept])
    known_losses = (Line(losses, _("training (noisy)"), COLORS["beta"]),) if np.isfinite(losses).all() else ()
    here = scene(view.data.name, view.data.word, 0)
    common: dict[str, Any] = {
        "key": "training_step",
        "positions": steps,
        "tracks": {
            "data": Constant(here.x0[:400]),
            "samples": Frames(np.array([one.samples for one in kept])),
            "outside": Scalar(100 * outside),
        },
        "panels": [
            Plane(
                (Points("data", color=COLORS["beta_tilde"], opacity=0.35), Points("samples", color=NETWORK)),
                _("Samples (orange) on the data (grey)"),
            ),
            Lines(
                (
                    *known_losses,
                    Line(floor + above, _("on new draws"), NETWORK),
                    Line(level, _("floor"), FLOOR, dash=True),
                ),
                title=_("Loss, averaged over t"),
            ),
            Lines(
                (
                    Line(above, _("above the floor"), DISTANCE),
                    Line(0.02 * level, _("2% of the floor"), FLOOR, dash=True),
                ),
                title=_("What is still to be learned: E‖ε_θ − ε*‖² / d"),
                log_y=True,
            ),
            Curves(
                (
                    Curve(known.floor + by_t, _("on new draws"), NETWORK),
                    Curve(np.tile(known.floor, (len(steps), 1)), _("floor ℓ_t"), FLOOR, dash=True),
                ),
                title=_("Loss over t / T"),
                domain=(0.0, 1.0),
            ),
            Numbers([(_("samples outside the frame, %"), "outside", None)]),
        ],
    }
    label = _("Training step n")
    if view.alive:  # it stays at the newest step; the address waits until there is one to keep
        timeline(position=len(steps) - 1, labels=lesson.timeline_labels() | {"timestep": label}, **common)
    else:
        if "step" not in st.query_params:
            st.session_state.pop("url_step", None)  # the newest may be another one by now
        lesson.show_timeline(t=steps[-1], name="step", label=label, **common)


# --- the run --------------------------------------------------------------------------------------------------------


def parse_run(raw: str) -> str:
    """The id of a run that is remembered."""
    if the_trainer().view(raw) is None:
        raise BadInput("run in the URL is {got}; there is no such run here (any more).", got=repr(raw[:40]))
    return raw


def show_run(id: str) -> None:
    """Which run is shown, its address in the URL."""
    st.session_state["url_run"] = id
    controls.remember("run", id, "")
    for name in ("step", "t"):
        controls.remember(name, None, None)
        st.session_state.pop(f"url_{name}", None)


def reset(view: View) -> None:
    """Drop the run, and show the one that came with the page."""
    the_trainer().forget(view.id)
    st.session_state.pop("my_run", None)
    show_run("")


def attempt(action: Callable[[], object]) -> None:
    """Do it; what is wrong is said once."""
    try:
        action()
    except BadInput as error:
        st.session_state["training_error"] = error


def described(view: View) -> str:
    """What is shown, in one line."""
    name = view.data.word if view.data.name == "word" else data_names()[view.data.name]
    return _("{data} · {schedule}, T = {T} · predicts {target} · width {width} · {steps} steps").format(
        data=name,
        schedule=schedule_names().get(view.schedule.name, view.schedule.name),
        T=view.schedule.T,
        target=TARGETS[view.config.predicts],
        width=getattr(view.config.net, "width", "?"),
        steps=f"{view.config.steps:,}",
    )


TARGETS = {"eps": "ε", "x0": "x₀", "v": "v"}


def verdict(view: View) -> str:
    """How far it is from the floor, in one sentence."""
    known = exact_of(view)
    floor, above = known.mean_floor, float(view.milestones[-1].distance.mean())
    return _(
        "After {step} steps the loss on new draws is {loss}: **{percent}% above the floor {floor}**, "
        "which no network can beat."
    ).format(
        step=f"{view.milestones[-1].step:,}",
        loss=lesson.significant(floor + above, known.digits),
        percent=lesson.significant(100 * above / floor, 2),
        floor=lesson.significant(floor, known.digits),
    )


def show_state(view: View) -> None:
    """Waiting, running, paused, done, stopped or failed."""
    if view.state == "waiting":
        text = _("Waiting: place {place} in the queue.").format(place=view.place)
        st.info(text, icon=":material/hourglass_empty:")
    elif view.state == "failed":
        sentence = explain(view.error) if view.error else _("Training stopped with an error of the server.")
        st.error(sentence, icon=":material/error:")
    elif view.state in ("running", "paused"):
        text = _("Step {step} of {steps}").format(step=f"{view.step:,}", steps=f"{view.config.steps:,}")
        if view.state == "paused":
            text += " · " + _("paused")
        elif view.rows_per_second:
            text += " · " + _("{rate} points a second").format(rate=f"{view.rows_per_second:,.0f}")
        st.progress(view.step / view.config.steps, text)


def link_to_samples(view: View) -> None:
    """To Sample, with this network; where the run is gone by then, its data and its schedule are still there."""
    carried = {"denoiser": "yours", "run": view.id} if view.id else {"denoiser": "network"}
    carried |= {"data": view.data.name, "schedule": view.schedule.name, "T": str(view.schedule.T)}
    if view.data.name == "word":
        carried["word"] = view.data.word
    st.page_link(
        shell.page_path("sampling"),
        label=_("Sample with this network"),
        icon=":material/auto_awesome:",
        query_params={**carried, "lang": language()},
    )


def live(id: str) -> None:
    """The picture; while the run goes on, it is drawn anew every few seconds."""
    view = the_trainer().view(id) or shipped()
    if view.id == id != "" and not view.alive and st.session_state.get("training_alive") == id:
        st.session_state["training_alive"] = None
        st.rerun()
    show_state(view)
    drawn_view = view if view.milestones else shipped()
    st.markdown(f"{described(drawn_view)}  \n{verdict(drawn_view)}")
    link_to_samples(drawn_view)
    show_fields(drawn_view)
    st.markdown(prose["picture"])
    st.subheader(_("How it got there"), anchor=False)
    show_history(drawn_view)


def buttons(view: View, chosen: Callable[[], str]) -> None:
    """Start, pause, resume, stop, reset."""
    runs = the_trainer()
    with st.container(horizontal=True, gap="small"):

        def button(label: str, icon: str, action: Callable[[], object], primary: bool = False) -> None:
            st.button(
                label,
                icon=f":material/{icon}:",
                on_click=attempt,
                args=(action,),
                type="primary" if primary else "secondary",
            )

        if not view.alive:
            button(_("Train"), "play_arrow", lambda: show_run(chosen()), primary=True)
        if view.state == "running":
            button(_("Pause"), "pause", lambda: runs.pause(view.id))
        if view.state == "paused":
            button(_("Resume"), "resume", lambda: runs.resume(view.id))
        if view.alive or view.state == "paused":
            button(_("Stop"), "stop", lambda: runs.stop(view.id))
        if view.id:
            button(_("Reset"), "restart_alt", lambda: reset(view))


def files(view: View, data: Data) -> None:
    """Save and load a checkpoint."""
    with st.expander(_("Save and load"), icon=":material/save:"):
        with st.container(horizontal=True):
            if view.denoiser is not None:
                st.download_button(
                    _("The network (.safetensors)"),
                    lambda: trainer.write(view, "network"),
                    "network.safetensors",
                    icon=":material/download:",
                    on_click="ignore",
                )
            if view.snapshot is not None:
                st.download_button(
                    _("The run, to go on from (.safetensors)"),
                    lambda: trainer.write(view, "run"),
                    "run.safetensors",
                    icon=":material/download:",
                    on_click="ignore",
                )
        upload = st.file_uploader(
            _("A network or a run from this page. It is compared with the data chosen above."),
            type=["safetensors"],
            key="training_upload",
        )
        if upload is not None and st.session_state.get("training_uploaded") != upload.file_id:
            st.session_state["training_uploaded"] = upload.file_id
            attempt(lambda: show_run(the_trainer().load(data, upload.getvalue())))
            st.rerun()


def code(s: TrainingConfig, data: Data, schedule_name: str, T: int) -> str:
    """The lines that train such a network and lay it beside the floor."""
    law = f"word({data.word!r}).law" if data.name == "word" else f"TOYS[{data.name!r}]().law"
    width = getattr(s.net, "width", 128)
    return f"""import torch
from diffusion_core import SCHEDULES
from diffusion_core.data.pictures import word
from diffusion_core.data.toys import TOYS
from diffusion_core.training.held_out import errors, even_times, held_out, mean_floor
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.training.draws import points
from diffusion_core.training.loop import train
from diffusion_core.training.state import TrainingConfig

law = {law}
schedule = SCHEDULES[{schedule_name!r}]({T})
new = held_out(law, schedule, even_times({T}), 200, torch.Generator().manual_seed(1))   # draws it never trains on
floor = mean_floor(law, schedule, 1024)                                           # no network goes below

config = TrainingConfig(MLPConfig(2, width={width}), predicts={s.predicts!r}, steps={s.steps}, lr={s.lr}, seed={s.seed})
for state in train(config, points(law), schedule, every=max(1, config.steps // 10)):
    above = errors(state.denoiser, new).distance.mean()                           # E |eps_theta - eps*|^2 / d
    print(f"step {{state.step:6d}}: loss {{floor + above:.4f}}, {{above / floor:.1%}} above the floor {{floor:.4f}}")
"""


prose = lesson.open_lesson("training")
run_key = controls.bind("run", "", parse_run)
with lesson.picture_first() as picture:
    columns = list(st.columns([3, 3, 2, 3]))
    with columns[3]:
        seed = controls.seed()
    with columns[0]:
        chosen_scene = pick_scene(DATA, "eight_gaussians", seed)
    with columns[1]:
        offered = {key: label for key, label in schedule_names().items() if key != "zero_terminal_snr"}
        schedule_name = controls.choice("schedule", _("Schedule"), offered, "linear")
    with columns[2]:
        predicts = controls.choice("predicts", _("Predicts"), TARGETS, "eps", pills=True)
    with st.expander(_("Network and training"), icon=":material/tune:"):
        columns = list(st.columns(4))
        with columns[0]:
            T = controls.integer("T", "T", 1000, 2, 4000)
        with columns[1]:
            width = int(controls.choice("width", _("Width of the network"), {w: w for w in WIDTHS}, "128"))
        with columns[2]:
            steps = controls.integer("steps", _("Training steps"), 4000, 1, trainer.MOST_STEPS)
        with columns[3]:
            rate = float(controls.choice("lr", _("Learning rate"), {rate: rate for rate in RATES}, "0.002"))

    law = law_of(chosen_scene.name, chosen_scene.word)
    assert isinstance(law, GaussianMixture)  # every data set of this page is one
    data = Data(chosen_scene.name, chosen_scene.word, law)
    config = TrainingConfig(MLPConfig(2, width), predicts=predicts, steps=steps, lr=rate, seed=seed)
    view = the_trainer().view(st.session_state[run_key]) or shipped()
    if view.id:
        st.session_state["my_run"] = view.id  # the one that Sample takes as the visitor's
    buttons(view, lambda: the_trainer().start(data, config, schedule_of(schedule_name, T)))
    files(view, data)

with picture:
    error = st.session_state.pop("training_error", None)
    if error is not None:
        st.error(explain(error), icon=":material/error:")
    st.session_state["training_alive"] = view.id if view.alive else None
    st.fragment(live, run_every=POLL if view.alive else None)(view.id)

st.header(_("The formula"), anchor="formula")
st.markdown(prose["formula"])

shown = view if view.milestones else shipped()
assert shown.denoiser is not None
judged = claims.Trained(shown.data.law, shown.schedule, shown.denoiser)
scalars = (shown.id, shown.milestones[-1].step, shown.data.name, shown.data.word)
lesson.check(prose, [lesson.Checked(claim, judged, scalars) for claim in claims.CLAIMS])
lesson.show_code(code(config, data, schedule_name, T), "training")
lesson.article(prose)
