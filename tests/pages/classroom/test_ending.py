"""A server with an open stream, and below a path of its own: real sockets, and a real signal."""

import http.client
import json
import multiprocessing
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from multiprocessing.process import BaseProcess

import pytest
import uvicorn
from starlette.applications import Starlette

from pages.shared.classroom.ending import ended_by_signals
from pages.shared.classroom.hub import Hub
from pages.shared.classroom.routes import Door
from tests.pages.classroom.asgi import LESSONS, STATE, seat


def run(port: int, ends: bool) -> None:
    """A server of classes alone."""
    hub = Hub()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        with ended_by_signals(hub) if ends else nullcontext():
            yield

    app = Starlette(routes=Door(hub, LESSONS, "/course").routes(), lifespan=lifespan)
    uvicorn.run(app, port=port, log_level="error")


@contextmanager
def server(ends: bool) -> Iterator[tuple[BaseProcess, int]]:
    """It runs in a process of its own, which need not load anything again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = multiprocessing.get_context("fork").Process(target=run, args=(port, ends))
    process.start()
    try:
        for _try in range(200):
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.05)
        yield process, port
    finally:
        process.kill()
        process.join()


def begin(port: int) -> http.client.HTTPResponse:
    """A class, and its teacher's stream, of which the first event has come."""
    body = json.dumps({"seat": seat(1), "path": "/course/add_noise", "state": STATE})
    headers = {"Origin": f"http://127.0.0.1:{port}", "Content-Type": "application/json"}
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    asked.request("POST", "/course/class/start", body, headers)
    code = json.loads(asked.getresponse().read())["code"]
    listening = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    listening.request("GET", f"/course/class/stream?code={code}&seat={seat(1)}")
    stream = listening.getresponse()
    assert stream.getheader("Content-Type") == "text/event-stream; charset=utf-8"
    assert stream.readline() == b"retry: 1000\n"
    return stream


@pytest.mark.parametrize("ends", [True, False])
def test_a_server_that_is_told_to_stop_ends_its_streams(ends: bool) -> None:
    with server(ends) as (process, port):
        stream = begin(port)
        process.terminate()
        process.join(5 if ends else 0.5)
        assert process.is_alive() != ends, "by itself it would wait for ever"
        if ends:
            assert stream.read()[-2:] == b"\n\n", "to its end"
