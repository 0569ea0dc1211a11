"""The anatomy of a lesson: the same parts in the same order everywhere, each part run by itself.

The question; three lines on what is to be seen, done and noticed; two or three controls, the others under *More*; the
picture; then sections that unfold, the fine print last. The page's script runs when a control of the picture changes. A
section is a fragment: what is changed in it runs it alone, and while it is folded nothing in it is computed. When the
timeline is let go, nothing runs but its ear.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from diffusion_core.claims import AnyClaim
from diffusion_core.errors import BadInput
from pages import LESSONS, START, neighbours
from pages.shared import beside, checks, controls, sections, shell, staging, symbols, take_away
from pages.shared.beside import Axis, Other
from pages.shared.checks import Checked
from pages.shared.i18n import _, explain, language, parts
from pages.shared.questions import section as asking
from pages.shared.questions.forms import Question
from pages.shared.sections import folded, is_open
from pages.shared.timeline import LABELS, Panel, Picture, Track, nearest, pack, pair, show

__all__ = ["PARTS", "Page", "begin", "open_page", "packed", "timeline"]

MOST_ELEMENTS = 10**7
PARTS = ("title", "question", "lead", "picture", "formula", "check", "article", "say")  # of every lesson


class Page:
    """A lesson that is being drawn. Make one by `open_page`."""

    def __init__(self, name: str, prose: Mapping[str, str]) -> None:
        self.name = name
        self.prose = prose
        self._place: DeltaGenerator | None = None
        self._last: DeltaGenerator | None = None
        self._more: DeltaGenerator | None = None
        self._notes: DeltaGenerator
        self._followers: dict[str, Sequence[str]] = {}  # fragments, and what of each is open where it follows
        self._held: list[str] = []
        self._places: dict[str, Sequence[float]] = {}  # of the sliders
        self._other: Other | None = None  # what stands beside the picture

    @contextmanager
    def controls(self, *widths: float) -> Iterator[list[DeltaGenerator]]:
        """The controls that matter most, in a row above the picture: yields its columns; the last is for `more`."""
        box, self._notes = st.container(key="controls"), st.container()
        *columns, self._last = box.columns([*widths, 1.2], vertical_alignment="bottom")
        self._place = st.container(key="picture")
        with box:
            yield columns

    @contextmanager
    def more(self) -> Iterator[None]:
        """The other controls, in a box that opens at a press."""
        if self._more is None:
            assert self._last is not None  # a page has `controls` first
            self._more = self._last.popover(_("More"), icon=":material/tune:", key="more")
        with self._more, controls.notes_at(self._notes):
            yield

    @contextmanager
    def above(self) -> Iterator[None]:
        """Above the picture: what must be said before it."""
        with self._place or st.container():
            yield

    def compares(self, **axes: Axis) -> None:
        """Offers, under *More*, the same picture with one of these controls at another value; `timeline` shows it."""
        with self.more():
            self._other = beside.pick(axes)

    def held(self, name: str, label: str, default: float, *, low: float, high: float, step: float = 0.01) -> float:
        """A number on a slider, that a hand can also take hold of in the picture.

        A fragment, so that the slider follows the hand; what is moved on the slider runs the page, as any control does.
        """
        self._held.append(name)

        @st.fragment(key=f"held_{name}")
        def draw() -> None:
            controls.number(name, label, default, low=low, high=high, step=step, then=st.rerun)

        draw()
        return self.at(name)

    @property
    def claims(self) -> tuple[AnyClaim, ...]:
        """The lesson's claims, as the list of lessons has them."""
        return next(lesson.claims for lesson in LESSONS if lesson.name == self.name)

    @property
    def t(self) -> int:
        """Where the timeline was last let go. A section that is drawn anew asks again."""
        return int(self.at("t"))

    def at(self, name: str) -> float:
        """The same for a slider over another quantity, or for what is held: the place that is shown."""
        said, places = float(st.session_state[controls.key_of(name)]), self._places.get(name)
        return float(places[nearest(places, said)]) if places else said

    def timeline(
        self,
        picture: Picture,
        *,
        key: str | None = None,
        name: str = "t",
        t: float = 0,
        handles: Mapping[str, float] | None = None,
        other: Callable[[str, str], Picture] | None = None,
    ) -> None:
        """The picture; its place, what is picked and where its handles lie are bound to the URL.

        A slider over another quantity has its own ``name`` in the URL, and a ``key`` where a page has more than one.
        ``handles`` are the draggable tracks, which have the names of their URL parameters, with their defaults.
        ``other`` makes the picture with that control at that value, where the page `compares`.
        """
        if self._other and other:
            picture = self._paired(picture, self._other, other)
        self._places[name] = picture.positions
        with self.above():
            timeline(
                picture,
                key=key or self.name,
                name=name,
                t=t,
                handles=handles,
                lead=True,
                follow=self._follow,
                follow_hand=partial(self._follow, self._held),
            )

    def _paired(self, picture: Picture, chosen: Other, make: Callable[[str, str], Picture]) -> Picture:
        """The picture with the other one beside it; alone, where there is no other."""
        try:
            return pair(picture, make(chosen.name, chosen.value), chosen.names)
        except BadInput as error:
            with self.above():
                st.warning(f"{chosen.names[1]}: {explain(error)}", icon=":material/error:")
            return picture

    def _follow(self, held: Sequence[str] = ()) -> None:
        """Draw anew what is open and follows the timeline, and the sliders of what a hand held."""
        keys = [name for name, folds in self._followers.items() if any(map(is_open, folds))]
        keys += [f"held_{name}" for name in held]
        if keys:
            st.rerun(keys)

    def section(
        self,
        name: str,
        title: str,
        body: Callable[[], object] | None = None,
        *,
        unfolded: bool = False,
        follows: bool = False,
        asks: Sequence[str] = (),
    ) -> None:
        """One question: its prose (the part of that name), then what ``body`` draws; computed only while it is open.

        One that ``follows`` is drawn anew when the timeline is let go. What it ``asks`` are the URL parameters of its
        own controls: a URL that answers one of them shows it open.
        """
        if follows:
            self._followers[name] = (name,)

        @st.fragment(key=name)
        def draw() -> None:
            with folded(name, title, unfolded, asks=asks) as shown:
                if shown:
                    if name in self.prose:
                        st.markdown(self.prose[name])
                    if body is not None:
                        body()

        draw()

    def predict(self, questions: Sequence[Question]) -> None:
        """Questions to be answered before one looks."""
        self.section("predict", _("Predict first"), partial(asking.draw, questions), asks=["ask", "try"])

    def check(self, chosen: Callable[[], Sequence[Checked]]) -> None:
        """The lesson's checks, a line each. ``chosen`` is asked when they are drawn, so that it may ask for t.

        One that is open follows the timeline.
        """

        @st.fragment(key="check")
        def draw() -> None:
            st.header(_("Check it"), anchor="check")
            st.markdown(self.prose["check"])
            asked = chosen()
            self._followers["check"] = [one.claim.key for one in asked]
            checks.draw(asked)

        draw()

    def reading(self) -> None:
        """The picture explained at length."""
        self.section("reading", _("The picture, read closely"), lambda: st.markdown(self.prose["picture"]))

    def code(self, recipe: ModuleType, today: Callable[[], Mapping[str, Any]]) -> None:
        """The recipe that the page runs, to be read and taken away; ``today`` is asked for today's settings."""
        self.section("code", _("Show code"), lambda: take_away.code(self.name, recipe, today()), follows=True)

    def article(self) -> None:
        """Where the article says otherwise, what is true, and why."""
        self.section("article", _("Fine print: what the article leaves out"))

    def say(self) -> None:
        """What the reader can now say, in three lines."""
        with st.container(key="say", border=True):
            head = _("You can now say")
            st.markdown(f"**{head}**")
            st.markdown(self.prose["say"])


def begin(name: str, prose: Mapping[str, str] | None = None) -> Page:
    """Title and question. ``prose``: where it is not all of the folder's."""
    page = Page(name, prose or parts(name))
    st.title(page.prose["title"], anchor=False)
    with st.container(key="question"):
        st.markdown(page.prose["question"])
    if "lead" in page.prose:
        with st.container(key="lead"):
            st.markdown(lead(page.prose["lead"]))
    sections.note()
    return page


def lead(prose: str) -> str:
    """Three lines: what is seen, what to do, what to notice."""
    heads = (_("You see"), _("Do"), _("Notice"))
    return "  \n".join(f"**{head}** {line}" for head, line in zip(heads, prose.splitlines(), strict=True))


@contextmanager
def open_page(name: str, prose: Mapping[str, str] | None = None) -> Iterator[Page]:
    """A lesson: it begins with its title, and ends with what the article leaves out and what the reader takes along."""
    page = begin(name, prose)
    symbols.card(page.prose)
    yield page
    page.article()
    page.say()
    onward(name)


def links(names: Sequence[str]) -> None:
    """Ways to other lessons, side by side."""
    with st.container(horizontal=True):
        for name in names:
            way_to(name, parts(name)["title"], "menu_book")


def way_to(name: str, label: str, icon: str, *, left: bool = True, **query: str) -> None:
    """A link to a page, in the reader's language; ``query`` is what else its URL says."""
    st.page_link(
        shell.page_path(name),
        label=label,
        icon=f":material/{icon}:",
        icon_position="left" if left else "right",
        query_params={"lang": language(), **query},
    )


def onward(name: str) -> None:
    """The ways to the lesson before and to the next one."""
    with st.container(horizontal=True, horizontal_alignment="distribute", key="onward"):
        for other, icon in zip(neighbours(name), ("back", "forward"), strict=True):
            if other is not None:
                label = _("Start") if other is START else parts(other.name)["title"]
                way_to(other.name, label, f"arrow_{icon}", left=icon == "back")


def timeline_labels(label: str | None = None) -> dict[str, str]:
    """The strings of the timeline, in the reader's language; ``label`` ends with the symbol of another quantity."""
    return {key: _(english) for key, english in LABELS.items()} | ({"timestep": label} if label else {})


def packed(
    positions: Sequence[float],
    tracks: Mapping[str, Track],
    panels: Sequence[Panel],
    *,
    label: str | None = None,
    autoplay: bool = False,
) -> Picture:
    """A timeline with the strings of the reader's language. Cache what returns it by `kept`."""
    return pack(positions, tracks, panels, timeline_labels(label), autoplay=autoplay)


def _places(name: str, places: Sequence[float]) -> Callable[[str], float]:
    """Reads a place of the slider in the URL."""
    low, high = min(0, *places) if name == "t" else min(places), max(places)
    if all(isinstance(place, int) for place in places):
        return controls.parse_integer(name, int(low), int(high))
    return controls.parse_number(name, low, high)


def timeline(
    picture: Picture,
    *,
    key: str,
    name: str = "t",
    t: float = 0,
    handles: Mapping[str, float] | None = None,
    lead: bool = False,
    follow: Callable[[], None] = lambda: None,
    follow_hand: Callable[[], None] | None = None,
) -> None:
    """A timeline right here, such as in a section, bound to the URL as `Page.timeline` is.

    The ``lead`` is the one that the page is about: the view and the stops of the URL are its own.
    ``follow`` draws anew what follows the slider; ``follow_hand`` what follows a handle, if that is something else.
    """
    handles = handles or {}
    pick_name = "pick" if name == "t" else f"pick_{name}"
    here = controls.get(name, t, _places(name, picture.positions))
    picked = controls.get(pick_name, None, controls.parse_integer(pick_name, 0, MOST_ELEMENTS))

    def told() -> None:
        controls.keep(name, st.session_state[key]["t"], t)
        controls.keep(pick_name, st.session_state[key]["pick"], None)
        follow()

    def dropped() -> None:
        for track, default in handles.items():
            controls.keep(track, float(st.session_state[key]["dragged"][track]), default)
        (follow_hand or follow)()

    lying = {track: float(st.session_state[controls.key_of(track)]) for track in handles}
    draw = partial(
        show,
        picture,
        key=key,
        t=here,
        handles=lying,
        view=staging.asked(picture) if lead else None,
        on_change=told,
        on_drag=dropped,
        on_view=lambda: staging.keep(st.session_state[key]["view"]),
    )
    try:
        draw(pick=picked)
    except BadInput as error:  # only a pick of the URL can be out of place
        if picked is None:
            raise
        st.warning(explain(error), icon=":material/link_off:")
        st.session_state[controls.key_of(pick_name)] = None
        draw()
