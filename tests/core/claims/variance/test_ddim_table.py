"""DDIM's Table 1 in kind: the spectra by brute force, the order by a recursion without the core."""

import math
from itertools import pairwise

import numpy as np
import pytest

from diffusion_core import linear
from diffusion_core.claims.variance import ddim_table as claims

LINEAR = linear(1000)


def test_the_spectra_are_those_of_a_32_by_32_grid() -> None:
    lam, counts = claims.power_law((2.0, 3.0), 0.4)
    assert counts.sum() == 1024
    for row, exponent in zip(lam, (2, 3), strict=True):
        assert (row @ counts / counts.sum()).item() == pytest.approx(0.4, rel=1e-12)
        # brute force, frequency by frequency
        grid = [max(1.0, math.hypot(a, b)) ** -exponent for a in range(-16, 16) for b in range(-16, 16)]
        scaled = np.sort(np.array(grid)) * 0.4 / np.mean(grid)
        assert np.allclose(np.sort(np.repeat(row.numpy(), counts.int().numpy())), scaled, rtol=1e-12)


def test_table_1_is_monotone_in_eta_and_beta_goes_from_last_to_first() -> None:
    rows = {
        steps: claims.table_1(claims.of_ddim, LINEAR, LINEAR.timesteps(steps, spacing="leading"), (2.0, 2.4, 3.0))
        for steps in claims.PAPER_TABLE_1
    }
    places = [[claims.order(row).index(4) for row in three] for three in rows.values()]
    assert places == [[3, 4, 4], [0, 3, 4], [0, 1, 3], [0, 0, 2], [0, 0, 0]]  # natural images: f^-2 to f^-2.4
    assert [claims.order(row).index(4) for row in claims.PAPER_TABLE_1.values()] == [4, 4, 4, 4, 0]
    for three in rows.values():
        for row in three:
            assert row[:4] == sorted(row[:4])
    assert rows[10][2][0] == pytest.approx(0.0103, rel=0.01)
    assert rows[1000][2][4] == pytest.approx(1.41e-6, rel=0.01)


def test_the_exponent_where_the_papers_order_begins() -> None:
    """By one scalar recursion an eigenvalue, without the core: at S = 10 it is the paper's at 2.3, not at 2.2."""
    steps = [*LINEAR.timesteps(10, spacing="leading"), 0]
    bar = [1.0, *np.cumprod(1 - LINEAR.beta[1:].numpy())]
    paper = claims.order(claims.PAPER_TABLE_1[10])
    for exponent, same in ((2.2, False), (2.3, True)):
        grid = np.array([max(1.0, math.hypot(a, b)) for a in range(-16, 16) for b in range(-16, 16)]) ** -exponent
        lam = 0.25 * grid / grid.mean()
        row = []
        for eta in (*claims.ETAS, "sigma-hat"):
            g = np.ones_like(lam)
            for t, s in pairwise(steps):
                beta = 1 - bar[t] / bar[s]
                tilde = beta * (1 - bar[s]) / (1 - bar[t])
                v_t, v_s = (1 - bar[k] + bar[k] * lam for k in (t, s))
                if isinstance(eta, str):
                    g = (bar[t] / bar[s]) * (v_s / v_t) ** 2 * g + (beta if s else 0)
                else:
                    turned = math.sqrt((1 - bar[s] - eta**2 * tilde) * (1 - bar[t]))
                    g = ((math.sqrt(bar[s] * bar[t]) * lam + turned) / v_t) ** 2 * g + eta**2 * tilde
            row.append(float(np.mean((np.sqrt(g) - np.sqrt(lam)) ** 2)))
        assert (claims.order(row) == paper) == same
    assert claims.turn(claims.orders(claims.of_ddim, LINEAR)[10], paper) == 2.3
    assert claims.turn([[0], [1], [0]], [1], (1.0, 2.0, 3.0)) == math.inf
    assert claims.turn([[0], [1], [1]], [1], (1.0, 2.0, 3.0)) == 2.0
