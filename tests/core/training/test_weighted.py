"""Small networks under different weightings: their task, their training, and those that are shipped."""

from pathlib import Path

import pytest
import torch

from diffusion_core.data.toys import bimodal
from diffusion_core.errors import BadInput
from diffusion_core.files import MODELS
from diffusion_core.laws.estimates import loss_floor
from diffusion_core.levels import from_log_snr
from diffusion_core.training.weighted import NAMES, WIDTHS, Small, load, save, task, train

SHIPPED = MODELS / "weighted_points.safetensors"


def test_the_task_is_the_exact_answer_at_every_level() -> None:
    """E eps*^2 = 1 - l_t, the weights of a level's places and of a weighting's levels add up to 1."""
    wanted, law = task(9, 40), bimodal().law
    schedule = from_log_snr(wanted.log_snr.double())
    mean_square = (wanted.share * wanted.answer.square()).sum(-1)
    floors = torch.tensor([loss_floor(law, schedule, t).value for t in range(1, 10)])
    torch.testing.assert_close(mean_square, 1 - floors, rtol=0, atol=1e-3)
    assert (mean_square - floors).abs().max() > 0.1
    for shares in (wanted.share.sum(-1), wanted.weights.sum(-1)):
        torch.testing.assert_close(shares, torch.ones_like(shares))


def test_training_lowers_each_loss_and_is_the_same_from_the_same_seed() -> None:
    wanted = task()

    def own(networks: Small) -> torch.Tensor:
        return (wanted.weights * networks.errors(wanted)).sum(1)

    few, more, again = (train(2, steps=steps, starts=1) for steps in (1, 12, 12))
    assert (own(more) < own(few)).all() and own(more).mean() < 0.9 * own(few).mean()
    assert all(torch.equal(more.parts[name], again.parts[name]) for name in more.parts)
    assert not torch.equal(own(train(2, steps=1, starts=1, seed=1)), own(few))


def test_the_shipped_networks_are_best_by_the_loss_they_were_trained_with() -> None:
    """On finer nodes than they have seen; and the wider, the lower is each one's own loss."""
    fine, before = task(65, 48), torch.full((len(NAMES),), torch.inf)
    found = load(SHIPPED)
    assert tuple(found) == WIDTHS and SHIPPED.stat().st_size < 100_000
    for networks in found.values():
        losses = networks.errors(fine) @ fine.weights.T  # trained with, judged by
        assert (losses >= 0.999 * losses.diag()).all()
        assert (losses.roll(1, 0).diag() > losses.diag()).any()  # another network's is no such diagonal
        assert (losses.diag() < before).all()
        before = losses.diag()


def test_what_is_no_such_file_is_said(tmp_path: Path) -> None:
    damaged, other = tmp_path / "damaged.safetensors", tmp_path / "other.safetensors"
    damaged.write_bytes(SHIPPED.read_bytes()[:200])
    networks = list(load(SHIPPED).values())
    save(other, networks)
    assert load(other).keys() == load(SHIPPED).keys()
    other.write_bytes(other.read_bytes().replace(b"min_snr", b"max_snr"))
    for path in (damaged, tmp_path / "none.safetensors"):
        with pytest.raises(BadInput, match="The small networks cannot be read"):
            load(path)
    with pytest.raises(BadInput, match="The small networks were trained for bound,eps,x0,v,score,max_snr,p2"):
        load(other)
