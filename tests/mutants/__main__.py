"""``make mutants``: changes the flat core, one place at a time, and prints the changes that no test sees.

    make mutants                                  every module, about an hour on one core
    make mutants MODULES="posterior nets/mlp"     some of them
    make mutants WORKERS=2                        two mutants at a time

A mutant is tested in a forked child of this process, which has loaded all that the tests import, besides the core. The
child imports the core with the mutant's source in place of the file, and runs the tests: first those of the module's
own files, then the others that run the changed function; the fastest first, until one fails, for SECONDS in all. What
only a slower test would see counts as a survivor. A test that takes ten times its processor time and five seconds more
has timed out; its mutant counts as killed. No file is changed.

.cache/mutants keeps which tests run which function (measured anew for a test file that changed), and what became of
each mutant. A killed one is not tried again until its module changes, a survivor always is. Remove it to begin anew.

Survivors that no test can kill stand in equivalent.toml with the reason. Exit status 1: less than 95 % of the others
are killed.
"""

import gc
import hashlib
import importlib.abc
import importlib.machinery
import json
import os
import resource
import signal
import sys
import tempfile
import tomllib
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec
from multiprocessing import get_context
from pathlib import Path
from types import CodeType, ModuleType
from typing import TypedDict

import coverage
import pytest
from hypothesis import Phase, settings

from tests.mutants.mutations import Mutant, functions, mutants

SECONDS = 15.0
WANTED = 0.95
MEMORY = 8 << 30
CACHE = Path(".cache/mutants")
CORE = Path("diffusion_core")
MODULES = [
    "errors",
    "spacing",
    "schedule",
    "forward",
    "posterior",
    "parameterization",
    "variance",
    "reverse",
    "samplers",
    "objectives",
    "denoisers",
]
MODULES += [
    "laws/law",
    "laws/spectral",
    "laws/mixtures",
    "laws/finite",
    "laws/pairs",
    "laws/estimates",
    "laws/bounds",
    "laws/variances",
    "laws/guided",
    "training/state",
    "training/draws",
    "training/loop",
]
MODULES += [f"nets/{path.stem}" for path in sorted((CORE / "nets").glob("[a-z]*.py"))]
KILLED, TIMED_OUT, SURVIVED, EQUIVALENT = "killed", "timed out", "survived", "equivalent"
Change = tuple[str, str, str | None]
"""Where, the old lines and the new ones; None: whatever they become."""


class Facts(TypedDict):
    """Of a test: its processor seconds, the functions that it runs."""

    seconds: float
    runs: list[str]


class Measured(TypedDict):
    """Of a test file: what its tests import besides the core, and each of them."""

    imports: list[str]
    tests: dict[str, Facts]


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("modules", nargs="*", help=", ".join(MODULES))
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    sys.dont_write_bytecode, sys.pycache_prefix = False, str((CACHE / "bytecode").absolute())
    settings.register_profile(
        "mutants", database=None, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate]
    )
    settings.load_profile("mutants")
    tests = measured_tests()
    listed = {(e["in"], e["old"], e.get("new")) for e in equivalents()}
    found: dict[str, Counter[str]] = {}
    for module in arguments.modules or MODULES:
        found[module] = try_module(module, tests, listed, arguments.workers)
    for module, counts in found.items():
        print_counts(module, counts)
    total = sum(found.values(), Counter[str]())
    print_counts("all", total)
    sys.exit(share(total) < WANTED)


def file_of(module: str) -> Path:
    return CORE / f"{module}.py"


def equivalents() -> list[dict[str, str]]:
    listed: list[dict[str, str]] = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text())["equivalent"]
    return listed


def share(counts: Counter[str]) -> float:
    killed = counts[KILLED] + counts[TIMED_OUT]
    return killed / max(1, killed + counts[SURVIVED])


def print_counts(name: str, counts: Counter[str]) -> None:
    each = ", ".join(f"{counts[kind]} {kind}" for kind in (KILLED, TIMED_OUT, SURVIVED, EQUIVALENT))
    print(f"{name:22} {counts.total():5} mutants: {each}; {share(counts):.1%} of the others killed", flush=True)


# --- the mutants of one module ----------------------------------------------------------------------------------------


def try_module(module: str, tests: dict[str, Facts], listed: set[Change], workers: int) -> Counter[str]:
    """How many there are of each kind; prints those that survive."""
    store = CACHE / f"{module.replace('/', '.')}.json"
    outcomes, killers = json.loads(store.read_text()) if store.exists() else ({}, {})
    source = file_of(module).read_text()
    everything = {hashlib.sha256(m.source.encode()).hexdigest(): m for m in mutants(source, module)}
    outcomes = {h: o for h, o in outcomes.items() if h in everything and o != SURVIVED}
    equal = {h for h, m in everything.items() if {(m.where, m.old, m.new), (m.where, m.old, None)} & listed}
    todo = {h: m for h, m in everything.items() if h not in outcomes and h not in equal}
    jobs = [(module, m.source, choose(module, m, tests, killers.get(m.key))) for m in todo.values()]
    used: set[str] = set()
    with get_context("fork").Pool(workers) as pool:
        for (digest, mutant), (outcome, by) in zip(todo.items(), pool.imap(_try, jobs), strict=True):
            outcomes[digest] = outcome
            if outcome == SURVIVED:
                print(f"{file_of(module)}:{mutant.line} in {mutant.where}\n  - {mutant.old}\n  + {mutant.new}")
                sys.stdout.flush()
            else:
                killers[mutant.key] = by
                used.add(by)
            store.write_text(json.dumps([outcomes, killers], indent=0))
    there = {(m.where, m.old, new) for m in everything.values() for new in (m.new, None)}
    for where, old, _ in listed - there:
        if where.startswith(f"{module}.") or where == module:
            print(f"equivalent.toml: no such change any more in {where}: {old}")
    outcome, by = run_tests(module, source, {test: facts["seconds"] for test, facts in tests.items() if test in used})
    if outcome != SURVIVED:
        store.unlink()
        sys.exit(f"{module}: {by} fails without any change")
    return Counter(EQUIVALENT if h in equal else outcomes[h] for h in everything)


def own_tests(module: str, tests: Iterable[str]) -> list[str]:
    """laws/mixtures: those of core/laws/test_mixtures*; where a wing has no such file, those of core/test_<wing>*."""
    wing, _, name = module.rpartition("/")
    beside, of_wing = (str(Path("tests", "core", *place)) for place in ((wing, f"test_{name}"), (f"test_{wing}",)))
    return [t for t in tests if t.startswith(beside)] or [t for t in tests if wing and t.startswith(of_wing)]


def choose(module: str, mutant: Mutant, tests: dict[str, Facts], killer: str | None) -> list[dict[str, float]]:
    """The tests to run, each with its seconds, in groups that are imported together: the last killer, the module's own,
    the others.
    """
    own = own_tests(module, tests)

    def runs(test: str) -> bool:
        return any(f == mutant.where or f.startswith(f"{mutant.where}.") for f in tests[test]["runs"])

    groups: list[list[str]] = [
        [killer] if killer in tests else [],
        sorted(own, key=lambda t: (not runs(t), tests[t]["seconds"])),
        sorted((t for t in tests if t not in own and runs(t)), key=lambda t: tests[t]["seconds"]),
    ]
    left, chosen = SECONDS, list[dict[str, float]]()
    for group in groups:
        chosen.append({})
        for test in group:
            if tests[test]["seconds"] <= left:
                chosen[-1][test] = tests[test]["seconds"]
                left -= tests[test]["seconds"]
    return [group for group in chosen if group]


def _try(job: tuple[str, str, list[dict[str, float]]]) -> tuple[str, str]:
    module, source, groups = job
    for group in groups:
        outcome, by = run_tests(module, source, group)
        if outcome != SURVIVED:
            return outcome, by
    return SURVIVED, ""


def run_tests(module: str, source: str, group: dict[str, float]) -> tuple[str, str]:
    """What becomes of the module with this source, and the test that it became so by."""
    if not group:
        return SURVIVED, ""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        log = Path(folder, "log")
        log.touch()
        child = os.fork()
        if child == 0:
            replace(module, source)
            in_child(_Until(group, log), list(group), folder)
        _, status = os.waitpid(child, 0)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what the tests left running
        started = log.read_text().splitlines()
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return SURVIVED, ""
    by = started[-1] if started else next(iter(group))  # without a test it is no module that can be imported
    return TIMED_OUT if -code in (signal.SIGPROF, signal.SIGALRM) else KILLED, by


def replace(module: str, source: str) -> None:
    """Importing the module runs this source from now on; all else is imported from its file."""
    name = f"{CORE}.{module}".replace("/", ".").removesuffix(".__init__")

    class Source(importlib.machinery.SourceFileLoader):
        def get_code(self, fullname: str) -> CodeType:
            return compile(source, self.path, "exec", dont_inherit=True)

    class Finder(importlib.abc.MetaPathFinder):
        def find_spec(
            self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
        ) -> ModuleSpec | None:
            if fullname != name:
                return None
            spec = importlib.machinery.PathFinder.find_spec(fullname, path)
            assert spec is not None and spec.origin is not None
            spec.loader = Source(fullname, spec.origin)
            return spec

    sys.meta_path.insert(0, Finder())


def in_child(plugin: object, tests: list[str], folder: str) -> None:
    """Runs the tests' files in this process, which ends there."""
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        files = list(dict.fromkeys(test.split("::")[0] for test in tests))
        pytest.main(["-x", "-p", "no:cacheprovider", f"--basetemp={folder}/tests", *files], plugins=[plugin])
    finally:
        os._exit(3)


class _Until:
    """Runs the tests in their order until one fails or has run out of its seconds; notes which it begins."""

    def __init__(self, seconds: dict[str, float], log: Path) -> None:
        self.seconds, self.log = seconds, log

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        order = {test: place for place, test in enumerate(self.seconds)}
        items[:] = sorted((i for i in items if i.nodeid in order), key=lambda i: order[i.nodeid])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        with self.log.open("a") as log:
            log.write(f"{item.nodeid}\n")
        signal.setitimer(signal.ITIMER_PROF, 5 + 10 * self.seconds[item.nodeid])  # its signal ends the process
        signal.setitimer(signal.ITIMER_REAL, 60 + 20 * self.seconds[item.nodeid])  # if it waits for ever

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        if call.excinfo and not call.excinfo.errisinstance(pytest.skip.Exception):
            os._exit(1)  # before the failure is told at length

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        os._exit(exitstatus)


# --- which test runs which function -----------------------------------------------------------------------------------


def measured_tests() -> dict[str, Facts]:
    """test -> {"seconds", "runs"}: measured in a child for each test file that changed. Loads what the tests import."""
    store = CACHE / "tests.json"
    CACHE.mkdir(parents=True, exist_ok=True)
    known = json.loads(store.read_text()) if store.exists() else {}
    files = {}
    for path in test_files():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        files[str(path)] = known.get(str(path), {})
        if files[str(path)].get("digest") != digest:
            print(f"{path}: which test runs which function", flush=True)
            files[str(path)] = {"digest": digest, **_measure(str(path))}
            store.write_text(json.dumps(known | files))
        for name in files[str(path)]["imports"]:
            if name not in sys.modules:
                with suppress(Exception):
                    importlib.import_module(name)
    gc.collect()
    gc.freeze()
    return {test: facts for file in files.values() for test, facts in file["tests"].items()}


def test_files() -> list[Path]:
    return sorted(path for folder in ("core", "reference") for path in Path("tests", folder).rglob("test_*.py"))


def _measure(path: str) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        child = os.fork()
        if child == 0:
            in_child(_Measure(Path(folder, "facts")), [path], folder)
        os.waitpid(child, 0)
        if not Path(folder, "facts").exists():
            sys.exit(f"{path} fails without any change")
        found: Measured = json.loads(Path(folder, "facts").read_text())
        return found


class _Measure:
    """Notes the processor seconds of each test and the functions that it runs."""

    def __init__(self, result: Path) -> None:
        self.result, self.seconds = result, dict[str, float]()
        self.coverage = coverage.Coverage(data_file=None, include=[f"{CORE}/*"])
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self.coverage.switch_context(item.nodeid)
        begin = sum(os.times()[:4])
        result = yield
        self.seconds[item.nodeid] = sum(os.times()[:4]) - begin
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os._exit(1)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self.coverage.stop()
        data, runs = self.coverage.get_data(), {test: set[str]() for test in self.seconds}
        for module in MODULES:
            inside = functions(file_of(module).read_text(), module)
            for line, contexts in data.contexts_by_lineno(str(file_of(module).absolute())).items():
                for test in contexts:
                    if test in runs and line in inside:
                        runs[test].add(inside[line])
        here = str(Path.cwd())
        files = {name: getattr(m, "__file__", None) or "" for name, m in sys.modules.items()}
        imports = [n for n, f in files.items() if f and ("site-packages" in f or not f.startswith(here))]
        tests = {test: {"seconds": round(s, 3), "runs": sorted(runs[test])} for test, s in self.seconds.items()}
        self.result.write_text(json.dumps({"imports": imports, "tests": tests}))
        os._exit(exitstatus)


if __name__ == "__main__":
    main()
