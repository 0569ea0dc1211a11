"""Is a check as good as it says? Its p-values over many seeds, its false alarms, and its power against each mistake.

Under a true claim the p-value of an exact test is uniform on (0, 1): sup |F_n(p) - p| tells (Kolmogorov-Smirnov). Of a
one-sided test, whose claim is true on a whole side, it is so or larger: sup (F_n(p) - p) tells.

All claims together raise a false alarm where the smallest p of a seed, multiplied by the number of its claim's tests
and of the claims' shares, is at most the level.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from diffusion_core.claims.check import PAGE_ALPHA, SHARES, AnyClaim, Outcome, Trial

__all__ = ["Calibration", "Family", "calibrate", "family", "one_sided", "p_values", "uniformity"]


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
        p: test -> its p-values, one a seed.
        one_sided: which of these tests are.
    """

    claim: AnyClaim
    seeds: int
    false_alarms: int
    power: Mapping[str, float]
    p: Mapping[str, np.ndarray]
    one_sided: frozenset[str] = frozenset()

    @property
    def uniform(self) -> dict[str, float]:
        """Test -> the p-value of its p-values being uniform (one-sided ones: or larger)."""
        return {name: uniformity(p, name in self.one_sided) for name, p in self.p.items()}

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


@dataclass(frozen=True)
class Family:
    """All claims over the same seeds.

    Attributes:
        smallest: (seeds,) the smallest p of each seed, adjusted for all tests: the seed is a false alarm where it is at
            most the level.
        pooled: the p-values of all tests that are not one-sided.
    """

    smallest: np.ndarray
    pooled: np.ndarray

    def alarms(self, level: float = PAGE_ALPHA) -> int:
        """Seeds at which any true claim would be red at this level."""
        return int((self.smallest <= level).sum())

    def interval(self, level: float = PAGE_ALPHA) -> tuple[float, float]:
        """95% interval of the rate of false alarms (Clopper, Pearson 1934)."""
        found = stats.binomtest(self.alarms(level), len(self.smallest)).proportion_ci(method="exact")
        return float(found.low), float(found.high)


def family(calibrations: Iterable[Calibration]) -> Family:
    """What claims calibrated at the same seeds do together; those without p-values cannot raise a false alarm."""
    tested = [one for one in calibrations if one.p]
    smallest = [SHARES * len(one.p) * np.min(list(one.p.values()), axis=0) for one in tested]
    pooled = [p for one in tested for name, p in one.p.items() if name not in one.one_sided]
    return Family(np.minimum(1.0, np.min(smallest, axis=0)), np.concatenate([np.empty(0), *pooled]))


def calibrate(claim: AnyClaim, seeds: Sequence[int], power: bool = True) -> Calibration:
    """The truth and, for the power, every mistake of a claim at each seed."""
    truth = [claim.run(seed=seed) for seed in seeds]
    mistakes = claim.mistakes if power else {}
    return Calibration(
        claim=claim,
        seeds=len(seeds),
        false_alarms=sum(not outcome.passed for outcome in truth),
        power={m: float(np.mean([not claim.run(m, seed=seed).passed for seed in seeds])) for m in mistakes},
        p=p_values(truth),
        one_sided=frozenset(one_sided(truth)),
    )
