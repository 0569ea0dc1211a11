"""What is heavy is set aside, and garbage is collected in the background."""

import asyncio
import gc
import platform
import subprocess
import sys
import threading
import time
import tomllib
import weakref
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.shared import memory, shell
from tests.pages.opening import ROOT


class Loop:
    """Garbage that only the collector can find, once it is dropped."""

    def __init__(self) -> None:
        self.me = self


def dropped() -> "weakref.ref[Loop]":
    """A cycle that nobody refers to any more."""
    return weakref.ref(Loop())


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No lesson was used yet; the collector only works where it is told to."""
    monkeypatch.setattr(memory, "_lessons", set())
    memory._new.clear()
    memory._ran.clear()
    gc.disable()
    yield
    gc.enable()


def test_streamlit_does_not_collect_after_every_run() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["runner"]["postScriptGC"] is False


def test_what_lives_is_set_aside_and_garbage_is_not() -> None:
    kept, garbage = Loop(), dropped()
    memory.set_aside()
    assert garbage() is None
    assert not any(one is kept for one in gc.get_objects())  # the collector does not see it


def test_what_was_set_aside_is_collected_when_more_is() -> None:
    kept = Loop()
    memory.set_aside()
    seen = weakref.ref(kept)
    del kept
    gc.collect()
    assert seen() is not None
    memory.set_aside()
    assert seen() is None


def test_nothing_is_done_where_nothing_ran() -> None:
    garbage = dropped()
    memory.tidy()
    assert garbage() is not None


def test_after_the_first_use_of_each_lesson_it_is_set_aside() -> None:
    for lesson in ("sampling", "guidance"):
        kept, garbage = Loop(), dropped()
        memory.used(lesson)
        memory.tidy()
        assert garbage() is None
        assert not any(one is kept for one in gc.get_objects())


def test_after_later_uses_garbage_is_collected_and_nothing_more_is_set_aside() -> None:
    memory.used("sampling")
    memory.tidy()
    kept, garbage = Loop(), dropped()
    memory.used("sampling")
    memory.tidy()
    assert garbage() is None
    assert any(one is kept for one in gc.get_objects())
    garbage = dropped()
    memory.tidy()  # once is enough
    assert garbage() is not None


COUNT_ARENAS = """
import ctypes, re, sys, threading
from pathlib import Path
from pages.shared import memory

memory.keep_compact()
together = threading.Barrier(8)
threads = [threading.Thread(target=lambda: (together.wait(), [bytearray(5000) for _ in range(200)], together.wait()))
           for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
library = memory.glibc()
library.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(library.fopen(sys.argv[1].encode(), b"w"))
library.malloc_info(0, file)
library.fclose(file)
print(len(re.findall("<heap nr", Path(sys.argv[1]).read_text())))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other systems have another allocator")
def test_threads_share_two_arenas(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COUNT_ARENAS, str(tmp_path / "arenas.xml")]
    assert int(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout) <= memory.ARENAS


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other systems have another allocator")
def test_what_is_free_goes_back_to_the_system() -> None:
    process = psutil.Process()
    many = [bytearray(4000) for _ in range(25_000)]
    last = many.pop()  # the heap cannot shrink below it
    del many
    gc.collect()
    held = process.memory_info().rss
    memory.used("sampling")
    memory.tidy()
    assert held - process.memory_info().rss > 50e6
    assert len(last) == 4000


def test_a_warm_start_keeps_memory_compact_and_sets_aside_what_it_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    for name in ("keep_compact", "set_aside"):
        monkeypatch.setattr(memory, name, lambda name=name: done.append(name))
    shell.warm_up.__wrapped__()
    assert done == ["keep_compact", "set_aside"]


def test_a_run_that_was_broken_off_is_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    def visit() -> None:
        assert not AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().exception

    with monkeypatch.context() as broken:
        broken.setattr(st, "title", lambda *_args, **_rest: st.stop())
        visit()
    assert memory._lessons == set()
    visit()
    assert memory._lessons == {""}  # the start page


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Thread]:
    """The thread of a server that was started twice."""
    monkeypatch.setattr(memory, "PAUSE", 0.01)
    memory.start.cache_clear()
    alive = set(threading.enumerate())

    async def serve() -> None:
        for _start in range(2):
            async with shell.lifespan(st.App("app.py")):
                pass

    def end() -> None:
        raise SystemExit

    asyncio.run(serve())
    (thread,) = [one for one in threading.enumerate() if one not in alive]
    yield thread
    monkeypatch.setattr(memory, "tidy", end)
    thread.join(5)
    memory.start.cache_clear()


def gone(garbage: "weakref.ref[Loop]") -> bool:
    """Whether it is collected in time."""
    deadline = time.monotonic() + 20
    while garbage() is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    return garbage() is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # how the thread is ended here
def test_the_server_tidies_up_with_one_thread(server: threading.Thread) -> None:
    assert server.daemon
    garbage = dropped()
    memory.used("sampling")
    assert gone(garbage)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.usefixtures("server")
def test_what_was_set_aside_is_looked_through_again_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    memory.used("sampling")
    assert gone(dropped())
    kept = Loop()
    memory.set_aside()
    garbage = weakref.ref(kept)
    del kept
    monkeypatch.setattr(memory, "AGAIN", 3)
    memory.used("sampling")
    time.sleep(0.1)
    memory.used("sampling")
    assert gone(garbage)
