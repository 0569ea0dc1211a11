"""The package as it is installed: its modules, its data and networks, its types."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

import diffusion_core

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a wheel of this project holds, and nothing of the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"]))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def python(code: str, site: Path) -> str:
    """What a program prints that finds the package in ``site`` alone."""
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site)!r})\n{code}"],
        cwd=site,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_data_and_networks_are_found_wherever_it_is_installed(installed: Path) -> None:
    said = python(
        "from diffusion_core import digits, __version__, __file__\n"
        "from diffusion_core.files import MODELS\n"
        "from diffusion_core.training.checkpoint import load_denoiser\n"
        "load_denoiser(MODELS / 'points_eight_gaussians.safetensors')\n"
        "print(len(digits().law.points), __version__, __file__)",
        installed,
    ).split()
    assert said == ["10000", diffusion_core.__version__, str(installed / "diffusion_core" / "__init__.py")]


def test_types_and_licence_come_along_and_the_app_does_not(installed: Path) -> None:
    assert (installed / "diffusion_core" / "py.typed").exists()
    assert list(installed.glob("*.dist-info/licenses/LICENSE"))
    assert not (installed / "pages").exists()
    assert not list(installed.rglob("test_*.py"))
