"""Make stix-two-math.woff2, the part of STIX Two Math 2.11 that formulas need, from the PyPI package ``ziamath`` 0.13:

pip download ziamath==0.13 --no-deps && python -m zipfile -e ziamath-0.13-py3-none-any.whl package
pip install brotli==1.2.1
python assets/fonts/make_math_font.py package
"""

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font

GREEK = range(0x391, 0x3C9 + 1)
ITALIC = range(0x1D434, 0x1D467 + 1), range(0x1D6E2, 0x1D71B + 1)  # where MathML takes one letter from
MARKS = "\u0302\u0303\u0304\u0305\u0307\u0308\u030a\u0332^~`´¨¯ˆ˜˙‾_"
RELATIONS = "=≠≈≡∼≤≥≪≫∝∈∣‖∥|←→↔↦⇒"
OPERATIONS = "−±×÷·⋅∗∘⊙∇∂∑∏∫√∞/"
FENCES = "()[]{}⟨⟩"
LETTERS = "ℓℎℝℤℕℙℰℒ𝒩𝒪𝒟𝒰𝔼ϵϑϕϱϖ"
OTHERS = "\u00a0…⋯⋮⋱′″°¹²³⁰⁴⁵⁶⁷⁸⁹⁻₀₁₂₃₄₅₆₇₈₉–—\u2061\u2062\u2063\u2064"


def characters() -> set[int]:
    """The code points that are kept; what a root, a fence or a bar needs to grow comes with them."""
    ranges = (range(0x20, 0x7F), GREEK, *ITALIC)
    return {point for one in ranges for point in one} | set(
        map(ord, MARKS + RELATIONS + OPERATIONS + FENCES + LETTERS + OTHERS)
    )


def make(source: Path, target: Path) -> None:
    """Cut the font down; its table of mathematics stays."""
    options = Options(flavor="woff2", layout_features=["ssty", "dtls", "flac"])
    options.hinting = False
    options.name_IDs = [*range(7), 13, 14]  # names, version, licence
    options.notdef_outline = True
    font = load_font(str(source), options)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(font)
    save_font(font, str(target), options)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = Path(__file__).with_name("stix-two-math.woff2")
    make(Path(sys.argv[1]) / "ziamath" / "fonts" / "STIXTwoMath-Regular.ttf", target)
    print(f"{target.name}: {target.stat().st_size} bytes")
