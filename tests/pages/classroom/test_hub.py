"""Rooms: who is here, who is lost, what is bounded, and what is left in the end, which is nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps

import pytest

from pages.shared.classroom import bounds_of
from pages.shared.classroom.bounds import Bounds, Rate, Refused
from pages.shared.classroom.hub import ALPHABET, draw_code
from tests.pages.classroom.asgi import Clock, School, seat, until_quiet

AT_ONCE = Bounds(counted=0.0)


def in_a_loop(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    @wraps(test)
    def run() -> None:
        asyncio.run(test())  # type: ignore[arg-type]

    return run


def test_codes_have_nothing_that_looks_alike() -> None:
    codes = {draw_code() for _ in range(2000)}
    assert len(codes) == 2000 and all(len(code) == 6 for code in codes)
    assert set("".join(codes)) == set(ALPHABET) and not set("O0I1L") & set(ALPHABET) and len(ALPHABET) == 31


def test_a_rate_is_so_many_in_so_long() -> None:
    clock = Clock()
    rate = Rate(2, 10.0, clock)
    rate.take("a")
    clock.now += 6
    rate.take("a")
    rate.take("b")
    with pytest.raises(Refused):
        rate.take("a")
    clock.now += 5
    rate.take("a")
    assert rate.full("a") and not rate.full("b")
    for number in range(20_000):
        rate.note(str(number))
    assert len(rate._times) <= 10_000


@in_a_loop
async def test_a_teacher_sees_how_many_are_here_and_how_many_follow() -> None:
    school = School(AT_ONCE)
    code = (await school.start())["code"]
    async with school.listen(code, 0) as teacher:
        for number in (1, 2):
            assert (await school.ask("join", {"code": code, "seat": seat(number)}))[0] == 200
        async with school.listen(code, 1), school.listen(code, 1), school.listen(code, 2) as student:
            await until_quiet()
            assert (teacher.events[-1]["here"], teacher.events[-1]["following"]) == (2, 2)
            await school.ask("follow", {"code": code, "seat": seat(2), "follows": False})
            await asyncio.sleep(0.01)
            assert (teacher.events[-1]["here"], teacher.events[-1]["following"]) == (2, 1)
            assert "here" not in student.events[-1] and student.events[-1]["lesson"] == "add_noise"
        await asyncio.sleep(0.01)
        assert teacher.events[-1]["here"] == 0
        assert set(school.hub.rooms[code].seats) == {seat(0), seat(1), seat(2)}, "who comes back finds the same seat"


@in_a_loop
async def test_fewer_than_five_that_are_lost_are_no_number() -> None:
    school = School(AT_ONCE)
    code = (await school.start())["code"]
    async with school.listen(code, 0) as teacher:

        async def tap(number: int, t: float) -> object:
            await school.ask("join", {"code": code, "seat": seat(number)})
            await school.ask("lost", {"code": code, "seat": seat(number), "lesson": "add_noise", "t": t})
            await asyncio.sleep(0.005)
            return teacher.events[-1]["lost"]

        for number in (1, 2, 3, 4, 4):
            told = await tap(number, 300)
        assert told == [{"lesson": "add_noise", "t": 300, "count": None}]
        assert await tap(5, 300) == [{"lesson": "add_noise", "t": 300, "count": 5}]
        assert await tap(5, 400) == [
            {"lesson": "add_noise", "t": 300, "count": None},
            {"lesson": "add_noise", "t": 400, "count": None},
        ], "a seat is lost at one place, the last one"
        school.clock.now += AT_ONCE.lost + 1
        assert await tap(1, 0) == [{"lesson": "add_noise", "t": 0, "count": None}], "a while ago does not count"


@in_a_loop
async def test_rooms_and_seats_are_bounded_and_what_is_empty_gives_way() -> None:
    school = School(Bounds(rooms=2, seats=3, begun=100))
    first = (await school.start(1))["code"]
    await school.start(2)
    answer = await school.ask(
        "start", {"seat": seat(3), "path": "/", "state": {"lesson": "", "query": "", "shown": {}}}
    )
    assert answer == (503, {"error": "rooms"})
    for number, status in ((10, 200), (11, 200), (12, 503), (10, 200)):
        assert (await school.ask("join", {"code": first, "seat": seat(number)}))[0] == status
    async with school.listen(first, 10):
        await until_quiet()
        school.clock.now += AT_ONCE.away + 1
        assert (await school.ask("join", {"code": first, "seat": seat(12)}))[0] == 200, "11 was away for long"
        assert set(school.hub.rooms[first].seats) == {seat(1), seat(10), seat(12)}
        await school.start(3)
        assert first in school.hub.rooms and len(school.hub.rooms) == 2, "the class where nobody is gives way"


@in_a_loop
async def test_nothing_is_left_ten_minutes_after_the_end_or_a_long_silence() -> None:
    school = School(Bounds(counted=0.0))
    one, other = await school.start(1), await school.start(2)
    await school.ask("join", {"code": one["code"], "seat": seat(5)})
    async with school.listen(one["code"], 5) as student:
        await until_quiet()
        assert await school.ask("end", {"code": one["code"], "secret": one["secret"]}) == (200, {})
        await until_quiet()
        assert student.over and student.events[-1]["ended"] is True
    assert await school.ask("join", {"code": one["code"], "seat": seat(5)}) == (410, {"error": "ended"})
    school.clock.now += AT_ONCE.kept - 1
    school.hub.sweep()
    assert set(school.hub.rooms) == {one["code"], other["code"]}
    school.clock.now += 1
    school.hub.sweep()
    assert set(school.hub.rooms) == {other["code"]}
    assert await school.ask("join", {"code": one["code"], "seat": seat(5)}) == (404, {"error": "unknown"})
    school.clock.now += AT_ONCE.silence
    async with school.listen(other["code"], 2):
        await until_quiet()
        school.hub.sweep()
        assert school.hub.rooms[other["code"]].ended is None, "its teacher is there, though silent"
    school.hub.sweep()
    assert school.hub.rooms[other["code"]].ended is not None
    school.clock.now += AT_ONCE.kept
    await school.ask("join", {"code": "WRONG2", "seat": seat(5)}, address="6.6.6.6")
    school.hub.sweep()
    assert school.hub.rooms == {} and school.hub._sweeping is not None
    assert set(school.hub._failures._times) == {"6.6.6.6"} and not school.hub._begun._times
    school.clock.now += 61
    school.hub.sweep()
    assert school.hub._sweeping is None and not school.hub._failures._times, "no address is kept either"


def test_the_silence_is_an_option() -> None:
    assert bounds_of(None) == Bounds() and bounds_of("5").silence == 300
    for wrong in ("", "0", "-5", "1.5", "1441", "soon"):
        with pytest.raises(SystemExit, match="CLASS_SILENCE must be a whole number"):
            bounds_of(wrong)
