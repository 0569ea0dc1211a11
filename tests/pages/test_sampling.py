"""The sampling lesson: what it says of beta and beta-tilde is worked out for the steps chosen."""

import pytest

from tests.pages.opening import open_page


@pytest.mark.parametrize(
    ("lang", "spacing", "said"),
    [
        ("en", "trailing", "In 10 steps, spaced as chosen above, they have 0.976 of it with β and 0.445 with β̃."),
        ("zh", "iddpm", "若按上面所选的方式走 10 步，用 β 得 1.43 倍，用 β̃ 得 0.417 倍。"),
    ],
)
def test_the_note_of_the_check_says_what_ten_steps_give(lang: str, spacing: str, said: str) -> None:
    """The same numbers of an independent recursion; beta falls on either side of 1."""
    app = open_page("sampling", lang=lang, N="10", spacing=spacing, open="E31")
    assert [text for text in (m.value for m in app.markdown) if said in text]
