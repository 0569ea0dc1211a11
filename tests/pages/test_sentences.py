"""What the lessons say in words and numbers is true for the controls that they offer."""

import pytest

from pages.shared.lesson import typeset
from tests.pages.test_pages import open_page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x̂_0 falls as 1/√SNR_t", r"$\hat{x}_{0}$ falls as 1/√$\mathrm{SNR}_{t}$"),
        ("p(c | x)^w or p(c | x)^(w + 1)", "p(c | x)$^{w}$ or p(c | x)$^{w + 1}$"),
        ("β̃_{t−1}与ᾱ_T", r"$\tilde{β}_{t−1}$与$\bar{α}_{T}$"),
        ("Each $x_t$ of zero_terminal_snr", "Each $x_t$ of zero_terminal_snr"),
        ("fixed_small, xₜ", "fixed_small, xₜ"),
    ],
)
def test_symbols_of_a_claim_become_mathematics(text: str, shown: str) -> None:
    assert typeset(text) == shown


def test_a_mistake_that_cannot_be_told_is_not_called_true() -> None:
    """At t = T the neighbour's step moves the mean by 0.002 deviations: 20,000 draws do not see it."""
    app = open_page("closed_form", lang="en", t="1000", try_E11b="5")
    assert any(w.value.startswith("Not rejected: at this setting") for w in app.warning)
    assert len([s for s in app.success if s.value.startswith("Holds")]) == 3


def test_x_T_is_exactly_noise_at_zero_terminal_snr_and_only_there() -> None:
    table = next(m.value for m in open_page("add_noise", lang="en", data="two_moons").markdown if "KL" in m.value)
    last = {line.split("|")[1].strip(): line.split("|")[-2].strip() for line in table.splitlines() if "|" in line}
    assert last["zero terminal SNR"] == "0"
    assert [name for name, kl in last.items() if kl == "0"] == ["zero terminal SNR"]
