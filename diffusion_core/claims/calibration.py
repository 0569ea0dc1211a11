"""Is a check as good as it says? Its p-values over many seeds, its false alarms, and its power against each mistake.

Under a true claim the p-value of an exact test is uniform on (0, 1): sup |F_n(p) - p| tells (Kolmogorov-Smirnov). Of a
one-sided test, whose claim is true on a whole side, it is so or larger: sup (F_n(p) - p) tells.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from diffusion_core.claims.check import Claim, Outcome, Trial

__all__ = ["Calibration", "calibrate", "one_sided", "p_values", "uniformity"]


def tests_of(outcome: Outcome) -> Iterator[tuple[str, Trial]]:
    """Its trials that have a p-value; those of one name are told apart by a number."""
    seen: Counter[str] = Counter()
    for trial in outcome.trials:
        if trial.p_value is not None:
            seen[trial.name] += 1
            yield trial.name if seen[trial.name] == 1 else f"{trial.name} ({seen[trial.name]})", trial


def p_values(outcomes: Iterable[Outcome]) -> dict[str, np.ndarray]:
    """The p-values of every test in a row of outcomes."""
    found: dict[str, list[float]] = {}
    for outcome in outcomes:
        for name, trial in tests_of(outcome):
            found.setdefault(name, []).append(trial.p_value or 0.0)
    return {name: np.array(values) for name, values in found.items()}


def one_sided(outcomes: Iterable[Outcome]) -> set[str]:
    """Which of these tests are."""
    return {name for outcome in outcomes for name, trial in tests_of(outcome) if trial.one_sided}


def uniformity(p: np.ndarray, or_larger: bool = False) -> float:
    """The p-value of "these are uniform on (0, 1)", or are so or larger."""
    return float(stats.kstest(p, "uniform", alternative="greater" if or_larger else "two-sided").pvalue)


@dataclass(frozen=True)
class Calibration:
    """One claim over many seeds.

    Attributes:
        claim: which.
        seeds: how many.
        false_alarms: seeds at which the truth was rejected.
        power: mistake -> the share of seeds at which it was rejected.
        uniform: test -> the p-value of its p-values being uniform (one-sided ones: or larger).
    """

    claim: Claim
    seeds: int
    false_alarms: int
    power: Mapping[str, float]
    uniform: Mapping[str, float]

    @property
    def alarm_p(self) -> float:
        """How likely so many false alarms are, if the rate is at most the one that is stated."""
        return float(stats.binom.sf(self.false_alarms - 1, self.seeds, self.claim.alpha))

    @property
    def good(self) -> bool:
        """Power of .99 against every mistake, and neither the alarms nor the p-values give reason to doubt (1e-3)."""
        enough = all(power >= 0.99 for power in self.power.values())
        least = min(self.uniform.values(), default=1.0) * max(1, len(self.uniform))  # Bonferroni
        return enough and self.alarm_p > 1e-3 and least > 1e-3


def calibrate(claim: Claim, seeds: Sequence[int]) -> Calibration:
    """The truth and every mistake of a claim at each seed."""
    truth = [claim.run(seed=seed) for seed in seeds]
    larger = one_sided(truth)
    return Calibration(
        claim,
        len(seeds),
        sum(not outcome.passed for outcome in truth),
        {m: float(np.mean([not claim.run(m, seed=seed).passed for seed in seeds])) for m in claim.mistakes},
        {name: uniformity(p, name in larger) for name, p in p_values(truth).items()},
    )
