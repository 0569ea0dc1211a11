r"""The noise predictor for images and latents: a U-Net that knows t, and, if asked, a class or a text.

.. code-block:: text

    (1, 28, 28)  pixels of 2 x 2 become channels        -> (4, 14, 14)
    (48, 14, 14) residual block                ───────────────────────┐ skip
    (96, 7, 7)   residual block + attention    ──────────────┐ skip   │
    (96, 7, 7)   middle: residual block, attention, residual block
    (96, 7, 7)   residual block + attention    <─────────────┘        │
    (48, 14, 14) residual block                <──────────────────────┘
    (1, 28, 28)  channels become pixels of 2 x 2 again

A residual block is Ho's: norm, SiLU, convolution, plus the embedding of t, norm, SiLU, convolution, plus its input.
A class is added to the embedding of t. A text enters beside it: wherever the places look at each other, they next look
at the words (cross-attention). Latents have few places already: there no pixels become channels (``patch = 1``).

References:
    Ho, Jain, Abbeel 2020, appendix B. Ronneberger et al. 2015 (U-Net). Shi et al. 2016 (pixels and channels).
    Nichol, Dhariwal 2021, section 3.1 (a second output v). Ho, Salimans 2022 (the class that means "none").
    Rombach et al. 2022, section 3.3 (text by cross-attention).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diffusion_core.errors import BadInput, check_rows, check_whole
from diffusion_core.nets.attention import Attention, CrossAttention, GroupNorm
from diffusion_core.nets.initial import zero
from diffusion_core.nets.mlp import TimeFeatures
from diffusion_core.nets.text import PAD, TextConfig, tokenize

__all__ = ["Residual", "UNet", "UNetConfig"]

silu = nn.functional.silu


class Residual(nn.Module):
    """(batch, inside, H, W) and the embedding (1 or batch, E) -> (batch, outside, H, W); it starts as its shortcut."""

    def __init__(self, inside: int, outside: int, embedding: int) -> None:
        super().__init__()
        self.norm1 = GroupNorm(8, inside)
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1)
        self.embed = nn.Linear(embedding, outside)
        self.norm2 = GroupNorm(8, outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1)
        self.shortcut = nn.Identity() if inside == outside else nn.Conv2d(inside, outside, 1)
        zero(self.conv2)

    def forward(self, h: Tensor, embedding: Tensor) -> Tensor:
        out = self.conv1(silu(self.norm1(h))) + self.embed(embedding)[:, :, None, None]  # (batch, outside, H, W)
        total: Tensor = self.shortcut(h) + self.conv2(silu(self.norm2(out)))
        return total


class UNet(nn.Module):
    """The network of `UNetConfig`: (x_t, t, condition) -> output, shape of x_t; twice the channels with a learned v."""

    def __init__(self, config: "UNetConfig") -> None:
        super().__init__()
        self.config = config
        widths, E = config.widths, 4 * config.widths[0]
        levels = range(len(widths))
        outputs = config.channels * (2 if config.learned_variance else 1)

        self.time = nn.Sequential(TimeFeatures(widths[0]), nn.Linear(widths[0], E), nn.SiLU(), nn.Linear(E, E))
        self.label = None if config.classes is None else nn.Embedding(config.classes + 1, E)  # the last: no class
        self.text = None if config.text is None else config.text.build()

        self.first = nn.Conv2d(config.patch**2 * config.channels, widths[0], 3, padding=1)
        self.down = nn.ModuleDict()
        self.shrink = nn.ModuleDict()
        for i in levels:
            if i > 0:
                self.shrink[str(i)] = nn.Conv2d(4 * widths[i - 1], widths[i], 1)  # after 2 x 2 pixels -> channels
            self._stage(self.down, i, inside=widths[i], embedding=E)

        self.middle = nn.ModuleDict({"first": Residual(widths[-1], widths[-1], E)})
        self._look(self.middle, "", widths[-1])
        self.middle["second"] = Residual(widths[-1], widths[-1], E)

        self.up = nn.ModuleDict()
        self.grow = nn.ModuleDict()
        for i in reversed(levels):
            self._stage(self.up, i, inside=2 * widths[i], embedding=E)
            if i > 0:
                self.grow[str(i)] = nn.Conv2d(widths[i], 4 * widths[i - 1], 1)  # before channels -> 2 x 2 pixels
        self.norm = GroupNorm(8, widths[0])
        self.last = nn.Conv2d(widths[0], config.patch**2 * outputs, 3, padding=1)
        zero(self.last)  # it starts with eps_hat = 0, whose loss is 1
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.2 to 1.7 times as fast on a CPU

    def _stage(self, path: nn.ModuleDict, level: int, *, inside: int, embedding: int) -> None:
        outside = self.config.widths[level]
        for block in range(self.config.blocks):
            # on the way up each block sees one skip
            path[f"{level}_{block}"] = Residual(inside, outside, embedding)
            if self.config.attention[level]:
                self._look(path, f"{level}_{block}_", outside)

    def _look(self, path: nn.ModuleDict, name: str, width: int) -> None:
        """Attention to the other places, and to the words."""
        path[f"{name}attention"] = Attention(width, self.config.heads)
        if self.config.text is not None:
            path[f"{name}words"] = CrossAttention(width, self.config.text.width, self.config.heads)

    def blocks(self) -> dict[str, nn.Module]:
        """The blocks whose maps `forward` can keep, in the order in which they work."""
        paths = {"down": self.down, "middle": self.middle, "up": self.up}
        inner = {f"{name}_{key}": block for name, path in paths.items() for key, block in path.items()}
        return {"first": self.first, **inner, "last": self.last}

    def forward(
        self, x: Tensor, t: int | Tensor, cond: Tensor | None = None, maps: dict[str, Tensor] | None = None
    ) -> Tensor:
        """The output at x_t.

        Args:
            x: (batch, channels, H, W), H and W divisible by `UNetConfig.unit`.
            t: an integer or (batch,) integers.
            cond: (batch,) classes, the number of classes standing for none; or (batch, L) tokens (`text.tokenize`), the
                empty prompt standing for none; None: none for all.
            maps: a dictionary to fill with each block's output (batch, width, H, W) under its name in `blocks`, and
                with who looks where, (batch, heads, places, places or words), under the name + "_weights".
        """
        check_rows("x", x)
        run = _Run(self._told(t, cond), self._read(x, cond), maps)
        h = nn.functional.pixel_unshuffle(x, self.config.patch)  # (4 C, H / 2, W / 2)
        h = run("first", self.first, h.contiguous(memory_format=torch.channels_last))  # (w0, H / 2, W / 2)
        skips: list[Tensor] = []
        for level in range(len(self.config.widths)):
            if level > 0:
                h = self.shrink[str(level)](nn.functional.pixel_unshuffle(h, 2))  # (w_i, half, half)
            for blocks in self._stages("down", self.down, level):
                h = run.all(blocks, h)
                skips.append(h)
        h = run.all({f"middle_{name}": block for name, block in self.middle.items()}, h)
        for level in reversed(range(len(self.config.widths))):
            for blocks in self._stages("up", self.up, level):
                h = run.all(blocks, torch.cat([h, skips.pop()], 1))  # (2 w_i, H_i, W_i)
            if level > 0:
                h = nn.functional.pixel_shuffle(self.grow[str(level)](h), 2)  # (w_{i - 1}, twice, twice)
        h = run("last", self.last, silu(self.norm(h)))  # (4 C, H / 2, W / 2)
        return nn.functional.pixel_shuffle(h, self.config.patch).contiguous()  # (C, H, W), or (2 C, H, W)

    def _told(self, t: int | Tensor, cond: Tensor | None) -> Tensor:
        """The embedding of t, and of the class, as the residual blocks get it: (1 or batch, E)."""
        emb: Tensor = self.time(t)
        if self.label is not None:
            none = self.config.classes
            emb = emb + (self.label.weight[none] if cond is None else self.label(cond))
        return silu(emb)

    def _read(self, x: Tensor, cond: Tensor | None) -> tuple[Tensor, ...]:
        """A vector for each word, (batch, L, width), and where there is one, (batch, L); nothing without a text."""
        if self.text is None:
            return ()
        tokens = tokenize([""] * len(x)).to(x.device) if cond is None else cond
        return self.text(tokens), tokens != PAD

    def _stages(self, where: str, path: nn.ModuleDict, level: int) -> Iterator[dict[str, nn.Module]]:
        """The stages of one level: each a residual block, with its attention and its words, by name."""
        for block in range(self.config.blocks):
            names = [f"{level}_{block}{suffix}" for suffix in ("", "_attention", "_words")]
            yield {f"{where}_{name}": path[name] for name in names if name in path}


class _Run:
    """Runs blocks with what each of them is told beside h, and keeps the maps that are asked for."""

    def __init__(self, told: Tensor, read: tuple[Tensor, ...], maps: dict[str, Tensor] | None) -> None:
        self.told, self.read, self.maps = told, read, maps

    def __call__(self, name: str, block: nn.Module, h: Tensor) -> Tensor:
        beside = (self.told,) if isinstance(block, Residual) else self.read if isinstance(block, CrossAttention) else ()
        if self.maps is not None and isinstance(block, Attention | CrossAttention):
            self.maps[f"{name}_weights"] = block.weights(h, *beside)
        out: Tensor = block(h, *beside)
        if self.maps is not None:
            self.maps[name] = out
        return out

    def all(self, blocks: Mapping[str, nn.Module], h: Tensor) -> Tensor:
        """One after another."""
        for name, block in blocks.items():
            h = self(name, block, h)
        return h


@dataclass(frozen=True)
class UNetConfig:
    """What a `UNet` is made from; the default is the digits' network of 28 x 28.

    Args:
        channels: C, of the image.
        patch: the side of the squares of pixels that become channels first: 2 for pixels, 1 for latents.
        widths: channels at each resolution (1/patch, half of it, ... of the image), multiples of 8.
        attention: whether the blocks of each resolution end in attention.
        blocks: residual blocks at each resolution, on the way down and on the way up.
        heads: of attention.
        classes: how many labels there are; None: no label.
        text: the network that reads a prompt; None: no prompt.
        learned_variance: a second output v beside eps.

    Raises:
        BadInput: a number outside its range.
    """

    channels: int = 1
    widths: tuple[int, ...] = (48, 96)
    attention: tuple[bool, ...] = (False, True)
    blocks: int = 1
    heads: int = 4
    classes: int | None = 10
    learned_variance: bool = False
    patch: int = 2
    text: TextConfig | None = None

    def __post_init__(self) -> None:
        if isinstance(self.text, dict):  # JSON knows no classes
            object.__setattr__(self, "text", TextConfig(**self.text))
        object.__setattr__(self, "widths", tuple(self.widths))  # JSON knows lists only
        object.__setattr__(self, "attention", tuple(self.attention))
        check_whole("channels", self.channels, 1, 64)
        check_whole("patch", self.patch, 1, 8)
        check_whole("blocks", self.blocks, 1, 8)
        check_whole("heads", self.heads, 1, 64)
        check_whole("the number of widths", len(self.widths), 1, 5)
        for width in self.widths:
            check_whole("a width", width, 8, 1024)
            if width % 8 or width % self.heads:
                raise BadInput(
                    "a width must be a multiple of 8 and of heads = {heads}; got {got}.", heads=self.heads, got=width
                )
        if len(self.attention) != len(self.widths):
            raise BadInput(
                "attention must name each of the {n} resolutions; got {got}.",
                n=len(self.widths),
                got=len(self.attention),
            )
        if self.classes is not None:
            check_whole("classes", self.classes, 1, 10_000)
            if self.text is not None:
                raise BadInput(
                    "A network knows classes or reads text, not both; got classes = {got}.", got=self.classes
                )

    @property
    def unit(self) -> int:
        """What the sides of an image must be multiples of."""
        return self.patch << (len(self.widths) - 1)

    @property
    def no_condition(self) -> Tensor | None:
        """The condition that says nothing: the class after the last, (), or the empty prompt, (L,); None: has none."""
        if self.text is not None:
            return tokenize([""])[0]
        return None if self.classes is None else torch.tensor(self.classes)

    def check_data(self, shape: tuple[int, ...]) -> None:
        """Raises BadInput unless the network takes data of this shape, without the batch."""
        unit = self.unit
        if len(shape) != 3 or shape[0] != self.channels or shape[1] % unit or shape[2] % unit:
            raise BadInput(
                "The data must have the shape ({channels}, H, W), H and W divisible by {unit}; got {got}.",
                channels=self.channels,
                unit=unit,
                got=tuple(shape),
            )

    def build(self) -> UNet:
        """A new network, its weights from PyTorch's global generator: call it through `seeded`."""
        return UNet(self)
