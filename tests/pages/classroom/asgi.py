"""A browser without a network: requests to the routes of a hub, in the test's own event loop."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette

from pages.shared.classroom.bounds import Bounds
from pages.shared.classroom.hub import Hub
from pages.shared.classroom.routes import Door

HOST = "class.example"
LESSONS = frozenset({"", "add_noise", "posterior"})
SHOWN = {"t": 300, "position": 300, "pick": 4, "handles": {"x_0": -1.5}, "playing": False, "speed": 1}
STATE = {"lesson": "add_noise", "query": "data=digits&T=500", "shown": {"add_noise": SHOWN}}


def seat(number: int) -> str:
    """The token of a browser."""
    return f"{number:032x}"


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class School:
    """A server with classes, and whoever comes to it from an address."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.clock = Clock()
        self.hub = Hub(bounds, self.clock)
        self.app = Starlette(routes=Door(self.hub, LESSONS).routes())

    async def ask(
        self,
        path: str,
        body: Any = None,
        *,
        method: str = "POST",
        address: str = "10.0.0.1",
        raw: bytes | None = None,
        **headers: str,
    ) -> tuple[int, Any]:
        """Status and answer. ``headers`` are those of a page of this server, where they are not said."""
        said = {"host": HOST, "origin": f"http://{HOST}", "content-type": "application/json"}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = json.dumps(body).encode() if raw is None else raw
        chunks = [content[i : i + 1000] for i in range(0, max(1, len(content)), 1000)]
        read, sent = iter(chunks), []

        async def receive() -> dict[str, Any]:
            chunk = next(read)
            return {"type": "http.request", "body": chunk, "more_body": chunk is not chunks[-1]}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(_scope(f"/class/{path}", method, address, said), receive, send)
        self.read = len(chunks) - len(list(read))
        return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))

    async def start(self, number: int = 0) -> dict[str, str]:
        """A class; returns its code, its secret."""
        status, answer = await self.ask("start", {"seat": seat(number), "path": "/add_noise", "state": STATE})
        assert status == 200, answer
        return dict(answer)

    @asynccontextmanager
    async def listen(self, code: str, number: int) -> AsyncIterator["Ear"]:
        """The stream of a seat, until the test lets it go."""
        ear = Ear()
        query = f"code={code}&seat={seat(number)}"
        task = asyncio.create_task(
            self.app(_scope("/class/stream", "GET", "10.0.0.1", {"host": HOST}, query=query), ear.receive, ear.send)
        )
        try:
            yield ear
        finally:
            ear.leave()
            await asyncio.wait_for(task, 2)


class Ear:
    """What came over a stream."""

    def __init__(self) -> None:
        self.status = 0
        self.over = False
        self.raw: list[bytes] = []
        self.takes = asyncio.Event()  # nothing is taken while it is not set
        self.takes.set()
        self._gone = asyncio.Event()

    def leave(self) -> None:
        self._gone.set()

    async def receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await self.takes.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        self.raw.append(message["body"])
        self.over = not message.get("more_body", False)

    @property
    def events(self) -> list[Any]:
        return [json.loads(event.removeprefix(b"data: ")) for event in self.raw if event.startswith(b"data: ")]


async def until_quiet() -> None:
    """Let everything run that waits for nothing."""
    for _turn in range(30):
        await asyncio.sleep(0)


def _scope(path: str, method: str, address: str, headers: dict[str, str], *, query: str = "") -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": (address, 1),
        "server": (HOST, 80),
    }
