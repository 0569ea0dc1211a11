"""Formulas with live numbers, in MathML Core, which browsers draw by themselves.

Each function returns a piece of MathML; ``live("name")`` is a number that the timeline keeps up to date.
"""

__all__ = [
    "bar",
    "frac",
    "hat",
    "live",
    "math",
    "num",
    "op",
    "paren",
    "row",
    "rows",
    "sqrt",
    "sub",
    "sup",
    "sym",
    "text",
    "tilde",
]


def sym(name: str) -> str:
    """A variable."""
    return f"<mi>{name}</mi>"


def num(value: str) -> str:
    """A number that stays."""
    return f"<mn>{value}</mn>"


def live(name: str) -> str:
    """A number that follows t."""
    return f"<mn>{{{{{name}}}}}</mn>"


def op(sign: str) -> str:
    """An operator or a bracket."""
    return f"<mo>{sign}</mo>"


def text(words: str) -> str:
    """Words inside a formula."""
    return f"<mtext>{words}</mtext>"


def row(*pieces: str) -> str:
    """Pieces side by side."""
    return f"<mrow>{''.join(pieces)}</mrow>"


def sub(base: str, index: str) -> str:
    """base with a subscript."""
    return f"<msub>{base}{index}</msub>"


def sup(base: str, power: str) -> str:
    """base with a power."""
    return f"<msup>{base}{power}</msup>"


def paren(*pieces: str) -> str:
    """Pieces in parentheses."""
    return row(op("("), *pieces, op(")"))


def sqrt(*pieces: str) -> str:
    """A square root."""
    return f"<msqrt>{row(*pieces)}</msqrt>"


def frac(top: str, bottom: str) -> str:
    """A fraction."""
    return f"<mfrac>{top}{bottom}</mfrac>"


def _over(base: str, accent: str) -> str:
    return f'<mover accent="true">{base}<mo stretchy="false">{accent}</mo></mover>'


def hat(base: str) -> str:
    """An estimate."""
    return _over(base, "^")


def tilde(base: str) -> str:
    """mu-tilde, beta-tilde."""
    return _over(base, "~")


def bar(base: str) -> str:
    """alpha-bar."""
    return _over(base, "¯")


def rows(*lines: tuple[str, ...]) -> str:
    """Lines of cells, aligned at the cells."""
    body = "".join(
        "<mtr>"
        + "".join(
            f'<mtd style="text-align: {"right" if i == 0 else "left"}">{cell}</mtd>' for i, cell in enumerate(line)
        )
        + "</mtr>"
        for line in lines
    )
    return f"<mtable>{body}</mtable>"


def math(*pieces: str) -> str:
    """A whole formula."""
    return f'<math display="block">{row(*pieces)}</math>'
