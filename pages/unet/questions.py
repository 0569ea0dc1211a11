"""What to predict before *Inside the network*."""

import numpy as np
import torch

from pages.shared.questions.forms import Asked, Mistake, Number, Question, Say


def parameters(rng: np.random.Generator) -> Asked:
    """What a convolution has."""
    into, out = (int(one) for one in rng.choice([16, 32, 48, 64, 96, 128], 2, replace=False))
    layer = torch.nn.utils.skip_init(torch.nn.Conv2d, into, out, 3)
    truth = sum(one.numel() for one in layer.parameters())
    mistakes = (
        Mistake(Say("that is one weight for each pair of channels; a 3 × 3 kernel has nine."), float(into * out + out)),
        Mistake(
            Say("that is one kernel for each channel that comes out; each has one for each channel that comes in."),
            float(9 * out + out),
        ),
        Mistake(Say("that has three weights for each pair; the kernel is 3 × 3."), float(3 * into * out + out)),
    )
    return Asked(
        Say(
            "A convolution, 3 × 3, from {into} channels to {out}, with biases. How many parameters?",
            into=str(into),
            out=str(out),
        ),
        Number(float(truth), within=0.05 * truth, mistakes=mistakes, high=200_000.0),
        Say(
            "9 · {into} · {out} + {out} = {value} (within 5 % counts).",
            into=str(into),
            out=str(out),
            value=f"{truth:,}",
        ),
    )


def work(rng: np.random.Generator) -> Asked:
    """What halving the side and doubling the channels costs."""
    side, wider = int(rng.choice([2, 3, 4])), int(rng.choice([2, 3, 4, 6]))
    truth = wider**2 / side**2
    mistakes = (
        Mistake(Say("the channels count twice: those that come in and those that go out."), wider / side**2),
        Mistake(Say("the side counts twice: a picture has height and width."), wider**2 / side),
    )
    return Asked(
        Say(
            "The side of the maps is divided by {side}, their channels are multiplied by {wider}. By which factor does "
            "the work of a 3 × 3 convolution between equal widths change?",
            side=str(side),
            wider=str(wider),
        ),
        Number(truth, within=0.05 * truth, mistakes=mistakes, high=40.0),
        Say(
            "Work goes as places times channels squared: {wider}² / {side}² = {value}.",
            wider=str(wider),
            side=str(side),
            value=f"{truth:.3g}",
        ),
    )


def looks(rng: np.random.Generator) -> Asked:
    """How many weights self-attention has."""
    side, heads = int(rng.choice([4, 7, 8, 14])), int(rng.choice([2, 4]))
    places = side**2
    truth = float(heads * places**2)
    mistakes = (
        Mistake(Say("that is one weight a place and head; each place looks at all places."), float(heads * places)),
        Mistake(Say("that is one head’s; each head has weights of its own."), float(places**2)),
    )
    return Asked(
        Say(
            "A map of {side} × {side} places, self-attention with {heads} heads. How many attention weights?",
            side=str(side),
            heads=str(heads),
        ),
        Number(truth, within=0.05 * truth, mistakes=mistakes, high=200_000.0),
        Say(
            "{heads} · ({side}²)² = {value} (within 5 % counts): the square of the number of places.",
            heads=str(heads),
            side=str(side),
            value=f"{truth:,.0f}",
        ),
    )


QUESTIONS = (Question("parameters", parameters), Question("work", work), Question("looks", looks))
