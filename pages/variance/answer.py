"""The question's answer in one sentence, worked out for what the reader chose."""

from pages.shared.i18n import _
from pages.shared.keeping import kept
from pages.shared.typography import significant
from pages.variance.recipe import Setting, ratios

__all__ = ["sentence"]


def spread(ratio: float) -> str:
    """A ratio of variances in words."""
    percent = 100 * abs(ratio - 1)
    if percent < 0.1:
        return "**" + _("exact to 0.1%") + "**"
    if ratio >= 2:
        return "**" + _("{ratio} times as spread as the data").format(ratio=significant(ratio)) + "**"
    words = _("{percent} too spread") if ratio > 1 else _("{percent} too narrow")
    return "**" + words.format(percent=f"{percent:.{0 if percent >= 10 else 1}f}%") + "**"


@kept
def sentence(s: Setting) -> str:
    """How far off each choice is, and why where even the best one is."""
    found = ratios(s)
    text = _(
        "At N = {steps} and data variance {variance}, β makes samples {large}, β̃ {small}; "
        "the optimal variance {optimal}."
    ).format(
        steps=s.steps,
        variance=f"{s.data_variance:g}",
        **{name: spread(found[name]) for name in ("large", "small", "optimal")},
    )
    text += " " + _("The learned mix with v = {v}: {learned}; DDIM, without noise: {ddim}.").format(
        v=f"{s.v:g}", learned=spread(found["learned"]), ddim=spread(found["ddim"])
    )
    if abs(found["optimal"] - 1) > 0.01 and not s.noisy_last:
        text += " " + _("What the optimum lacks is the noise of the last step, which is left out.")
    return text
