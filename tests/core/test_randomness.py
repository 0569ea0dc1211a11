"""Nothing draws hidden randomness: one function touches PyTorch's global generator, one thread at a time."""

import ast
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from diffusion_core.denoisers import Predictor
from diffusion_core.nets.autoencoder import AutoencoderConfig
from diffusion_core.nets.classifier import ClassifierConfig
from diffusion_core.nets.initial import seeded
from diffusion_core.nets.mlp import MLPConfig
from diffusion_core.nets.unet import UNetConfig
from diffusion_core.schedule import linear
from diffusion_core.training.checkpoint import load_denoiser, save_denoiser
from diffusion_core.training.state import NetConfig

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "app.py", *sorted((ROOT / "diffusion_core").rglob("*.py")), *sorted((ROOT / "pages").rglob("*.py"))]
SCRIPTS = {path for path in SOURCES if path.name == "plain.py"}  # shown, taken away, and run by nobody here
SETS = {"fork_rng", "seed", "seed_all", "set_rng_state", "default_generator"}
DRAWS = {
    *("rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like"),
    *("normal", "bernoulli", "multinomial", "poisson", "binomial"),
}
METHODS = {
    *("normal_", "uniform_", "random_", "bernoulli_", "exponential_", "cauchy_", "geometric_", "log_normal_"),
    *("trunc_normal_", "xavier_normal_", "xavier_uniform_", "kaiming_normal_", "kaiming_uniform_", "orthogonal_"),
}
WHERE = {  # who may: the one function; inside a build; shapes without numbers
    ("nets/initial.py", "seeded"): {"fork_rng", "default_generator", "manual_seed"},
    ("nets/unet.py", "__init__"): {"build"},
    ("nets/text.py", "__init__"): {"normal_"},
    ("training/checkpoint.py", "_skeleton"): {"build"},
}


def touches(node: ast.AST) -> str | None:
    """What in this node draws from, or sets, the global generator, or makes weights that do."""
    if isinstance(node, ast.alias):
        return node.name if node.name in SETS else None
    if isinstance(node, ast.Attribute):
        return node.attr if node.attr in SETS and ast.unparse(node).startswith(("torch.", "np.", "random.")) else None
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    name, whole = node.func.attr, ast.unparse(node.func)
    given = any(keyword.arg == "generator" for keyword in node.keywords)
    own = whole == "torch.Generator().manual_seed" or whole.startswith("generator.")
    draws = not given and (name in METHODS or (name in DRAWS and whole.startswith(("torch.", "np.random.", "random."))))
    return name if draws or name == "build" or (name == "manual_seed" and not own) else None


def found(tree: ast.AST, file: str, function: str = "") -> Iterator[tuple[str, str, str]]:
    """Where: the file, the function around it, what."""
    for node in ast.iter_child_nodes(tree):
        what = touches(node)
        if what is not None:
            yield file, function, what
        inside = node.name if isinstance(node, ast.FunctionDef) else function
        yield from found(node, file, inside)


def test_only_one_function_touches_the_global_generator() -> None:
    places = [
        place
        for path in SOURCES
        if path not in SCRIPTS
        for place in found(ast.parse(path.read_text(encoding="utf-8")), path.relative_to(ROOT).as_posix())
    ]
    allowed = {(f"diffusion_core/{file}", function): names for (file, function), names in WHERE.items()}
    wrong = [place for place in places if place[2] not in allowed.get(place[:2], set())]
    assert not wrong, wrong
    assert {place[:2] for place in places} == allowed.keys()  # it sees those that may


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules that are asked for, each name of a package as if it were one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_scripts_that_are_shown_are_imported_nowhere() -> None:
    """They seed the global generator, as a notebook does: `import` would run them."""
    assert len(SCRIPTS) > 10
    names = {f"pages.{path.parent.name}.plain" for path in SCRIPTS}
    asked = {name for path in SOURCES for name in imported(ast.parse(path.read_text(encoding="utf-8")))}
    assert not names & asked and "pages.add_noise.recipe" in asked
    for line in ("from pages.training import plain", "import pages.training.plain"):
        assert names & set(imported(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "torch.manual_seed(0)",
        "with torch.random.fork_rng(devices=[]): pass",
        "x = torch.randn(3)",
        "x = torch.randn_like(y)",
        "net = config.net.build()",
        "w.normal_(0, 1)",
        "nn.init.xavier_uniform_(w)",
        "torch.default_generator.manual_seed(1)",
        "np.random.seed(0)",
        "from torch.random import fork_rng",
    ],
)
def test_a_line_that_does_is_seen(line: str) -> None:
    assert list(found(ast.parse(f"def f():\n    {line}\n"), "file"))
    assert not list(found(ast.parse("x = torch.randn(3, generator=torch.Generator().manual_seed(0))"), "file"))


# --- threads --------------------------------------------------------------------------------------------------------

CONFIGS: list[NetConfig | AutoencoderConfig | ClassifierConfig] = [
    MLPConfig(2, 16, depth=30),
    UNetConfig(widths=(8, 16), heads=2),
    AutoencoderConfig(8),
    ClassifierConfig(2),
]


def weights(net: nn.Module) -> torch.Tensor:
    return torch.cat([w.detach().flatten() for w in net.state_dict().values()])


def at_once(jobs: list[Callable[[], None]]) -> None:
    """Each job in a thread of its own, changing places as often as Python can."""
    start, interval = threading.Barrier(len(jobs)), sys.getswitchinterval()

    def work(job: Callable[[], None]) -> None:
        start.wait()
        job()

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)


def test_threads_that_build_at_once_build_what_each_builds_alone(tmp_path: Path) -> None:
    alone = [weights(seeded(seed, config.build)) for seed, config in enumerate(CONFIGS)]
    assert not torch.equal(alone[0], weights(seeded(9, CONFIGS[0].build)))
    config = UNetConfig(widths=(8, 16), heads=2)
    save_denoiser(tmp_path / "net", Predictor(seeded(1, config.build), config, linear(10)))
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    together: dict[int, list[torch.Tensor]] = {seed: [] for seed in range(len(CONFIGS))}

    def build(seed: int) -> None:
        for _again in range(4):
            together[seed].append(weights(seeded(seed, CONFIGS[seed].build)))

    def load() -> None:  # it builds a network, too, before its weights are replaced
        for _again in range(4):
            assert torch.equal(weights(load_denoiser(tmp_path / "net").net), alone[1])

    at_once([*(lambda seed=seed: build(seed) for seed in together), load])
    for seed, many in together.items():
        assert len(many) == 4 and all(torch.equal(one, alone[seed]) for one in many)
    assert torch.equal(torch.rand(3), expected)  # left as it was


def test_without_the_lock_they_would_not(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoLock:
        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr("diffusion_core.nets.initial._building", NoLock())
    alone = weights(seeded(0, CONFIGS[0].build))
    many: list[torch.Tensor] = []
    for _attempt in range(50):
        at_once(2 * [lambda: many.append(weights(seeded(0, CONFIGS[0].build)))])
        if not all(torch.equal(one, alone) for one in many):
            return
    raise AssertionError("the test above would notice nothing")
