"""Numbers and symbols as a reader wants them."""

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence

__all__ = ["marked_up", "significant", "table", "typeset"]


def significant(value: float, digits: int = 3) -> str:
    """A number as a reader wants it: 0.0123, 1.23 × 10⁻⁷, never 1.23e-07."""
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "−∞"}.get(value, "NaN")
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        text = f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}" if value else "0"
        return text.replace("-", "−")
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    superscript = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa} × 10{superscript}".replace("-", "−")


_LETTER = r"A-Za-zℓ\u0370-\u03ff\u1f00-\u1fff"  # Latin and Greek: 汉字 may stand right beside a symbol
_INDEXED = re.compile(rf"(?<![{_LETTER}_])(SNR|[{_LETTER}][\u0300-\u036f]*)_(\{{[^}}]*\}}|[{_LETTER}\d]+)(?!_)")
_RAISED = re.compile(rf"(?<=[{_LETTER}\u0300-\u036f\d)])\^([{_LETTER}\d]+|\([^)]*\))")


def typeset(text: str) -> str:
    """A plain sentence as Markdown: x_t, x̂_0 and p(c | x)^w become mathematics; what is so already is left alone."""
    if "$" in text:
        return text
    indexed = _INDEXED.sub(lambda m: f"${_symbol(m[1])}_{{{m[2].strip('{}')}}}$", text)
    return _RAISED.sub(lambda m: f"$^{{{m[1].strip('()')}}}$", indexed)


def marked_up(text: str) -> str:
    """The same in the little HTML that Plotly knows: x_t and (w + 1)^2 with their indices and powers."""
    indexed = _INDEXED.sub(lambda m: f"{m[1]}<sub>{m[2].strip('{}')}</sub>", text)
    return _RAISED.sub(lambda m: f"<sup>{m[1].strip('()')}</sup>", indexed)


def _symbol(letter: str) -> str:
    """A letter with its mark, or a name, in LaTeX."""
    marks = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar"}
    if letter == "SNR":
        return r"\mathrm{SNR}"
    bare, *over = list(unicodedata.normalize("NFD", letter))
    return "".join(rf"\{marks[mark]}{{" for mark in reversed(over)) + bare + "}" * len(over)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> str:
    """A table in Markdown; ``align`` has a letter a column, l or r."""
    marks = {"l": ":--", "r": "--:"}
    lines = [head, [marks[side] for side in align] or ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
