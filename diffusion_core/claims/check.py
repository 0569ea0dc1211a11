"""How a claim is checked, so that the check can fail.

A `Claim` is one sentence with a procedure (`check`) that is run on the truth and on each known mistake. It is green
only if the truth passes and every mistake is rejected. The statistics are chosen so that each answers one question:

==============  =========================================================  ===============================
mean            z = (mean(r) - mu) / sqrt(v / n)                           r of known variance v, or v estimated
variance        sum((r - mu)^2) / v ~ chi^2_n                              only if r is exactly Gaussian
shape           sup |F_n - F| (Kolmogorov-Smirnov)                         fully specified F
second moment   z of (r - mu)^2 with its estimated error                   any r with four moments
correlation     (artanh(r) - artanh(rho)) sqrt(n - 3)                      Gaussian pairs (Fisher)
identity        max |a - b| / max(1, |b|) <= 1e-10                         no randomness
==============  =========================================================  ===============================

Kolmogorov-Smirnov hardly notices a variance that is 5% off (power .03 at n = 20,000, where chi^2 has .93), so it never
certifies one. The tests of all claims share one false-alarm rate: each claim has an equal part of it (Bonferroni),
which its own tests share by Holm's procedure. So a light does not depend on which others are switched on.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import numpy as np
from scipy import stats
from torch import Tensor

__all__ = [
    "CLAIM_ALPHA",
    "PAGE_ALPHA",
    "SHARES",
    "AnyClaim",
    "Claim",
    "Entry",
    "Light",
    "Outcome",
    "Trial",
    "chi_square",
    "estimated_mean_z",
    "fisher_z",
    "holm",
    "identity",
    "kolmogorov_smirnov",
    "second_moment_z",
    "z_of_mean",
]

PAGE_ALPHA = 1e-3  # all checks together: of a thousand seeds at most one turns any true claim red
SHARES = 40  # so many claims may have statistical tests; each has an equal share
CLAIM_ALPHA = PAGE_ALPHA / SHARES
TOLERANCE = 1e-10  # identities, float64


@dataclass(frozen=True)
class Trial:
    """One number of a check: a statistic with its p-value, or an error with its tolerance.

    ``one_sided``: whatever lies on one side is as claimed; there p is at least uniform, and may always be near 1.
    """

    name: str
    value: float
    p_value: float | None = None
    tolerance: float | None = None
    n: int = 0
    one_sided: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a check found: its trials, and which of them rejected."""

    trials: tuple[Trial, ...]
    rejected: tuple[bool, ...]

    @property
    def passed(self) -> bool:
        return not any(self.rejected)


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Holm's step-down procedure: which p-values are rejected at family-wise level alpha. NaN is rejected."""
    p = np.nan_to_num(np.asarray(p_values, dtype=float), nan=0.0)
    rejected = [False] * len(p)
    for rank, index in enumerate(np.argsort(p, kind="stable")):
        if p[index] > alpha / (len(p) - rank):
            break
        rejected[index] = True
    return rejected


def judge(trials: Sequence[Trial], alpha: float = CLAIM_ALPHA) -> Outcome:
    """Errors against their tolerances, p-values by Holm."""
    tested = [trial for trial in trials if trial.p_value is not None]
    verdicts = iter(holm([trial.p_value for trial in tested if trial.p_value is not None], alpha))
    rejected = []
    for trial in trials:
        if trial.p_value is not None:
            rejected.append(next(verdicts))
        else:
            rejected.append(not abs(trial.value) <= (trial.tolerance or 0.0))  # NaN is rejected
    return Outcome(tuple(trials), tuple(rejected))


def _flat(values: Tensor | np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=float).ravel()


def z_of_mean(values: Tensor | np.ndarray, mean: float = 0.0, variance: float = 1.0) -> Trial:
    """Is the mean right, the variance being known?"""
    r = _flat(values)
    z = float((r.mean() - mean) / math.sqrt(variance / r.size))
    return Trial("z of the mean", z, p_value=float(2 * stats.norm.sf(abs(z))), n=r.size)


def estimated_mean_z(values: Tensor | np.ndarray, mean: float = 0.0) -> Trial:
    """Is the mean right, the variance being estimated? No spread at all is no sample: p is NaN, which is rejected."""
    r = _flat(values)
    error = r.std(ddof=1) / math.sqrt(r.size)
    z = float((r.mean() - mean) / error) if error > 0 else math.nan
    return Trial("z of the mean", z, p_value=float(2 * stats.norm.sf(abs(z))), n=r.size)


def fisher_z(first: Tensor | np.ndarray, second: Tensor | np.ndarray, correlation: float) -> Trial:
    """Is the correlation right, the pairs being Gaussian? artanh(r) is then nearly N(artanh(rho), 1 / (n - 3))."""
    a, b = _flat(first), _flat(second)
    limit = 1 - 1e-15  # two equal rows have r = 1, whose artanh is infinite
    r = min(max(float(np.corrcoef(a, b)[0, 1]), -limit), limit)
    z = (math.atanh(r) - math.atanh(correlation)) * math.sqrt(a.size - 3)
    return Trial("z of the correlation (Fisher)", z, p_value=float(2 * stats.norm.sf(abs(z))), n=a.size)


def chi_square(values: Tensor | np.ndarray, mean: float = 0.0, variance: float = 1.0) -> Trial:
    """Is the variance right, the values being exactly Gaussian with known mean? The value is the ratio to expected."""
    r = _flat(values)
    total = float(((r - mean) ** 2).sum() / variance)
    p = 2 * min(stats.chi2.cdf(total, r.size), stats.chi2.sf(total, r.size))
    return Trial("variance / expected (chi-square)", total / r.size, p_value=float(p), n=r.size)


def second_moment_z(values: Tensor | np.ndarray, expected: float, mean: float = 0.0) -> Trial:
    """Is E[(r - mean)^2] as expected, whatever the shape of r?"""
    squares = (_flat(values) - mean) ** 2
    z = float((squares.mean() - expected) / (squares.std(ddof=1) / math.sqrt(squares.size)))
    return Trial("z of the second moment", z, p_value=float(2 * stats.norm.sf(abs(z))), n=squares.size)


def kolmogorov_smirnov(values: Tensor | np.ndarray, cdf: Callable[[np.ndarray], np.ndarray] = stats.norm.cdf) -> Trial:
    """Is the whole shape right, against a fully specified distribution?"""
    r = _flat(values)
    result = stats.kstest(r, cdf)
    return Trial("shape (Kolmogorov-Smirnov)", float(result.statistic), p_value=float(result.pvalue), n=r.size)


def identity(got: Tensor | np.ndarray, expected: Tensor | np.ndarray, tolerance: float = TOLERANCE) -> Trial:
    """Are the two equal, number by number, to rounding?"""
    a, b = _flat(got), _flat(expected)
    error = np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b)))
    return Trial("largest error", float(error), tolerance=tolerance, n=a.size)


@dataclass(frozen=True)
class Light:
    """What a claim's light stands for: the truth's outcome, and each mistake's."""

    truth: Outcome
    mistakes: Mapping[str, Outcome]

    @property
    def green(self) -> bool:
        return self.truth.passed and not any(outcome.passed for outcome in self.mistakes.values())


Variant = TypeVar("Variant")
Setting = TypeVar("Setting")


@dataclass(frozen=True)
class Claim(Generic[Variant, Setting]):
    """A sentence, its check, the truth, and the mistakes that the check must reject.

    ``check(variant, setting, seed)`` returns trials; ``truth`` and the ``mistakes`` are variants of one procedure, by
    name. ``setting`` is the one under which every mistake must be rejected.
    """

    key: str
    says: str
    check: Callable[[Variant, Setting, int], Sequence[Trial]]
    truth: Variant
    mistakes: Mapping[str, Variant]
    setting: Setting
    alpha: float = CLAIM_ALPHA

    def run(self, mistake: str | None = None, setting: Setting | None = None, seed: int = 0) -> Outcome:
        """Check the truth, or one of the mistakes."""
        variant = self.truth if mistake is None else self.mistakes[mistake]
        return judge(self.check(variant, self.setting if setting is None else setting, seed), self.alpha)

    def light(self, seed: int = 0, run: Callable[["AnyClaim", str | None, int], Outcome] | None = None) -> Light:
        """The truth and every mistake, all at one seed; ``run`` may know outcomes that need not be computed again."""
        known = run or (lambda claim, mistake, seed: claim.run(mistake, seed=seed))
        return Light(known(self, None, seed), {mistake: known(self, mistake, seed) for mistake in self.mistakes})


AnyClaim: TypeAlias = Claim[Any, Any]  # in a list of claims, where each has a variant and a setting of its own


@dataclass(frozen=True)
class Entry:
    """A row of the ledger: what the article says, whether that is right, what is right, and the claims that check it.

    ``verdict`` is "true", "loose" (right with an assumption left out, or half right), "wrong", or "definition" (nothing
    to check, and only then no claims).
    """

    key: str
    article: str
    verdict: Literal["true", "loose", "wrong", "definition"]
    correct: str
    claims: tuple[AnyClaim, ...] = ()
