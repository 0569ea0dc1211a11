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
from pages.shared.typography import significant

__all__ = ["checks"]


def checks(run: Run) -> list[Checked]:
    """Three claims, over the schedule and with the variance that were chosen."""
    chosen, schedule = run.settings, run.schedule
    few = schedule.timesteps(min(chosen.steps, 10), spacing="trailing")  # where the choice of variance shows most
    # for Gaussian data both optima are one; a network's v knows no Gaussian data
    checked = "optimal" if run.own_v else chosen.variance
    simple: dict[str, VarianceChoice] = {
        "large": fixed_large,
        "small": fixed_small,
        "learned": learned_range(chosen.v),
    }
    law = LineRun(schedule, few, simple.get(checked, gaussian_optimal(LineRun.data_variance)))
    return [
        Checked(STEP, LineRun(schedule, run.timesteps, fixed_small)),
        Checked(LAW, law, note(run, law, few, checked), key=(schedule, few, checked, chosen.v)),
        Checked(COPIES, CopyRun(schedule, schedule.timesteps(min(schedule.T, 25)))),
    ]


def note(run: Run, law: LineRun, few: Sequence[int], checked: str) -> str:
    """What theory says of data of variance 1/4."""
    return _(
        "{n} trailing steps with {variance}, data of variance 1/4: in theory the samples have {ratio} of its "
        "variance. In {N} steps, spaced as chosen above, they have {large} of it with β and {small} with β̃."
    ).format(
        n=len(few),
        variance=variance_names()[checked],
        ratio=of_quarter(run, law.variance, few),
        N=run.settings.steps,
        large=of_quarter(run, fixed_large, run.timesteps),
        small=of_quarter(run, fixed_small, run.timesteps),
    )


def of_quarter(run: Run, choice: VarianceChoice, timesteps: Sequence[int]) -> str:
    """Variance of the samples over that of data of variance 1/4, exact."""
    variance = generated_variance(run.schedule, timesteps, choice, LineRun.data_variance)
    return significant(variance / LineRun.data_variance)
