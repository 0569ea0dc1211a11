"""Which version of the program this is, and which files in it have a licence of their own."""

import subprocess
from functools import cache
from pathlib import Path

from diffusion_core import __version__
from diffusion_core.files import ASSETS

__all__ = ["ROOT", "VERSION", "commit", "own_licences"]

ROOT = Path(__file__).parents[2]
VERSION = __version__
_LICENCES = ("LICENSE*", "LICENCE*", "OFL*", "COPYING*")


def _git(folder: Path, *words: str) -> str:
    """What git answers; "" where there is no git, or no repository that it knows."""
    try:
        answer = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


@cache
def commit(folder: Path = ROOT) -> str:
    """The commit of a copy, with "-dirty" where its files were changed since; "" for a copy without a repository.

    A repository around the copy is not the copy's own.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    return _git(folder, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*") if top == str(folder) else ""


def own_licences(assets: Path = ASSETS) -> list[str]:
    """The files that hold a licence, beside what they are for."""
    found = {file for name in _LICENCES for file in assets.rglob(name)}
    return sorted(file.relative_to(assets.parent).as_posix() for file in found)
