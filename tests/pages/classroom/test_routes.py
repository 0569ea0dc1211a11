"""The routes, as somebody would use them who means no good."""

import asyncio
from typing import Any
from urllib.parse import unquote

import pytest

from pages.shared.classroom.bounds import Bounds
from tests.pages.classroom.asgi import HOST, SHOWN, STATE, School, seat, until_quiet
from tests.pages.classroom.test_hub import in_a_loop

ELSEWHERE = {**STATE, "lesson": "posterior", "query": ""}
POSTS = ("start", "join", "steer", "end", "follow", "lost")


@in_a_loop
async def test_what_the_teacher_shows_is_told_whole_and_only_to_the_class() -> None:
    school = School(Bounds(counted=0.0))
    mine, other = await school.start(1), await school.start(2)
    for code, number in ((mine["code"], 7), (other["code"], 8)):
        await school.ask("join", {"code": code, "seat": seat(number)})
    async with school.listen(mine["code"], 7) as student, school.listen(other["code"], 8) as stranger:
        await until_quiet()
        assert student.raw[0] == b"retry: 1000\n\n" and student.events == [{**STATE, "ended": False}]
        steered = {"code": mine["code"], "secret": mine["secret"], "state": ELSEWHERE}
        assert await school.ask("steer", steered) == (200, {})
        await until_quiet()
        assert student.events[1:] == [{**ELSEWHERE, "ended": False}]
        assert len(stranger.events) == 1
        assert mine["secret"] not in b"".join(student.raw).decode()


@in_a_loop
async def test_a_class_has_a_code_a_link_and_a_picture_of_it() -> None:
    answer = await School().start()
    assert set(answer) == {"code", "secret", "link", "qr"} and len(answer["secret"]) >= 40
    assert answer["link"] == f"http://{HOST}/add_noise?class={answer['code']}"
    assert answer["qr"].startswith("data:image/svg+xml") and "script" not in unquote(answer["qr"])
    assert answer["secret"] not in answer["link"] + answer["qr"]


@in_a_loop
async def test_a_forged_teacher_steers_nothing() -> None:
    school = School()
    mine, other = await school.start(1), await school.start(2)
    await school.ask("join", {"code": mine["code"], "seat": seat(7)})
    before = school.hub.rooms[mine["code"]].state
    for secret in (other["secret"], mine["secret"][:-1], mine["secret"].swapcase(), seat(7), seat(1)):
        forged = {"code": mine["code"], "secret": secret}
        assert await school.ask("steer", {**forged, "state": ELSEWHERE}) == (403, {"error": "secret"})
        assert await school.ask("end", forged) == (403, {"error": "secret"})
    for odd in ("", "é", None, ["x"]):
        assert (await school.ask("end", {"code": mine["code"], "secret": odd}))[0] == 400
    room = school.hub.rooms[mine["code"]]
    assert room.state is before and room.ended is None
    assert await school.ask("end", {"code": mine["code"], "secret": mine["secret"]}) == (200, {})


@in_a_loop
async def test_ten_thousand_codes_cannot_be_tried() -> None:
    school = School()
    code = (await school.start())["code"]
    await school.ask("join", {"code": code, "seat": seat(7)})
    paths = ("join", "steer", "end", "follow", "lost")
    more: dict[str, dict[str, Any]] = {
        "join": {"seat": seat(9)},
        "steer": {"secret": "x", "state": STATE},
        "end": {"secret": "x"},
        "follow": {"seat": seat(9), "follows": True},
        "lost": {"seat": seat(9), "lesson": "", "t": 0},
    }
    answers = []
    for number in range(10_000):
        path = paths[number % len(paths)]
        answers.append((await school.ask(path, {"code": f"B{number:05}", **more[path]}, address="6.6.6.6"))[0])
    assert answers.count(404) == school.hub.bounds.failures and set(answers) == {404, 429}
    for path in paths:  # what is right is refused, too: else it could be told from what is wrong
        told = await school.ask(path, {"code": code, **more[path]}, address="6.6.6.6")
        assert told == (429, {"error": "attempts"}), path
    async with school.listen(code, 9) as stranger:
        await until_quiet()
        assert stranger.status == 404, "no seat, no stream"
    assert (await school.ask("join", {"code": code, "seat": seat(7)}, address="6.6.6.6"))[0] == 200, "has a seat"
    assert (await school.ask("join", {"code": code, "seat": seat(8)}, address="10.0.0.2"))[0] == 200, "lives elsewhere"
    school.clock.now += 61
    assert (await school.ask("join", {"code": code, "seat": seat(9)}, address="6.6.6.6"))[0] == 200, "waited"


@in_a_loop
async def test_a_class_of_a_hundred_joins_from_one_address_at_once() -> None:
    school = School()
    code = (await school.start())["code"]
    answers = [await school.ask("join", {"code": code, "seat": seat(number)}) for number in range(100, 200)]
    assert {status for status, _answer in answers} == {200}


@in_a_loop
async def test_bodies_are_small_json_from_a_page_of_this_server() -> None:
    school = School()
    for path in POSTS:
        for origin in ("http://evil.example", f"http://{HOST}.evil.example", f"ftp://{HOST}", "null", ""):
            assert await school.ask(path, {}, origin=origin) == (403, {"error": "origin"}), (path, origin)
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            assert await school.ask(path, {}, content_type=kind) == (415, {"error": "type"}), (path, kind)
        assert await school.ask(path, raw=b"x" * 1_000_000) == (413, {"error": "large"})
        assert school.read <= 3, "what is too large is not read to its end"
        for raw in (b"", b"{", b"\xff", b"[" * 2000):
            assert await school.ask(path, raw=raw) == (400, {"error": "json"}), (path, raw)
        bodies: list[Any] = [{}, [], None, "x", {"code": "ABC234", "seat": seat(1), "more": 1}]
        for body in bodies:
            assert await school.ask(path, body) == (400, {"error": "field"}), (path, body)


@in_a_loop
async def test_a_script_in_any_field_is_refused_or_a_text() -> None:
    school = School()
    mine, evil = await school.start(), "<img src=x onerror=alert(1)>"
    assert (await school.ask("join", {"code": evil, "seat": seat(1)}))[0] == 400
    assert (await school.ask("join", {"code": "<script>", "seat": seat(1)})) == (404, {"error": "unknown"})
    assert (await school.ask("join", {"code": mine["code"], "seat": evil}))[0] == 400
    await school.ask("join", {"code": mine["code"], "seat": seat(1)})
    lost = {"code": mine["code"], "seat": seat(1)}
    assert (await school.ask("lost", {**lost, "lesson": evil, "t": 1}))[0] == 400
    assert (await school.ask("lost", {**lost, "lesson": "", "t": evil}))[0] == 400
    assert (await school.ask("follow", {**lost, "follows": evil}))[0] == 400
    assert (await school.ask("start", {"seat": seat(2), "path": f"/{evil}", "state": STATE}))[0] == 400
    for state in (
        {**STATE, "lesson": evil},
        {**STATE, "shown": {evil: SHOWN}},
        {**STATE, "shown": {"way": {**SHOWN, "t": evil}}},
    ):
        told = await school.ask("steer", {"code": mine["code"], "secret": mine["secret"], "state": state})
        assert told == (400, {"error": "field"})
    assert b"onerror" not in school.hub.rooms[mine["code"]]._event(school.hub.rooms[mine["code"]]._place())


@in_a_loop
async def test_rates_are_bounded() -> None:
    school = School(Bounds(rooms=100))
    mine = await school.start()
    steered = {"code": mine["code"], "secret": mine["secret"], "state": STATE}
    answers = [await school.ask("steer", steered) for _ in range(25)]
    assert [status for status, _told in answers] == [200] * 20 + [429] * 5 and answers[-1][1] == {"error": "rate"}
    await school.ask("join", {"code": mine["code"], "seat": seat(7)})
    said = {"code": mine["code"], "seat": seat(7), "follows": False}
    assert [(await school.ask("follow", said))[0] for _ in range(12)] == [200] * 10 + [429] * 2
    begun = {"seat": seat(3), "path": "/", "state": STATE}
    assert [(await school.ask("start", begun))[0] for _ in range(11)] == [200] * 9 + [429] * 2
    school.clock.now += 61
    assert (await school.ask("steer", steered))[0] == (await school.ask("start", begun))[0] == 200


@in_a_loop
async def test_a_thousand_streams_of_one_student_are_three() -> None:
    school = School()
    code = (await school.start())["code"]
    for number in (7, 8):
        await school.ask("join", {"code": code, "seat": seat(number)})
    async with school.listen(code, 8) as other:
        ears = [school.listen(code, 7) for _ in range(1000)]
        heard = [await ear.__aenter__() for ear in ears]
        await until_quiet()
        assert [ear.over for ear in heard] == [True] * 997 + [False] * 3, "the newest stay: a phone that comes back"
        assert not other.over and len(school.hub.rooms[code].seats[seat(7)].streams) == 3
        for ear in ears:
            await ear.__aexit__(None, None, None)
        assert school.hub.rooms[code].seats[seat(7)].streams == []


@in_a_loop
async def test_a_listener_that_takes_nothing_is_let_go_and_the_others_hear() -> None:
    school = School(Bounds(stalled=0.05, counted=0.0))
    mine = await school.start()
    for number in (7, 8):
        await school.ask("join", {"code": mine["code"], "seat": seat(number)})
    async with school.listen(mine["code"], 7) as slow, school.listen(mine["code"], 8) as other:
        await until_quiet()
        slow.takes.clear()
        for t in range(10):
            state = {**STATE, "shown": {"way": {**SHOWN, "t": t}}}
            await school.ask("steer", {"code": mine["code"], "secret": mine["secret"], "state": state})
            await until_quiet()
        assert [event["shown"]["way"]["t"] for event in other.events[1:]] == list(range(10))
        assert len(school.hub.rooms[mine["code"]].seats[seat(7)].streams) == 1
        await asyncio.sleep(0.1)
        assert school.hub.rooms[mine["code"]].seats[seat(7)].streams == []
        assert not other.over
        slow.takes.set()


@in_a_loop
async def test_a_listener_that_was_slow_hears_the_newest_alone() -> None:
    school = School(Bounds(stalled=5.0))
    mine = await school.start()
    await school.ask("join", {"code": mine["code"], "seat": seat(7)})
    async with school.listen(mine["code"], 7) as slow:
        await until_quiet()
        slow.takes.clear()
        for t in range(8):
            state = {**STATE, "shown": {"way": {**SHOWN, "t": t}}}
            await school.ask("steer", {"code": mine["code"], "secret": mine["secret"], "state": state})
            await until_quiet()
        slow.takes.set()
        await until_quiet()
        assert [event["shown"]["way"]["t"] for event in slow.events[1:]] == [0, 7]


@in_a_loop
async def test_a_stream_shows_that_it_lives_and_ends_after_its_time() -> None:
    school = School(Bounds(heartbeat=0.01, lifetime=0.05))
    code = (await school.start())["code"]
    async with school.listen(code, 0) as ear:
        await asyncio.sleep(0.2)
        assert ear.over and ear.raw.count(b": \n\n") >= 2
    assert school.hub.rooms[code].seats[seat(0)].streams == []


@in_a_loop
async def test_when_the_server_stops_streams_end_and_none_begins() -> None:
    school = School()
    code = (await school.start())["code"]
    async with school.listen(code, 0) as ear:
        await until_quiet()
        assert not ear.over
        school.hub.close()
        await until_quiet()
        assert ear.over
    async with school.listen(code, 0) as late:
        await until_quiet()
        assert late.status == 503


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
@pytest.mark.parametrize("path", ["", "other", "start/more", "../start"])
def test_anything_else_is_not_found(method: str, path: str) -> None:
    assert asyncio.run(School().ask(path, {}, method=method)) == (404, {"error": "nothing"})


def test_a_wrong_method_is_not_found() -> None:
    for path, method in (("start", "GET"), ("steer", "PUT"), ("stream", "POST")):
        assert asyncio.run(School().ask(path, {}, method=method))[0] == 404
