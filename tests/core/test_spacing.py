"""Which timesteps: the three spacings by hand, and what holds for all of them."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffusion_core.errors import BadInput
from diffusion_core.schedule import linear

SPACINGS = ("iddpm", "trailing", "leading")


def test_spacings_by_hand() -> None:
    schedule = linear()
    assert schedule.timesteps(4) == (1000, 667, 334, 1)
    assert schedule.timesteps(5) == (1000, 750, 501, 251, 1)  # 499.5 is rounded as the papers' code counts, from 0
    assert schedule.timesteps(4, "trailing") == (1000, 750, 500, 250)
    assert schedule.timesteps(4, "leading") == (751, 501, 251, 1)
    assert schedule.timesteps(50, spacing="trailing") == tuple(range(1000, 0, -20))
    assert schedule.timesteps(1) == schedule.timesteps(1, "trailing") == (1000,)
    assert schedule.timesteps(50, "leading")[0] == 981  # not T: the leading mistake
    assert linear(1).timesteps(1) == (1,)


def test_spacings_where_n_does_not_divide_T() -> None:
    schedule = linear()
    assert schedule.timesteps(3, "trailing") == (1000, 667, 333)  # rounded: 666.7 is 667, no floor
    assert schedule.timesteps(7, "trailing") == (1000, 857, 714, 571, 429, 286, 143)
    assert schedule.timesteps(48, "trailing")[-3:] == (62, 42, 21)  # 62.5 to even
    assert schedule.timesteps(7, "leading") == (853, 711, 569, 427, 285, 143, 1)  # the floor of T / n, then times k
    assert schedule.timesteps(3, "leading") == (667, 334, 1)
    assert linear(10).timesteps(7, "leading") == (7, 6, 5, 4, 3, 2, 1)
    assert linear(10).timesteps(7, "trailing") == (10, 9, 7, 6, 4, 3, 1)


@given(T=st.integers(1, 400), data=st.data())
def test_timesteps_fall_and_stay_inside(T: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, T))
    spacing = data.draw(st.sampled_from(SPACINGS))
    timesteps = linear(T).timesteps(n, spacing)
    assert len(timesteps) == n
    assert all(t > s for t, s in itertools.pairwise(timesteps))
    assert timesteps[-1] >= 1 and timesteps[0] <= T
    assert all(type(t) is int for t in timesteps)
    if spacing != "leading":
        assert timesteps[0] == T


@pytest.mark.parametrize("n", [0, 11, -1, 2.0, None])
def test_bad_number_of_steps(n: Any) -> None:
    with pytest.raises(BadInput, match=r"^n must be an integer from 1 to T = 10; got "):
        linear(10).timesteps(n)


def test_bad_spacing() -> None:
    with pytest.raises(BadInput, match=r"^spacing must be one of iddpm, trailing, leading; got linspace\.$"):
        linear(10).timesteps(2, spacing="linspace")
