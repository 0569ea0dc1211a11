"""How a lesson's timeline is played, as the URL says it: the stops."""

from collections.abc import Callable, Sequence

from diffusion_core.errors import BadInput
from pages.shared import controls
from pages.shared.timeline import nearest

__all__ = ["stops"]

MOST = 100  # stops


def stops(places: Sequence[float]) -> tuple[int, ...]:
    """Where a play halts and a presenter's remote goes to: ``stops=0,250,1000``, values of the slider, as positions."""
    said = controls.get("stops", (), _parse_stops(min(places), max(places)))
    return tuple(sorted({nearest(places, value) for value in said}))


def _parse_stops(low: float, high: float) -> Callable[[str], tuple[float, ...]]:
    def parse(raw: str) -> tuple[float, ...]:
        try:
            values = tuple(float(word) for word in raw.split(","))
        except ValueError:
            values = ()
        if not 0 < len(values) <= MOST or not all(min(0, low) <= value <= high for value in values):
            raise BadInput(
                "{name} in the URL is {got}; it must be numbers from {low} to {high}, with commas between them.",
                name="stops",
                got=repr(raw[:40]),
                low=low,
                high=high,
            )
        return values

    return parse
