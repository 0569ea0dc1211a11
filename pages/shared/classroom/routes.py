"""What a browser asks of the hub: POST in JSON, and one stream of events.

Every answer but the stream is JSON; what is refused says why in one code word, under ``error``.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import segno
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from pages.shared.classroom.bounds import Refused
from pages.shared.classroom.hub import Hub, Room
from pages.shared.classroom.state import fields, number, read_state, truth, word
from pages.shared.classroom.stream import EventStream

__all__ = ["Door"]

SEAT = re.compile(r"[0-9a-f]{32}")
CODE = re.compile(r".{0,20}")  # anything that somebody types; only the hub knows which there are
SECRET = re.compile(r"[\w-]{1,60}", re.ASCII)
PATH = re.compile(r"/[\w./-]{0,100}", re.ASCII)
STILL = {"Cache-Control": "no-store"}

Answer = Mapping[str, object]


@dataclass(frozen=True)
class Door:
    """The routes of a hub, for a server whose own pages begin at ``base``.

    Attributes:
        hub: the classes.
        lessons: the pages, by their names in the URL.
        base: "" or a path without a slash at its end.
    """

    hub: Hub
    lessons: frozenset[str]
    base: str = ""

    def routes(self) -> list[BaseRoute]:
        """All of them; what is none of them is not found, lest the server answer with its start page."""
        posts = (self.start, self.join, self.steer, self.end, self.follow, self.lost)
        return [
            *(Route(f"{self.base}/class/{post.__name__}", self._post(post), methods=["POST"]) for post in posts),
            Route(f"{self.base}/class/stream", self.stream, methods=["GET"]),
            Route(f"{self.base}/class/{{rest:path}}", _Nothing()),
        ]

    # --- the teacher ---

    def start(self, raw: object, request: Request) -> Answer:
        """A class: its code, its link with a QR code, and the secret, which only this answer has."""
        said = fields(raw, "seat path state")
        state = read_state(said["state"], self.lessons)
        seat, path = word(said["seat"], SEAT), word(said["path"], PATH)
        room = self.hub.begin(_address(request), seat, state)
        link = f"{request.headers['origin']}{path}?class={room.code}"
        picture = segno.make(link, error="m", micro=False).svg_data_uri(border=2, light="white")
        return {"code": room.code, "secret": room.secret, "link": link, "qr": picture}

    def steer(self, raw: object, request: Request) -> Answer:
        """Where the teacher is now."""
        said = fields(raw, "code secret state")
        room = self._led(said, request)
        if room.ended is not None:
            raise Refused(410, "ended")
        room.steer(read_state(said["state"], self.lessons))
        return {}

    def end(self, raw: object, request: Request) -> Answer:
        """The class is over."""
        self._led(fields(raw, "code secret"), request).end()
        return {}

    def _led(self, said: Mapping[str, Any], request: Request) -> Room:
        """The class, for its teacher."""
        code, secret = word(said["code"], CODE), word(said["secret"], SECRET)
        room = self.hub.room(code, _address(request), secret)
        if not room.is_teacher(secret):
            raise Refused(403, "secret")
        return room

    # --- a student ---

    def join(self, raw: object, request: Request) -> Answer:
        """Take a seat."""
        said = fields(raw, "code seat")
        code, seat = word(said["code"], CODE), word(said["seat"], SEAT)
        room = self.hub.room(code, _address(request), seat)
        if room.ended is not None:
            raise Refused(410, "ended")
        room.join(seat)
        return {}

    def follow(self, raw: object, request: Request) -> Answer:
        """Follow, or go alone."""
        said = fields(raw, "code seat follows")
        follows = truth(said["follows"])
        self._seated(said, request).follow(said["seat"], follows)
        return {}

    def lost(self, raw: object, request: Request) -> Answer:
        """Lost here."""
        said = fields(raw, "code seat lesson t")
        t = number(said["t"])
        if not isinstance(said["lesson"], str) or said["lesson"] not in self.lessons:
            raise Refused(400, "field")
        self._seated(said, request).lose(said["seat"], (said["lesson"], t))
        return {}

    def _seated(self, said: Mapping[str, Any], request: Request) -> Room:
        """The class, for who has a seat in it."""
        code, seat = word(said["code"], CODE), word(said["seat"], SEAT)
        room = self.hub.room(code, _address(request), seat)
        if seat not in room.seats:
            raise Refused(404, "unknown")
        return room

    async def stream(self, request: Request) -> Response:
        """All that one may know of the class, whenever it changes."""
        try:
            if self.hub.closed:
                raise Refused(503, "closed")
            said = {name: request.query_params.get(name) for name in ("code", "seat")}
            room = self._seated(said, request)
        except Refused as refused:
            return _refusal(refused)
        return EventStream(room.listen(said["seat"] or ""), self.hub.bounds)

    def _post(self, handle: Callable[[object, Request], Answer]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                return JSONResponse(dict(handle(await self._body(request), request)), headers=STILL)
            except Refused as refused:
                return _refusal(refused)

        return answer

    async def _body(self, request: Request) -> object:
        """What a page of this server sends, and no other page."""
        origin = urlsplit(request.headers.get("origin", ""))
        if origin.scheme not in ("http", "https") or origin.netloc != request.headers.get("host"):
            raise Refused(403, "origin")
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Refused(415, "type")
        body = b""
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > self.hub.bounds.body:
                    raise Refused(413, "large")
            return json.loads(body)
        except (ValueError, RecursionError, ClientDisconnect):
            raise Refused(400, "json") from None


class _Nothing:
    """There is nothing here, whatever the method."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _refusal(Refused(404, "nothing"))(scope, receive, send)


def _refusal(refused: Refused) -> Response:
    return JSONResponse({"error": refused.word}, refused.status, headers=STILL)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
