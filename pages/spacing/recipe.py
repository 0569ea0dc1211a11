"""Which timesteps: where N steps start, and what that does to the spread of Gaussian data, exactly."""

from diffusion_core import SCHEDULES, NoiseSchedule, fixed_small, generated_law

SPACINGS = ("trailing", "iddpm", "leading")


def ratio(schedule: NoiseSchedule, N: int, spacing: str, lam: float) -> float:
    """Variance of what N steps make of N(0, 1) with the exact denoiser, over the variance lam of the data."""
    return float(generated_law(schedule, schedule.timesteps(N, spacing=spacing), fixed_small, lam).ratio)


def start(schedule: NoiseSchedule, N: int, spacing: str, lam: float) -> tuple[int, float]:
    """The first timestep t_N, and the variance of x_t there, 1 - alpha_bar + alpha_bar lam: the chain starts with 1."""
    t = schedule.timesteps(N, spacing=spacing)[0]
    return t, float(schedule.one_minus_alpha_bar[t] + schedule.alpha_bar[t] * lam)


def main(schedule: str = "scaled_linear", T: int = 1000, N: int = 10, lam: float = 100.0) -> None:
    """Where each spacing starts, what should be there, and what comes out."""
    tables = SCHEDULES[schedule](T)
    for spacing in SPACINGS:
        t, variance = start(tables, N, spacing, lam)
        share = ratio(tables, N, spacing, lam)
        print(
            f"{spacing:8} starts at t = {t:4} with variance 1, not {variance:.4f}: {share:.4f} of the data's variance"
        )
