"""The ledger in a terminal."""

import subprocess
import sys
from pathlib import Path

import pytest

from diffusion_core.claims import AnyClaim
from diffusion_core.claims.__main__ import main
from diffusion_core.claims.forward import ORDER
from tests.core.claims.examples import BLIND, SABOTAGED, with_claim

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_the_command_prints_entries_and_exits_with_0() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "diffusion_core.claims", "--seed", "5", "E1", "E3", "E13"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert "seed 5" in lines
    assert "THE FORWARD PROCESS" in lines
    assert [line.split()[:3] for line in lines if line.startswith("E")] == [
        ["E1", "definition", "-"],
        ["E3", "loose", "green"],
        ["E13", "true", "green"],
    ]
    assert "Nothing to check." in ran.stdout
    assert sum(line.strip().startswith("rejected") for line in lines) == 4
    assert lines[-1].startswith("2 of 2 lights are green")


@pytest.mark.parametrize(("claim", "status"), [(ORDER, 0), (SABOTAGED, 1), (BLIND, 1)])
def test_a_light_that_is_not_green_makes_the_status_1(
    claim: AnyClaim, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], with_claim(claim)) == status
    shown = capsys.readouterr().out
    assert ("RED" in shown) == (status == 1)
    assert ("PASSES" in shown) == (claim is BLIND)


def test_an_unknown_key_gives_one_sentence_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["E43"]) == 2
    assert capsys.readouterr().err == "There is no entry E43; there are E0 to E42.\n"
