"""Memory: what is heavy is set aside, and garbage is collected in the background, never in a visitor's way.

Streamlit would collect after every run (``runner.postScriptGC``, off in our config): with all lessons loaded and
cached that walks half a million objects, 0.1 s under the interpreter's lock, for every run of every visitor. Here it is
done once for all of them, by one thread, and only where something ran. Python's own collector goes on as ever.
"""

import ctypes
import gc
import itertools
import platform
import threading
import time
from functools import cache

__all__ = ["keep_compact", "set_aside", "start", "tidy", "used"]

PAUSE = 5.0  # seconds between two looks: until the next one what a run leaves stays, megabytes of arrays included
AGAIN = 120  # looks after which what was set aside is looked through again: some of it was a visitor's
ARENAS = 2
ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h

_lessons: set[str] = set()  # run to their end at least once
_new = threading.Event()  # something to set aside
_ran = threading.Event()  # anything since the last look


def used(lesson: str) -> None:
    """A lesson was run to its end: at the next look its garbage is collected, and what it loaded is set aside."""
    if lesson not in _lessons:
        _lessons.add(lesson)
        _new.set()
    _ran.set()


def set_aside() -> None:
    """Keep all that lives now out of the collector's way, garbage excepted.

    Frozen objects are freed when nobody refers to them, but cycles among them stay; so what was frozen before, a
    visitor's things included, is looked through again first.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


@cache
def glibc() -> ctypes.CDLL | None:
    """The C library, where it is the one whose allocator is spoken to here."""
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


def keep_compact() -> None:
    """Few arenas of memory for the threads to come.

    Every run has a thread of its own, and glibc cuts what they ask for, arrays of up to 32 MB included, from as many as
    eight arenas a core. What one of them frees the others cannot use: half of the heap was such holes. Two are enough
    where threads take turns under the interpreter's lock.
    """
    library = glibc()
    if library is not None:
        library.mallopt(ARENA_MAX, ARENAS)


def hand_back() -> None:
    """Give the system what is free between the things that stay."""
    library = glibc()
    if library is not None:
        library.malloc_trim(0)


def tidy() -> None:
    """What is due: nothing where nothing ran."""
    if not _ran.is_set():
        return
    _ran.clear()
    if _new.is_set():
        _new.clear()
        set_aside()
    else:
        gc.collect()
    hand_back()


@cache
def start() -> threading.Thread:
    """The one thread that tidies up, for as long as the server runs."""

    def look() -> None:
        for number in itertools.count(1):
            time.sleep(PAUSE)
            if number % AGAIN == 0:
                _new.set()
            tidy()

    thread = threading.Thread(target=look, name="memory", daemon=True)
    thread.start()
    return thread
