"""The picture of *Why this loss?*: where the nats are at each line, and the line with today's numbers."""

import math
from dataclasses import dataclass, replace

import numpy as np

from diffusion_core import entropy
from diffusion_core.laws.derivation import Derivation, StepNumbers
from diffusion_core.laws.paths import Likelihood
from pages.loss import recipe
from pages.loss.lines import LAST, lines
from pages.loss.recipe import Setting
from pages.shared import timeline as tl
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.lesson import packed
from pages.shared.palette import COLORS
from pages.shared.timeline.formula import formula

__all__ = ["picture"]

ENTROPY, KL, GAP, START, RATIO, TERM, JUMP, CONSTANT, SQUARE, FLOOR, DISTANCE = range(11)
QUIET = COLORS["beta_tilde"]
LOWER = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class Lot:
    """What is known of a setting: the exact likelihood, the terms of the bound, the entropy of the data."""

    known: Likelihood
    terms: Derivation
    H: float


def kinds() -> list[tuple[str, str]]:
    """What a piece is, in the order of the constants above, and its colour."""
    return [
        (_("H(x_0), entropy of the data"), QUIET),
        (_("KL of data and model"), COLORS["x0"]),
        (_("given away: KL of the paths"), COLORS["mu_tilde"]),
        (_("−E ln p(x_T)"), COLORS["beta"]),
        (_("E ln q / p_θ, a step each"), COLORS["x_t"]),
        (_("terms L"), COLORS["x0_hat"]),
        (_("E ln q(x_t | x_0), in differences"), QUIET),
        (_("constants"), QUIET),
        (_("squares"), COLORS["x0_hat"]),
        (_("nobody can remove"), COLORS["eps"]),
        (_("still to be learned"), COLORS["x_t"]),
    ]


@kept
def picture(s: Setting) -> tl.Picture:
    """Ten lines, for this denoiser; and the sums of the exact one."""
    here, best = lot(s), lot(replace(s, mistake=0.0))
    pieces = pieces_of(here)
    live = numbers(s, here, best)
    totals, least = (np.array([sum(one.value for one in row) for row in rows]) for rows in (pieces, pieces_of(best)))
    wanted = np.full(LAST, here.known.negative_log)
    panels: list[tl.Panel] = [
        formula([one.latex for one in lines()], {name: name for name in live}, _("The line, with today’s numbers")),
        tl.Waterfall(
            pieces,
            kinds(),
            _("Where the nats are (line 10 has none)"),
            marks=(
                tl.Line(wanted, _("wanted: −E ln p_θ(x_0)"), COLORS["x0"], dash=True),
                tl.Line("least", _("Σ of the exact denoiser"), COLORS["eps"], dash=True),
            ),
            weight=4.0,  # a row of its own
        ),
    ]
    tracks: dict[str, tl.Track] = {name: tl.Scalar(np.full(LAST, value)) for name, value in live.items()}
    tracks |= {"total": tl.Scalar(totals), "least": tl.Scalar(least)}
    return packed(range(1, LAST + 1), tracks, panels, label=_("Line n"))


@kept
def lot(s: Setting) -> Lot:
    """Both sides, once for a setting."""
    return Lot(*recipe.measured(s), entropy(s.law, s.tables, 0).value)


# --- pieces ---------------------------------------------------------------------------------------------------------


def pieces_of(one: Lot) -> list[list[tl.Piece]]:
    """Of what the number of each line is made."""
    first = [tl.Piece(one.H, "H", ENTROPY), tl.Piece(one.known.kl, "KL", KL)]
    jensen = [*first, *(tl.Piece(gap, f"t={t}", GAP) for t, gap in enumerate(one.known.gaps, 1))]
    terms, steps = one.terms, one.terms.steps
    prior, L_T = tl.Piece(terms.prior, lower("x", len(steps)), START), tl.Piece(terms.L_T, lower("L", len(steps)), TERM)
    return [
        first,
        first,
        jensen,
        [prior, *(tl.Piece(step.back + step.forth, f"t={step.pair.t}", RATIO) for step in steps)],
        [prior, *(piece for step in steps for piece in turned(step, terms))],
        [L_T, *(tl.Piece(step.term, name_of(step), TERM) for step in steps)],
        [L_T, *(piece for step in steps for piece in (constant(step), tl.Piece(step.square, name_of(step), SQUARE)))],
        [L_T, *(piece for step in steps for piece in (constant(step), *errors(step, step.weight)))],
        [piece for step in steps for piece in errors(step, step.weight)],
        [piece for step in steps for piece in errors(step, 1 / len(steps))],
    ]


def turned(step: StepNumbers, terms: Derivation) -> list[tl.Piece]:
    """A step by Bayes: its term, and the two neighbours that will telescope; at t = 1 there is but one of them."""
    earlier = next((other.jump for other in terms.steps if other.pair.t == step.pair.s), 0.0)
    return [tl.Piece(step.term, name_of(step), TERM), tl.Piece(step.jump - earlier, "", JUMP)]


def constant(step: StepNumbers) -> tl.Piece:
    """What no network can change."""
    return tl.Piece(step.constant, "", CONSTANT)


def errors(step: StepNumbers, weight: float) -> tuple[tl.Piece, tl.Piece]:
    """The squared error of eps, in two parts."""
    floor = tl.Piece(weight * step.floor, f"t={step.pair.t}", FLOOR)
    return floor, tl.Piece(weight * step.distance, "", DISTANCE)


def name_of(step: StepNumbers) -> str:
    """L_{t-1}."""
    return lower("L", step.pair.s)


def lower(letter: str, index: int) -> str:
    """A letter with its index."""
    return letter + str(index).translate(LOWER)


# --- numbers --------------------------------------------------------------------------------------------------------


def numbers(s: Setting, here: Lot, best: Lot) -> dict[str, float]:
    """All that the lines print, by name."""
    steps, known, terms = here.terms.steps, here.known, here.terms
    squares, constants = (math.fsum(getattr(step, part) for step in steps) for part in ("square", "constant"))
    floors, distances = (
        math.fsum(step.weight * getattr(step, name) for step in steps) for name in ("floor", "distance")
    )
    L_0 = steps[-1].term
    return {
        "nll": known.negative_log,
        "H": here.H,
        "kl": known.kl,
        "gap": known.gap,
        "bound": terms.bound,
        "prior": terms.prior,
        "ratios": math.fsum(step.back + step.forth for step in steps),
        "terms": terms.bound - terms.L_T,
        "jumps": steps[0].jump,
        "L_T": terms.L_T,
        "L_0": L_0,
        "L_middle": terms.bound - terms.L_T - L_0,
        "constants": constants,
        "squares": squares,
        "floors": floors,
        "distances": distances,
        "dropped": terms.L_T + constants,
        "w_1": steps[-1].weight,
        "w_T": steps[0].weight,
        "simple": terms.simple,
        "simple_least": best.terms.simple,
        "squares_least": math.fsum(step.square for step in best.terms.steps),
        **by_paths(s, known),
    }


def by_paths(s: Setting, known: Likelihood) -> dict[str, float]:
    """What 20,000 paths say: from one x_0, and from draws of the data."""
    x0 = s.law.centres[s.law.weights.argmax()]
    from_one, from_data = recipe.paths_from(s, x0.expand(recipe.PATHS)), recipe.paths_from(s, recipe.data(s))
    weight, drawn, root = from_one.log_weight.exp(), -from_data.log_weight, math.sqrt(recipe.PATHS)
    return {
        "x0": x0.item(),
        "pushed": known.log_prob(x0).exp().item(),
        "averaged": weight.mean().item(),
        "averaged_error": weight.std().item() / root,
        "drawn": drawn.mean().item(),
        "drawn_error": drawn.std().item() / root,
        "rounding": (from_data.terms.sum(0) - drawn).abs().max().item(),
    }
