"""One colour for each quantity, everywhere: on the canvas, in Plotly, in the files a person takes away.

The hues are told apart by people who see colours differently (Okabe and Ito, "Color Universal Design", 2008), and each
stands out by at least 3:1 on white and on the dark background.
"""

__all__ = ["COLORS", "DENSITY", "SERIES"]

COLORS = {
    "x0": "#0072B2",
    "x_t": "#D55E00",
    "x0_hat": "#8F6BE0",
    "eps": "#009E73",
    "mu_tilde": "#CC79A7",
    "beta": "#B8860B",
    "beta_tilde": "#6E7B8B",
}

# Curves that are no quantity of their own, such as schedules side by side.
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B8860B", "#8F6BE0", "#6E7B8B")

# A density from nothing to most: one hue, even steps of lightness (OKLCH, hue 245).
DENSITY = {
    "light": (
        "#f8fafd", "#e2edf6", "#cbdff0", "#b5d1ea", "#9fc3e3", "#89b6dc", "#72a8d5", "#5b9ace", "#428cc7",
    ),
    "dark": (
        "#0f1820", "#152430", "#1b3041", "#213c53", "#274965", "#2c5678", "#32648c", "#3872a0", "#3e80b4",
    ),
}  # fmt: skip
