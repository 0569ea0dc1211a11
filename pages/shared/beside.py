"""A|B: the same lesson with one control at another value, beside it.

``beside=schedule:cosine`` in the URL: all else, the noise included, is the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pages.shared import controls
from pages.shared.i18n import _

__all__ = ["Axis", "Other", "pick"]


@dataclass(frozen=True)
class Axis:
    """What can be compared: a control, its values with their names, and the one that the page has now."""

    label: str
    values: Mapping[str, str]
    now: str

    def named(self, value: str) -> str:
        """A value with the control's label."""
        return _("{label}: {value}").format(label=self.label, value=self.values.get(value, value))


@dataclass(frozen=True)
class Other:
    """What stands beside the page's own picture.

    Attributes:
        name: of the control.
        value: its other value.
        names: of the two pictures.
    """

    name: str
    value: str
    names: tuple[str, str]


def pick(axes: Mapping[str, Axis]) -> Other | None:
    """The control; None where nothing is compared. ``axes``: by the name of each control in the URL."""
    offered = {f"{name}:{value}": axis.named(value) for name, axis in axes.items() for value in axis.values}
    chosen = controls.choice("beside", _("Beside it (A|B)"), {"": _("nothing"), **offered}, "")
    if not chosen:
        return None
    name, value = chosen.split(":", 1)
    return Other(name, value, (f"A · {axes[name].named(axes[name].now)}", f"B · {offered[chosen]}"))
