"""The pictures of a run: the network against the exact answer over t, and the run over its steps."""

from dataclasses import dataclass

import numpy as np
import torch

from diffusion_core.training.held_out import errors
from pages.shared import timeline as tl
from pages.shared.denoiser_run import View, draw_samples
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed
from pages.shared.palette import COLORS
from pages.shared.scenes import density, drawn, scene
from pages.shared.timeline.formula import formula
from pages.training.exact import ARROWS, Exact, exact_of

__all__ = ["EDGE", "fields", "history"]

EDGE = 3.0  # of the frame
SHOWN = 400  # points of the data beside the samples
FLOOR, NETWORK, DISTANCE = COLORS["eps"], COLORS["x_t"], COLORS["x0_hat"]
FORMULA = r"""E\,\|\varepsilon-\varepsilon_\theta\|^2/d
    &=& \ell_t + E\,\|\varepsilon_\theta-\varepsilon^*\|^2/d \\
    &=& \live{floor} + \live{distance} = \live{sum} \\
    \text{MEASURED} &=& \live{loss} \pm \live{error}"""


@dataclass(frozen=True, eq=False)
class Seen:
    """The network of a run at its last milestone, at the times shown."""

    field: np.ndarray  # (P, arrows, arrows, 2)
    mistake: np.ndarray  # (P, cells, cells) its part in the loss, 1 where a network that says 0 is worst
    x_s: np.ndarray  # (P, n, 2) samples after the step from t
    loss: np.ndarray  # (P,)
    error: np.ndarray  # (P,) one standard error of the loss
    distance: np.ndarray  # (P,)


def seen(view: View, known: Exact) -> Seen:
    """Ask the network everywhere on the grid, at the held-out draws, and for samples."""
    denoiser, times, cells = view.denoiser, known.draws.times, len(known.grid)
    assert denoiser is not None
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
        torch.stack(draw_samples(denoiser, view.schedule)).numpy(),
        loss=wrong.loss.mean(1).numpy(),
        error=(wrong.loss.std(1) / wrong.loss.shape[1] ** 0.5).numpy(),
        distance=wrong.distance.mean(1).numpy(),
    )


@kept
def fields(view: View) -> tl.Picture:
    """The two fields, a map of the error, samples, the loss, and Pythagoras with the numbers at this t."""
    known = exact_of(view)
    made, times = seen(view, known), known.draws.times
    values = {name: name for name in ("floor", "distance", "sum", "loss", "error")}
    return packed(
        times,
        {
            "x_s": tl.Frames(made.x_s),
            "loss": tl.Scalar(made.loss),
            "error": tl.Scalar(made.error),
            "floor": tl.Scalar(known.floor_shown),
            "distance": tl.Scalar(made.distance),
            "sum": tl.Scalar(known.floor_shown + made.distance),
        },
        [
            *planes(view, made, times),
            tl.Lines(
                (
                    tl.Line("sum", _("this network"), NETWORK),
                    tl.Line("floor", _("floor ℓ_t"), FLOOR, dash=True),
                ),
                title=_("Loss by t"),
                log_y=True,
            ),
            formula(
                FORMULA.replace("MEASURED", _("measured")),
                values,
                _("The loss at this t, on new draws, ± one standard error"),
            ),
        ],
    )


def planes(view: View, made: Seen, times: tuple[int, ...]) -> list[tl.Panel]:
    """The network's arrows on the exact ones, where it errs, and what comes out."""
    here = scene(view.data.name, view.data.word, 0)
    arrows = (tl.Field(law_at(view, times), color=FLOOR), tl.Field(made.field, color=NETWORK))
    return [
        tl.Plane(arrows, _("ε* (green) and ε_θ (orange)")),
        tl.Plane((tl.DensityFrames(made.mistake, top=0.25),), _("Where ε_θ errs: q_t(x) ‖ε_θ − ε*‖²")),
        drawn(here, "x_s", _("x_s, sampled with the network"), density=law_at(view, (*times[1:], 0))),
    ]


def law_at(view: View, times: tuple[int, ...]) -> tl.Mixture:
    """The exact law of x_t at each of the times."""
    at, here = list(times), scene(view.data.name, view.data.word, 0)
    law = density(here, view.schedule.sqrt_alpha_bar.numpy()[at], view.schedule.one_minus_alpha_bar.numpy()[at])
    assert law is not None  # every data set of this page is a mixture
    return law


@kept
def history(view: View) -> tl.Picture:
    """The run over its steps: samples, losses, what is left above the floor, loss by t."""
    known, kept_of_it = exact_of(view), view.milestones
    by_t = np.array([one.distance for one in kept_of_it])  # (M, even times)
    outside = np.array([np.mean(np.abs(one.samples).max(1) > EDGE) for one in kept_of_it])
    return packed(
        [one.step for one in kept_of_it],
        {
            "data": tl.Constant(scene(view.data.name, view.data.word, 0).x0[:SHOWN]),
            "samples": tl.Frames(np.array([one.samples for one in kept_of_it])),
            "outside": tl.Scalar(100 * outside),
        },
        [
            tl.Plane(
                (
                    tl.Points("data", color=COLORS["beta_tilde"], opacity=0.35),
                    tl.Points("samples", color=NETWORK),
                ),
                _("Samples (orange) on the data (grey)"),
            ),
            *losses(np.array([one.loss for one in kept_of_it]), by_t, known),
            tl.Numbers([(_("samples outside the frame, %"), "outside", None)]),
        ],
        label=_("Training step n"),
    )


def losses(training: np.ndarray, by_t: np.ndarray, known: Exact) -> list[tl.Panel]:
    """Over the steps, averaged over t: the loss, and what is left of it above the floor; then over t at each step."""
    above, level = by_t.mean(1), np.full(len(by_t), known.mean_floor)
    measured = (tl.Line(training, _("training (noisy)"), COLORS["beta"]),) if np.isfinite(training).all() else ()
    return [
        tl.Lines(
            (
                *measured,
                tl.Line(level + above, _("on new draws"), NETWORK),
                tl.Line(level, _("floor"), FLOOR, dash=True),
            ),
            title=_("Loss, averaged over t"),
        ),
        tl.Lines(
            (
                tl.Line(above, _("above the floor"), DISTANCE),
                tl.Line(0.02 * level, _("2% of the floor"), FLOOR, dash=True),
            ),
            title=_("What is still to be learned: E‖ε_θ − ε*‖² / d"),
            log_y=True,
        ),
        tl.Curves(
            (
                tl.Curve(known.floor + by_t, _("on new draws"), NETWORK),
                tl.Curve(np.tile(known.floor, (len(by_t), 1)), _("floor ℓ_t"), FLOOR, dash=True),
            ),
            title=_("Loss over t / T"),
            domain=(0.0, 1.0),
        ),
    ]
