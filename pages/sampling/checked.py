"""The checks of a run: each number of a step, the law of what comes out, copies."""

from collections.abc import Sequence

from diffusion_core import fixed_large, fixed_small, generated_variance
from diffusion_core.claims.reverse.copies import COPIES, CopyRun
from diffusion_core.claims.reverse.run import LAW
from diffusion_core.claims.reverse.step import STEP
from diffusion_core.claims.settings import Run as LineRun
from diffusion_core.laws.generated import gaussian_optimal
from diffusion_core.variance import VarianceChoice, learned_range
from pages.sampling.picking import variance_names
from pages.sampling.runs import Run
from pages.shared.checks import Checked
from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.typography import significant

__all__ = ["checks"]


def checks(run: Run) -> list[Checked]:
    """Three claims, over the schedule and with the variance that were chosen."""
    chosen, schedule = run.settings, run.schedule
    # for Gaussian data both optima are one; a network's v knows no Gaussian data
    checked = "optimal" if run.own_v else chosen.variance
    law = law_of(run, checked)
    return [
        Checked(STEP, LineRun(schedule, run.timesteps, fixed_small)),
        Checked(LAW, law, note(run, checked), key=(schedule, law.timesteps, checked, chosen.v)),
        Checked(COPIES, CopyRun(schedule, schedule.timesteps(min(schedule.T, 25)))),
    ]


def law_of(run: Run, checked: str) -> LineRun:
    """Few steps: there the choice of variance shows most."""
    few = run.schedule.timesteps(min(run.settings.steps, 10), spacing="trailing")
    simple: dict[str, VarianceChoice] = {
        "large": fixed_large,
        "small": fixed_small,
        "learned": learned_range(run.settings.v),
    }
    return LineRun(run.schedule, few, simple.get(checked, gaussian_optimal(LineRun.data_variance)))


@kept
def note(run: Run, checked: str) -> str:
    """What theory says of data of variance 1/4."""
    law = law_of(run, checked)
    return _(
        "{n} trailing steps with {variance}, data of variance 1/4: in theory the samples have {ratio} of its "
        "variance. In {N} steps, spaced as chosen above, they have {large} of it with β and {small} with β̃."
    ).format(
        n=len(law.timesteps),
        variance=variance_names()[checked],
        ratio=of_quarter(run, law.variance, law.timesteps),
        N=run.settings.steps,
        large=of_quarter(run, fixed_large, run.timesteps),
        small=of_quarter(run, fixed_small, run.timesteps),
    )


def of_quarter(run: Run, choice: VarianceChoice, timesteps: Sequence[int]) -> str:
    """Variance of the samples over that of data of variance 1/4, exact."""
    variance = generated_variance(run.schedule, timesteps, choice, LineRun.data_variance)
    return significant(variance / LineRun.data_variance)
