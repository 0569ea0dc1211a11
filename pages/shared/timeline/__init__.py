"""The instant timeline: tracks and panels in, one living picture out.

Whatever varies with t is drawn in the browser: there, x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps is worked
out anew whenever the slider moves, with no way to the server and back. Python hears of t when the slider is let go.

`tracks` are what varies, `panels` and their `layers` draw it, and each packs itself into a `writer`; `blob` makes of
that what is sent, `pair` lays two beside each other, `component` shows it, `formula` makes living formulas.
"""

from pages.shared.timeline.blob import *  # noqa: F403  each of these modules says by __all__ what it offers
from pages.shared.timeline.component import *  # noqa: F403
from pages.shared.timeline.diagram import *  # noqa: F403
from pages.shared.timeline.layers import *  # noqa: F403
from pages.shared.timeline.pair import *  # noqa: F403
from pages.shared.timeline.panels import *  # noqa: F403
from pages.shared.timeline.tracks import *  # noqa: F403
