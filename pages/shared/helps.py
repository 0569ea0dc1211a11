"""One line of help for each control, by its word in the URL: what it is, not how to use it."""

from pages.shared.i18n import _

__all__ = ["HELPS", "help_of"]

HELPS = {
    "T": "How many noising steps the whole way has.",
    "ask": "What is asked; predict before you look.",
    "beside": (
        "The same picture with one thing changed, beside it: one slider, the same noise, equal axes. All else on "
        "the page is about the first."
    ),
    "block": "The part of the network that is looked into, in the order in which a picture passes through.",
    "data": "What x₀ is: pictures, points in the plane, or numbers.",
    "denoiser": "Who guesses the noise: the exact answer for these data, or a trained network.",
    "eta": "How much fresh noise a step adds: 0 none (DDIM), 1 as much as DDPM with β̃.",
    "gamma": "How strongly R1 keeps the discriminator flat at the data.",
    "h": "How far one step goes along the gradient.",
    "head": "Attention works in several heads side by side; one of them, or their mean.",
    "label": "The digit that the network is told to draw.",
    "lam": "How wide the data are: pictures are wide in the directions in which their pixels move together.",
    "last": "Whether the last step, which ends at x₀, adds noise.",
    "loss": "What the generator makes smaller; the direction is the same, the length is not.",
    "lr": "How far one training step moves the weights.",
    "momentum": "How much of the steps before goes into each step.",
    "mu": "The mean of z; in the picture it can be dragged.",
    "mistake": "What is wrong with the denoiser: ε_θ = ε* + a sin 3x; with a = 0 it is the best one.",
    "N": "How many reverse steps are taken; the fewer, the longer is each.",
    "net": "Two networks of one design: one draws digits, the other reads words.",
    "picture": "Which of the four pictures is opened: its words, its guesses.",
    "predicts": "What the network is asked for; from one of the three the other two follow.",
    "prompt": "34 English words are known, for shapes, colours, sizes and places; a shape stands in the singular.",
    "s2": "How wide the data are; 1 is the variance of pure noise.",
    "sampler": "DDPM adds fresh noise in each step; DDIM need not.",
    "schedule": "How much noise each step adds.",
    "seed": "The number from which all random numbers of this page are made; the same seed, the same picture.",
    "shape": "How the noise grows from the first step to the last.",
    "spacing": (
        "Which of the T timesteps the N steps visit. Trailing: evenly spaced, counted down from T. Iddpm: evenly "
        "spaced from 1 to T (N = 1: T). Leading: evenly spaced, counted up from 1; T is left out unless N = T."
    ),
    "steps": "How often the weights are moved.",
    "stride": "How many noising steps one step of the way back undoes.",
    "turns": "Whether the generator answers to the discriminator before or after that has moved.",
    "v": "0 gives β̃, 1 gives β; between and beyond them their logarithms are mixed.",
    "variance": "How much fresh noise a DDPM step adds.",
    "way": "From noise to a sample; or from the data to the latent first, and back from there.",
    "w": "How strongly the words (or the class) pull: 0 ignores them, 1 takes them as trained, more goes beyond.",
    "width": "How many numbers each hidden layer holds.",
    "word": "Its letters become points: x₀ is drawn from the ink.",
    "x_0": "The start, which the posterior is told; in the picture it can be dragged.",
    "x_t": "Where the chain stands at t; in the picture it can be dragged.",
}


def help_of(name: str) -> str | None:
    """The help of a control, in the reader's language."""
    return _(HELPS[name]) if name in HELPS else None
