"""What is best depends on who asks: the bound and three distances between samples and data of two peaks (E31c)."""

from collections.abc import Mapping, Sequence
from functools import cache

from diffusion_core.claims.check import Claim, Trial
from diffusion_core.claims.settings import two_peaks
from diffusion_core.laws.bounds import vlb_gap
from diffusion_core.laws.densities import GeneratedDensity, generated_density
from diffusion_core.laws.variances import optimal_for
from diffusion_core.schedule import NoiseSchedule, linear
from diffusion_core.variance import (
    VarianceChoice,
    fixed_large,
    fixed_small,
    with_last,
)

__all__ = ["METRICS", "gap_and_density", "peaks_by_choice"]


@cache
def peaks_by_choice(schedule: NoiseSchedule, n: int) -> dict[str, tuple[float, GeneratedDensity]]:
    """The bound's gap and the exact density of samples for two peaks, at n steps, the last one with its noise.

    So the model is the same for both. Where beta-tilde is 0, the decoder has the best variance. The names are those of
    `METRICS`: "large", "small", "optimal".
    """
    law, timesteps = two_peaks(), schedule.timesteps(n)
    best = optimal_for(law, schedule, timesteps)
    choices = {"large": fixed_large, "small": with_last(fixed_small, best), "optimal": best}
    return {name: gap_and_density(schedule, timesteps, choice) for name, choice in choices.items()}


def gap_and_density(
    schedule: NoiseSchedule, timesteps: Sequence[int], choice: VarianceChoice
) -> tuple[float, GeneratedDensity]:
    """What the bound pays, in nats, and what comes out, for two peaks."""
    law = two_peaks()
    return (
        vlb_gap(law, schedule, timesteps, choice).total,
        generated_density(law, schedule, timesteps, choice, noisy_last=True),
    )


def check_metrics(winners: Mapping[str, str], setting: tuple[NoiseSchedule, int], seed: int) -> list[Trial]:
    """Who is first by each of four measures; the mass of each density is checked where it is made."""
    results = peaks_by_choice(*setting)
    scores = {
        "bound": {name: gap for name, (gap, _) in results.items()},
        "KL": {name: density.kl for name, (_, density) in results.items()},
        "TV": {name: density.tv for name, (_, density) in results.items()},
        "W1": {name: density.w1 for name, (_, density) in results.items()},
    }
    wrong = [measure for measure, by in scores.items() if min(by, key=by.__getitem__) != winners[measure]]
    below = [name for name, (gap, density) in results.items() if not density.kl <= gap]
    return [
        Trial("measures with another winner", len(wrong), tolerance=0, n=len(scores)),
        Trial("choices whose KL is above the gap of their bound", len(below), tolerance=0, n=len(results)),
    ]


METRICS = Claim(
    key="E31c",
    says="Two peaks, ten steps: the bound, KL and TV prefer the best variance, but W1 prefers β̃.",
    check=check_metrics,
    truth={"bound": "optimal", "KL": "optimal", "TV": "optimal", "W1": "small"},
    mistakes={
        "the better bound has the better samples, by any measure": dict.fromkeys(
            ["bound", "KL", "TV", "W1"], "optimal"
        ),
        "β̃ is best, for its samples are sharpest": dict.fromkeys(["bound", "KL", "TV", "W1"], "small"),
    },
    setting=(linear(1000), 10),
)
