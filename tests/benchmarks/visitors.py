"""Visitors without a browser: Streamlit's own protocol, spoken to a server on this machine.

A `Visitor` holds one session: it opens lessons by their name, changes the address, presses buttons, lets timelines go,
and tells what each run sent. Messages that the server may leave out because the browser still has them are left out
here, too.
"""

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

ROOT = Path(__file__).parents[2]
STARTED = 300  # seconds that a server may take to start
PATIENCE = 600  # seconds that a run may take, on a machine that others use, too


class Server:
    """A Streamlit server of one script, with the project's config, that only this machine can reach."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.port, self.log = port, log
        self.process = psutil.Process(process.pid)

    def seconds(self) -> float:
        """Processor time used so far."""
        used = self.process.cpu_times()
        return float(used.user + used.system)

    def megabytes(self) -> float:
        """Memory in use (RSS)."""
        return float(self.process.memory_info().rss) / 1e6

    def tracebacks(self) -> list[str]:
        """Those that the server wrote."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return [part.strip() for part in text.split("Traceback (most recent call last)")[1:]]


@contextmanager
def serve(script: Path, *options: str, first: str = "") -> Iterator[Server]:
    """Start it on a free port, wait until it answers, end it; ``first`` is Python that it runs before anything else."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    start = f"{first}\nfrom streamlit.web.cli import main\nmain()"
    command = [sys.executable, "-c", start, "run", str(script), "--server.address", "127.0.0.1"]
    command += ["--server.port", str(port), *options]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        with log.open("wb") as file:
            process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
        try:
            until = time.monotonic() + STARTED
            while not _healthy(port):
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"The server of {script.name} did not start:\n{log.read_text()}")
                time.sleep(0.2)
            yield Server(process, port, log)
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _healthy(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).close()
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class Ear:
    """What hears a timeline: its widget, and the fragment that runs when the slider is let go."""

    id: str
    fragment: str


@dataclass
class Sent:
    """What a run sent: how many parts (elements and blocks), its exceptions, its buttons with their labels.

    Of timelines, by their keys: their ears, and the places of their sliders.
    """

    parts: int = 0
    exceptions: list[str] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)  # label, id
    ears: dict[str, Ear] = field(default_factory=dict)
    places: dict[str, list[float]] = field(default_factory=dict)
    fragment: tuple[str, float] | None = None  # one to be run again, and after how many seconds
    whole: bool = True  # not a fragment alone
    seconds: float = 0.0


class Visitor:
    """One session. Use it in ``async with``."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pages: dict[str, str] = {}  # name in the address -> what the server calls it
        self.page = ""
        self.query = ""
        self.known: dict[str, tuple[int, bool]] = {}  # hash of a message kept -> age, whether it is a part

    async def __aenter__(self) -> "Visitor":
        address = f"ws://127.0.0.1:{self.port}/_stcore/stream"
        self.socket = await connect(address, subprotocols=["streamlit"], max_size=None, compression=None)  # type: ignore
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        await self.socket.close()

    async def open(self, page: str, **parameters: object) -> Sent:
        """Open a lesson at an address."""
        self.page, self.query = page, urlencode({name: str(value) for name, value in parameters.items()})
        return await self.run()

    async def run(self, press: str = "", fragment: str = "") -> Sent:
        """Run the lesson again, with a button pressed, or one fragment of it; returns when the server has finished."""
        message = self._asking(fragment)
        message.rerun_script.is_auto_rerun = bool(fragment)
        if press:
            message.rerun_script.widget_states.widgets.add(id=press, trigger_value=True)
        return await self._ask(message)

    async def release(self, ear: Ear, t: float) -> Sent:
        """Let a timeline go at some place."""
        message = self._asking(ear.fragment)
        message.rerun_script.widget_states.widgets.add(id=ear.id, json_value=json.dumps({"t": t}))
        return await self._ask(message)

    def _asking(self, fragment: str) -> BackMsg:
        """What every question says: where the visitor is, and what it still has."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.fragment_id = self.query, fragment
        state.page_script_hash = self.pages.get(self.page, "")
        state.page_name = "" if self.page in self.pages else self.page
        state.cached_message_hashes.extend(self.known)
        return message

    async def _ask(self, message: BackMsg) -> Sent:
        start = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        async with asyncio.timeout(PATIENCE):
            sent = await self._listen()
        sent.seconds = time.perf_counter() - start
        self.known = {key: (age + 1, part) for key, (age, part) in self.known.items() if age < 2}
        return sent

    async def _listen(self) -> Sent:
        sent = Sent()
        while True:
            message = ForwardMsg.FromString(await self.socket.recv())
            kind = message.WhichOneof("type")
            if kind == "delta":
                self._note(message, sent)
            elif kind == "ref_hash":
                part = self.known[message.ref_hash][1]
                self.known[message.ref_hash] = (0, part)
                sent.parts += part
            elif kind == "navigation":
                self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
                self.pages[""] = next(page.page_script_hash for page in message.navigation.app_pages if page.is_default)
            elif kind == "page_info_changed":
                self.query = message.page_info_changed.query_string
            elif kind == "auto_rerun":
                sent.fragment = (message.auto_rerun.fragment_id, message.auto_rerun.interval)
            elif kind == "page_not_found":
                sent.exceptions.append("page not found")
            elif kind == "script_finished":
                if message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                        sent.exceptions.append("does not compile")
                    sent.whole = message.script_finished != ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
                    return sent
                sent = Sent()  # it starts anew by itself

    def _note(self, message: ForwardMsg, sent: Sent) -> None:
        delta = message.delta
        part = delta.WhichOneof("type") in ("new_element", "add_block")
        sent.parts += part
        if message.metadata.cacheable and message.hash:
            self.known[message.hash] = (0, part)
        if delta.WhichOneof("type") == "new_element":
            element = delta.new_element
            if element.WhichOneof("type") == "exception":
                error = element.exception
                sent.exceptions.append("\n".join([f"{error.type}: {error.message}", *error.stack_trace]))
            elif element.WhichOneof("type") == "button":
                sent.buttons.append((element.button.label, element.button.id))
            elif element.WhichOneof("type") == "bidi_component":
                _note_component(delta, sent)


def _note_component(delta: Delta, sent: Sent) -> None:
    """A timeline's ear, or its picture: a head with its key, then a blob with its places."""
    component = delta.new_element.bidi_component
    if component.component_name.endswith("timeline_ear"):
        sent.ears[json.loads(component.json)["key"]] = Ear(component.id, delta.fragment_id)
    elif component.bytes:
        end = 4 + int.from_bytes(component.bytes[:4], "little")
        length = int.from_bytes(component.bytes[end : end + 8], "little")
        header = json.loads(component.bytes[end + 8 : end + 8 + length])
        key = json.loads(component.bytes[4:end])["key"]
        sent.places[key] = json.loads(header["__metadata__"]["spec"])["positions"]
