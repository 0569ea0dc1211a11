"""Imports run one way: claims -> training -> nets -> data -> laws -> the paper; and there is no circle."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "diffusion_core"
WINGS = ("laws", "data", "nets", "training", "claims")  # each may import itself, and what stands before it
DOORS = ("__init__", "train", "evaluate")  # the package's names and the commands import what they like


def module_of(path: Path) -> str:
    """schedule, laws.mixtures, ...; a package is its `__init__`."""
    return ".".join(path.relative_to(CORE).with_suffix("").parts)


MODULES = {module_of(path): path for path in sorted(CORE.rglob("*.py"))}


def imported(source: str, modules: "dict[str, Path] | set[str]") -> Iterator[str]:
    """The modules of the core that a source imports, anywhere in it: in functions and for type checkers, too."""

    def name_of(dotted: str) -> str | None:
        inside = dotted.removeprefix("diffusion_core").removeprefix(".")
        package = f"{inside}.__init__" if inside else "__init__"
        return inside if inside in modules else package if package in modules else None

    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None and node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name_of(name) else node.module for name in names]
        for name in names:
            if name.partition(".")[0] == "diffusion_core" and (found := name_of(name)):
                yield found


def level(module: str) -> int:
    """0 for the paper's flat files, then the wings in order; the doors are above all."""
    if module in DOORS:
        return len(WINGS) + 1
    wing = module.split(".")[0]
    return 1 + WINGS.index(wing) if wing in WINGS else 0


def upward(arrows: dict[str, set[str]]) -> list[str]:
    return sorted(f"{a} -> {b}" for a, found in arrows.items() for b in found if level(b) > level(a))


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """The modules on a circle, or between two; none, if there are none: ends are taken away until no end is left."""
    left = {module: set(found) for module, found in arrows.items()}
    while ends := [m for m, found in left.items() if not found or not any(m in other for other in left.values())]:
        for module in ends:
            del left[module]
        for found in left.values():
            found.difference_update(ends)
    return sorted(left)


@pytest.fixture(scope="module")
def arrows() -> dict[str, set[str]]:
    found = {module: set(imported(path.read_text("utf-8"), MODULES)) for module, path in MODULES.items()}
    return {module: {to for to in targets if to != module} for module, targets in found.items()}


def test_arrows_run_one_way(arrows: dict[str, set[str]]) -> None:
    assert {level(module) for module in MODULES} == set(range(len(WINGS) + 2))
    assert {"schedule", "laws.mixtures"} <= arrows["training.held_out"]
    assert not upward(arrows)
    assert upward({"samplers": {"nets.unet"}, "laws.law": {"schedule"}}) == ["samplers -> nets.unet"]
    assert upward({"nets.unet": {"training.loop"}, "schedule": {"__init__"}}) != []


def test_there_is_no_circle(arrows: dict[str, set[str]]) -> None:
    assert not circle(arrows)
    late = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from diffusion_core.samplers import ddim\n"
    assert circle({**arrows, "schedule": set(imported(late, MODULES))})
    inner = "def f():\n    import diffusion_core.training.loop\n"
    assert circle({**arrows, "nets.mlp": set(imported(inner, MODULES))})


def test_the_paper_stands_on_torch_alone() -> None:
    """A diffusers model comes in through an adapter that asks what it is given, and imports nothing."""

    def foreign(source: str) -> set[str]:
        nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
        names = [a.name for n in nodes if isinstance(n, ast.Import) for a in n.names]
        names += [n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)]
        return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"diffusion_core"}

    for module, path in MODULES.items():
        if level(module) == 0:
            assert foreign(path.read_text("utf-8")) <= {"torch"}, module
    assert foreign("def f():\n    from diffusers.models import unet") == {"diffusers"}
