"""The controls of *Inside the network*: which network, what it is shown, and which of its blocks is looked into."""

from streamlit.delta_generator import DeltaGenerator

from diffusion_core.data.captions import parse
from diffusion_core.nets.unet import UNet
from pages.shared import controls, prompts
from pages.shared.i18n import _, parts
from pages.unet.recipe import PROMPT
from pages.unet.runs import Asked

__all__ = ["pick", "pick_head", "pick_net", "prose"]

DEFAULT_BLOCK = {"digits": "middle_attention", "text": "up_0_0_words"}


def prose(net: str) -> dict[str, str]:
    """What the page says: of the network that reads its own parts, and its formula after the one of both."""
    both = parts("unet")
    if net != "text":
        return both
    own = parts("unet/text")
    return {**both, **own, "formula": f"{both['formula']}\n\n{own['formula']}"}


def pick_net() -> str:
    """Which network."""
    names = {"digits": _("draws digits"), "text": _("reads text, draws latents")}
    return controls.choice("net", _("Network"), names, "digits", pills=True)


def pick(net: str, module: UNet, left: DeltaGenerator, right: DeltaGenerator, *, seed: int) -> Asked:
    """What the network is shown, and the block."""
    label, prompt = 3, PROMPT
    with left:
        if net == "digits":
            label = int(controls.choice("label", _("Digit"), {str(k): str(k) for k in range(10)}, "3"))
        else:
            prompt = prompts.or_default(controls.text("prompt", _("Prompt"), PROMPT), parse, PROMPT)
    with right:
        block = controls.choice("block", _("Block"), block_names(module), DEFAULT_BLOCK[net])
    return Asked(net=net, label=label, prompt=prompt, seed=seed, block=block)


def pick_head(block: str, module: UNet) -> str:
    """Which head of a block of attention is looked at, or the mean over all."""
    if not block.endswith(("attention", "words")):
        return "mean"
    heads = {"mean": _("mean"), **{str(k): str(k) for k in range(1, module.config.heads + 1)}}
    return controls.choice("head", _("Head"), heads, "mean")


def block_names(net: UNet) -> dict[str, str]:
    """The blocks by their word in the URL, said in words."""
    names = {"first": _("first convolution"), "last": _("last convolution")}
    paths = {"down": _("down"), "middle": _("middle"), "up": _("up")}
    kinds = {"attention": _("attention"), "words": _("attention to the words"), "residual": _("residual block")}
    for name in net.blocks():
        if name not in names:
            path, *rest = name.split("_")
            kind = kinds.get(rest[-1], kinds["residual"])
            where = f" {int(rest[0]) + 1}" if rest[0].isdigit() else ""
            second = " 2" if name == "middle_second" else ""
            names[name] = f"{paths[path]}{where} · {kind}{second}"
    return {name: names[name] for name in net.blocks()}
