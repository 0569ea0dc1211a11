"""The rules of CONTRIBUTING.md that a program can see: how long a file and a function are, how calls name what they
pass, where a test lies. Of JavaScript's functions eslint sees to it.
"""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE, TESTS = ROOT / "diffusion_core", ROOT / "tests" / "core"
PYTHON = [ROOT / "app.py", *(p for name in ("diffusion_core", "pages", "tests") for p in (ROOT / name).rglob("*.py"))]
FOLDERS = ("classroom", "questions", "shell", "timeline")
SCRIPTS = [p for top in ("assets", "tests") for name in FOLDERS for p in (ROOT / top / name).rglob("*.js")]
LINES, BODY, ARGUMENTS = 400, 40, 4
TAKE_ANY_NUMBER = {"Sequential", "pack", "permute"}  # layers; struct's values; axes: a row of equals without names
OF_THE_WHOLE = {"arrows", "house_rules", "input", "package", "randomness"}  # tests of no single module


@cache
def nodes(source: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse(source)))


def too_long(source: str) -> Iterator[str]:
    """The file, where it has too many lines."""
    if (lines := len(source.splitlines())) > LINES:
        yield f"{lines} lines"


def long_functions(source: str) -> Iterator[str]:
    """Functions, with all that is in them, whose bodies have too many lines; docstrings do not count."""
    for node in nodes(source):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            if body and (lines := (body[-1].end_lineno or 0) - body[0].lineno + 1) > BODY:
                yield f"{node.name}: {lines} lines"


def crowded_calls(source: str) -> Iterator[str]:
    """Calls with too many arguments by position; a function that says ``*args`` in the same file may have them."""
    free = TAKE_ANY_NUMBER | {n.name for n in nodes(source) if isinstance(n, ast.FunctionDef) and n.args.vararg}
    for node in nodes(source):
        if isinstance(node, ast.Call) and len(node.args) > ARGUMENTS:
            name = ast.unparse(node.func)
            if name.rpartition(".")[2] not in free:
                yield f"line {node.lineno}: {name} with {len(node.args)}"


def strayed(test: Path, modules: set[str]) -> Iterator[str]:
    """A test file whose place names no module: laws/test_generated_ddim is a test of laws/generated."""
    place, name = test.parent, test.stem.removeprefix("test_")
    words = name.split("_")
    starts = {(place / "_".join(words[:n])).as_posix() for n in range(1, len(words) + 1)}
    if not starts & modules and not (name in OF_THE_WHOLE and place == Path(".")):
        yield f"{test.as_posix()} tests no module of its name"


def found(rule: Callable[[str], Iterator[str]], files: list[Path]) -> list[str]:
    return [f"{path.relative_to(ROOT)}: {wrong}" for path in files for wrong in rule(path.read_text("utf-8"))]


@pytest.mark.parametrize(
    ("rule", "files", "good", "bad"),
    [
        (too_long, PYTHON + SCRIPTS, "x = 1\n" * 400, "x = 1\n" * 401),
        (
            long_functions,
            PYTHON,
            'def f():\n    """Says.\n\n    Much.\n    """\n' + "    x = 1\n" * 40,
            "def f():\n    def g():\n" + "        x = 1\n" * 40,
        ),
        (
            crowded_calls,
            PYTHON,
            "def run(*words): pass\nrun(1, 2, 3, 4, 5)\nstruct.pack('4B', 1, 2, 3, 4)\nf(1, 2, 3, 4, x=5, y=6)\n",
            "self.f(a, b)(1, 2, 3, *rest, 4)",
        ),
    ],
    ids=["files", "functions", "calls"],
)
def test_the_sources_keep_the_rule(
    rule: Callable[[str], Iterator[str]], files: list[Path], good: str, bad: str
) -> None:
    assert len(files) > 300 and ROOT / "app.py" in files
    assert found(rule, files) == []
    assert not list(rule(good))
    assert list(rule(bad))


def test_tests_lie_where_their_modules_do() -> None:
    paths = [path.relative_to(CORE) for path in CORE.rglob("*.py")]
    modules = {path.with_name(path.stem.strip("_")).as_posix() for path in paths if path.stem != "__init__"}
    modules |= {path.parent.as_posix() for path in paths if path.stem == "__init__"}  # a wing
    files = [path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")]
    assert len(files) > 40
    assert [wrong for test in files for wrong in strayed(test, modules)] == []
    for wrong in ("test_mixtures.py", "laws/test_input.py", "nets/test_loop.py", "claims/test_spreads.py"):
        assert list(strayed(Path(wrong), modules)), wrong
